"""The `cutover` command."""
