"""What every room may use: callbacks, the state folder, paths, redaction."""
