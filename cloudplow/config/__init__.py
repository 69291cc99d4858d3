"""config.json and the environment, read into typed, checked values; start with `loader`."""
