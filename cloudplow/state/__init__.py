"""Cache files, locks, and what is kept in them: the one place that writes beside the configuration."""
