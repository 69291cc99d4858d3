"""Cache files and locks: the one place that writes next to the configuration."""
