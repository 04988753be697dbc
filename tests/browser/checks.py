"""What a test asks of the elements that show turns: has content stayed text, can it be read, does it fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page

__all__ = ["ROOTS", "check", "harm", "unreadable"]

ROOTS = ".claude-static, .claude-turn"
_CHECKS = (Path(__file__).parent / "checks.js").read_text(encoding="utf-8").strip()


def check(place: Locator, name: str) -> Any:
    """What a function of checks.js says of these elements."""
    return place.evaluate_all(f"(roots) => {_CHECKS}.{name}(roots)")


def harm(page: Page) -> list[str]:
    """What of the content in turns has become more than text, with everything unfolded and pointed at."""
    roots = page.locator(ROOTS)
    check(roots, "unfold")
    for place in roots.locator("pre, p, a, code").all()[:20]:
        place.dispatch_event("mouseover")
    found: list[str] = check(roots, "harm")
    return found


def unreadable(place: Locator, payloads: dict[str, str]) -> list[str]:
    """The payloads that a person cannot read there."""
    said = " ".join(place.all_text_contents())
    return [payload for payload, mark in payloads.items() if mark not in said]
