"""What the terminal and the log file show."""
