"""config.json and the environment, read into typed and checked values; see `loader` for the way in."""
