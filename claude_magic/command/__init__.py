"""The `claude-magic` command."""
