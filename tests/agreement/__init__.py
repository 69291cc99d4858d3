"""Reads everything that says something about an upload, and finds what does not agree. See docs/testing.md."""
