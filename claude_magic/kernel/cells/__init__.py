"""The notebook's cells: those that have run, those that Claude reads and changes."""
