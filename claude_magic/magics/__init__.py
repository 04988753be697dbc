"""The magics: a line becomes a prompt, and its turn a cell's output."""

from claude_magic.magics.magics import ClaudeMagics, load, unload

__all__ = ["ClaudeMagics", "load", "unload"]
