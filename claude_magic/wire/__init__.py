"""The CLI's wire protocol: bytes to lines, lines to events, control requests. Pure; no I/O."""
