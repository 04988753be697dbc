"""The small style sheet in each saved turn, and how a sheet of the package is read.

The small one is a link that holds its sheet: as an element's text it would be text to read where Markdown is
made of a notebook, and where a front end strips the tags alone.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from urllib.parse import quote

from markupsafe import Markup

__all__ = ["linked", "sheet", "style"]

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SPACE = re.compile(r"\s+")
_NEEDLESS = re.compile(r" ?([{},;>]) ?|(?<=:) | (?=\+)|(?<=\+) |(?<![\d.])0(?=\.\d)")
_WRITTEN = " !$&'()*+,/:;=?@~{}>[]^|"  # stands for itself in an attribute and in a data URL


@lru_cache(maxsize=1)
def style() -> Markup:
    """The style of a static turn."""
    return linked(sheet(__package__, "saved.css"))


def linked(text: str) -> Markup:
    """A style sheet as an element that has no text."""
    short = _NEEDLESS.sub(lambda found: found[1] or "", text).replace(";}", "}").strip()
    address = f"data:text/css,{quote(short, safe=_WRITTEN)}"
    return Markup(f'<link rel="stylesheet" href="{address}">')  # noqa: S704  # quoted, and ours


@lru_cache
def sheet(package: str, name: str) -> str:
    """A style sheet of a package, without what only its authors read."""
    text = (files(package) / name).read_text(encoding="utf-8")
    return _SPACE.sub(" ", _COMMENT.sub("", text))
