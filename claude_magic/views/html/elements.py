"""The elements that HTML is made of: text put into one is escaped, and only what is `Markup` stays HTML.

`escape` leaves `Markup` as it is, so whatever is text here cannot become an element by being forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

__all__ = ["LINE_BREAK", "code", "details", "div", "element", "image", "joined", "pre", "span"]

LINE_BREAK = Markup("<br>")
"""Where a line ends."""


def element(tag: str, classes: str, *inside: str, **attributes: str) -> Markup:
    """An element.

    Args:
        tag: Its name, ours.
        classes: Its classes; "" for none.
        inside: Text, which is escaped, and HTML.
        attributes: Its other attributes; "" leaves one out.
    """
    attribute_text = f' class="{escape(classes)}"' if classes else ""
    for name, value in attributes.items():
        attribute_text += f' {name}="{escape(value)}"' if value else ""
    return Markup(f"<{tag}{attribute_text}>{joined(inside)}</{tag}>")  # noqa: S704  # each part is escaped


def image(classes: str, alt: str, media_type: str, data: str) -> Markup:
    """A picture, its data in base64."""
    return Markup('<img class="{}" alt="{}" src="data:{};base64,{}">').format(classes, alt, media_type, data)


def joined(parts: Iterable[str]) -> Markup:
    """Text, which is escaped, and HTML, one after the other."""
    return Markup("".join(map(escape, parts)))  # noqa: S704  # each part is escaped


def div(classes: str, *inside: str) -> Markup:
    """A block."""
    return element("div", classes, *inside)


def span(classes: str, *inside: str) -> Markup:
    """A piece of a line."""
    return element("span", classes, *inside)


def pre(classes: str, *inside: str) -> Markup:
    """Text whose lines stay as they are."""
    return element("pre", classes, *inside)


def code(classes: str, *inside: str) -> Markup:
    """Code as it is written."""
    return pre(classes, element("code", "", *inside))


def details(classes: str, summary: str, *inside: str, unfold: bool = False) -> Markup:
    """Something folded under its summary."""
    return element(
        "details", classes, element("summary", "", summary), *inside, open="open" if unfold else ""
    )
