"""One module for each command of the command line: `add(subparsers)` adds it, `run(options)` runs it."""
