"""Everything that knows rclone: how to call it, what its lines mean, what its exit codes mean."""
