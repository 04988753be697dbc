"""Claude in the live kernel: its values, code among them, its cells, functions as tools. Shows nothing."""
