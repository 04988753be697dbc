"""Functions of the notebook as tools of Claude's."""
