"""A turn in words, whatever shows it: no HTML."""
