"""Starts checks and uploads when they are due or asked for, each on a thread of its own, and says why and when."""
