"""The product's own source, for tests of how it is built."""

from __future__ import annotations

import ast
from functools import cache

from places import ROOT

__all__ = ["modules"]


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the product, parsed, by its dotted name."""
    files = sorted((ROOT / "claude_magic").rglob("*.py"))
    names = [
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files
    ]
    return {name: ast.parse(file.read_bytes()) for name, file in zip(names, files, strict=True)}
