"""What several tests and benchmarks share: libraries of files, and uploads to a fake Drive."""
