"""A `claude` that at a word ends in the middle of a line: the real one, with its output cut off once.

The conversation is kept by the real CLI, so that what became of a prompt can be read in its own files.
"""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["INIT", "TEXT", "TEXT_BEFORE", "write_half_line"]

INIT = '"subtype":"init"'  # in the first line of a turn
TEXT, TEXT_BEFORE = "loop-14", "the-13"  # in the middle of its answer

_PROGRAM = """\
#!{python} -IS
import os, subprocess, sys
cli, cut = {cli!r}, {cut!r}
if "-v" in sys.argv:
    os.execv(cli, [cli, *sys.argv[1:]])

def word():
    try:
        with open(cut) as file:
            return file.read().encode()
    except FileNotFoundError:
        return b""

def write(data):
    while data:
        data = data[os.write(1, data):]

real = subprocess.Popen([cli, *sys.argv[1:]], stdout=subprocess.PIPE)
for line in real.stdout:
    if (asked := word()) and asked in line:
        os.unlink(cut)
        write(line[: len(line) // 2])
        real.kill()
        os._exit(1)
    write(line)
sys.exit(real.wait())
"""


def write_half_line(path: Path, cli: Path) -> Path:
    """Makes the program.

    Args:
        path: Where.
        cli: The real CLI behind it.

    Returns:
        A file: once a word is written into it, the next line of output that holds the word is cut in two.
    """
    cut = path.with_suffix(".cut")
    path.write_text(_PROGRAM.format(python=sys.executable, cli=str(cli), cut=str(cut)))
    path.chmod(0o700)
    return cut
