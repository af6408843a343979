"""The command line: `main` is the entry, `app` the table of commands, and each command has a file of its own."""
