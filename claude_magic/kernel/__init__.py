"""Claude in the live kernel: its variables, its figures, its cells. Knows IPython; shows nothing."""
