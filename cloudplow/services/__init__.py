"""Built-in plugins: each serves one section of config.json, and sees no more of the core than any plugin."""
