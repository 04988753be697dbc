"""Code that Claude runs in the kernel: as a cell would, with an output of its own."""
