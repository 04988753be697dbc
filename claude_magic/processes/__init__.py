"""Any program as a child process, with its tree, until the end; nothing here knows of Claude."""
