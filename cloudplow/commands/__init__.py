"""One module for each command: `add(subparsers)` adds it, `run(options)` runs it."""
