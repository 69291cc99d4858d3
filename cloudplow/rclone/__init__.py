"""Everything that knows rclone: how to call it, and what its output and exit codes mean."""
