"""What Claude is told of a value: within bounds, with nothing evaluated unasked, without secrets."""
