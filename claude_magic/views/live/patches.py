"""A turn as a page holds it: pieces of HTML in their order, and the patches from one state to the next.

The promise: patches applied one after the other give the snapshot of the same number, and their bytes grow
with the text and not with its square. Pure. A snapshot is the patch from nothing.

A patch is JSON: its number `n`; `items`, each `[key, keep, tail]` (the length of the HTML that stays and what
follows it) and for one that is new or moves also its parent's key and the key of the sibling before it; the
keys that are `gone`; the `head` and the `cards`, what the page makes controls from, if they have changed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from claude_magic.control_characters import strip_controls
from claude_magic.transcript import TurnState
from claude_magic.transcript.blocks import Block, PermissionBlock, RetryBlock, TextBlock, ToolBlock
from claude_magic.transcript.folds import Fold, folded
from claude_magic.views.html import turn as html
from claude_magic.views.html.markup import sections
from claude_magic.views.live import page_messages
from claude_magic.wording import now as wording_now
from claude_magic.wording import turn as wording

if TYPE_CHECKING:
    from markupsafe import Markup

    from claude_magic.transcript import Transcript

__all__ = ["Item", "PageContent", "Patch", "TurnModel", "apply"]

Patch = dict[str, object]
_DEPTH_LIMIT = 8
_CLOSED = re.compile(r"\s*(?:#|```|~~~)")
_MARKER = 12  # characters that may still become the beginning of a list item
_HEAVY = 3_000  # characters of Markdown that take more than some milliseconds
_ASTRAL = re.compile(r"[\U00010000-\U0010ffff]")
_MODES = ["default", "acceptEdits", "plan"]


class Item(NamedTuple):
    """A piece of HTML, as it is sent, and the item it is in, "" for none."""

    html: str
    parent: str


class PageContent(Struct, frozen=True):
    """What a page shows after patch `n`."""

    n: int = 0
    items: Mapping[str, Item] = {}
    head: Mapping[str, object] = {}
    cards: list[Patch] = []


class _BlockHtml(Struct):
    """A block's HTML, with an answer's sections, and what it was made from."""

    source: object
    html: str
    sections: list[str]


class _Sections:
    """An answer's text, of which only the last section is made anew when it grows."""

    def __init__(self) -> None:
        self._source = ""
        self._text = ""  # the source, cleaned
        self._rest: list[str] = []
        self._offset = 0
        self._pieces: list[str] = []  # of finished sections, as they are sent

    def rest(self, text: str) -> list[str]:
        """The sections that have no final HTML yet."""
        if text != self._source:
            self._source, text = text, strip_controls(text)
            if not text.startswith(self._text[: self._offset]):
                self._offset, self._pieces = 0, []
            self._text, rest = text, text[self._offset :]
            self._rest = _join_last(sections(rest)) if rest.strip() else []
        return self._rest

    def html(self, text: str, markup: Mapping[str, Markup], *, finished: bool) -> list[str]:
        """The HTML of each section."""
        rest = self.rest(text)
        tail = [] if finished else rest[-1:]
        for part in rest[: len(rest) - len(tail)]:
            self._pieces.append(_utf16(markup[part] if part in markup else html.section(part, finished=True)))
            self._offset += len(part) + 1
        self._rest = tail
        return [*self._pieces, *(_utf16(html.section(part, finished=False)) for part in tail)]


def _join_last(parts: list[str]) -> list[str]:
    """The sections, the last of them taken as part of the one before as long as it may become that.

    It may while its first line is not whole: "12" after a list can become its next item, and "```" after a
    line that is not blank a piece of text.
    """
    if len(parts) > 1 and "\n" not in parts[-1]:
        *rest, before, last = parts
        adjoins = before.rstrip(" \t")[-1:] != "\n" and not _CLOSED.match(before)
        if adjoins or len(last) < _MARKER:
            return [*rest, f"{before}\n{last}"]
    return parts


class TurnModel:
    """What is to be seen of a transcript, and what of it has been sent.

    Args:
        transcript: The turn.
        asks: The ids of the requests that the page can answer; looked at whenever a patch is made.
    """

    def __init__(self, transcript: Transcript, asks: Collection[str] = ()) -> None:
        self.transcript = transcript
        self.page = PageContent()
        self.note = ""  # said beside the state
        self.controls = True  # the page's messages arrive
        self.notify = True  # the page may call the person
        self.markup: Mapping[str, Markup] = {}  # the HTML of finished sections, made before it is needed
        self._asks = asks
        self._cache: dict[str, _BlockHtml] = {}
        self._answers: dict[str, _Sections] = {}

    def patch(self) -> Patch | None:
        """What has changed since the last patch; None if nothing has."""
        before = self.page
        now = PageContent(before.n + 1, dict(self._items()), self._head(), list(self._cards()))
        patch = _difference(before, now)
        if len(patch) == 1:
            return None
        self.page = now
        return patch

    def snapshot(self) -> Patch:
        """All that has been sent, as one patch; may be called from any thread."""
        page = self.page
        patch = _difference(PageContent(), page)
        head = {**page.head, "elapsed": round(self.transcript.elapsed, 1)}
        return {"items": [], "cards": []} | patch | {"id": self.transcript.id, "head": head}

    def heavy(self) -> list[str]:
        """Finished Markdown that is not made yet, if making it takes long; a thread can fill `markup`."""
        texts = [
            text
            for block in self.transcript.blocks
            if isinstance(block, TextBlock) and self._is_new(block)
            for text in self._missing_sections(block)
        ]
        return texts if sum(map(len, texts)) > _HEAVY else []

    def _is_new(self, block: Block) -> bool:
        entry = self._cache.get(_key(block))
        return entry is None or entry.source != self._source(block)

    def _missing_sections(self, block: TextBlock) -> list[str]:
        rest = self._answers.setdefault(_key(block), _Sections()).rest(block.text)
        return rest if block.finished else rest[:-1]

    # Items

    def _items(self) -> Iterator[tuple[str, Item]]:
        transcript = self.transcript
        lines = html.frame_lines(transcript)
        yield from _item("header", _utf16(html.header(transcript)))
        yield from _item("banner", _utf16(lines["banner"]))
        yield from _item("prompt", _utf16(lines["prompt"]))
        yield from self._blocks(transcript.folded, "", 0)
        yield from _item("hidden", _utf16(lines["hidden"]))
        yield from _item("footer", _utf16(lines["footer"]))

    def _blocks(self, blocks: Iterable[Block | Fold], parent: str, depth: int) -> Iterator[tuple[str, Item]]:
        for block in blocks:
            if isinstance(block, Fold):
                yield from _item(f"{parent}{block.key}", _utf16(html.fold(block)), parent)
                yield from self._blocks(block.blocks, f"{parent}{block.key}", depth)
                continue
            key = _key(block)
            if self._is_new(block):
                self._cache[key] = self._render(block)
            entry = self._cache[key]
            yield from _item(key, entry.html, parent)
            for number, section in enumerate(entry.sections):
                yield from _item(f"{key}.{number}", section, key)
            if isinstance(block, ToolBlock) and depth < _DEPTH_LIMIT:
                inside = folded(block.children, is_over=block.state.is_over)
                yield from self._blocks(inside, key, depth + 1)

    def _render(self, block: Block) -> _BlockHtml:
        source, cwd = self._source(block), self.transcript.cwd
        frame, pieces = _utf16(html.frame(block, cwd, asks=self._is_asked(block))), []
        if isinstance(block, TextBlock) and frame:
            answer = self._answers.setdefault(_key(block), _Sections())
            pieces = answer.html(block.text, self.markup, finished=block.finished)
        return _BlockHtml(source, frame, pieces)

    def _source(self, block: Block) -> object:
        return (
            block.revision,
            self.transcript.cwd,
            self._is_asked(block),
            isinstance(block, ToolBlock) and bool(block.children),
        )

    def _is_asked(self, block: Block) -> bool:
        asked = block.asked if isinstance(block, ToolBlock) else block
        return isinstance(asked, PermissionBlock) and asked.pending and asked.request.id in self._asks

    # What the page makes controls from

    def _head(self) -> dict[str, object]:
        transcript, state = self.transcript, self.transcript.state
        stop = "" if state.is_over or not self.controls else "cancel" if state is TurnState.QUEUED else "stop"
        return {
            "session": transcript.session,
            "state": state.name.lower(),
            "says": f"Claude: {wording.state(transcript)}",
            "ticks": transcript.started is not None and not state.is_over,
            "over": state.is_over,
            "undo": state.is_over and transcript.can_be_undone,
            "stop": stop,
            "mode": transcript.permission_mode,
            "modes": _MODES if self.controls and not state.is_over else [],
            "fresh": bool(transcript.resumed_turns) and self.controls and not state.is_over,
            "note": "" if state.is_over else self.note,
            "now": wording_now.now(transcript),
            "calls": wording_now.calls(transcript),
            "notify": self.notify,
        }

    def _cards(self) -> Iterator[Patch]:
        last = self.transcript.blocks[-1] if self.transcript.blocks else None
        if isinstance(last, RetryBlock) and not last.over:
            yield {"key": _key(last), "kind": "retry", "attempt": last.attempt, "seconds": last.delay_s}
        for block in self.transcript.pending:
            if self._is_asked(block):
                yield {"key": _key(block), **page_messages.card(block)}


def apply(old: Mapping[str, Item], patch: Patch) -> dict[str, Item]:
    """The items after a patch, in an order in which parents and earlier siblings come first; for tests."""
    items = dict(old)
    for key in patch.get("gone", ()):  # type: ignore[attr-defined]
        del items[key]
    for key, keep, tail, *place in patch.get("items", ()):  # type: ignore[attr-defined]
        before = items.get(key)
        items[key] = Item(
            (before.html[:keep] if before else "") + tail, place[0] if place else items[key].parent
        )
    return items


def _difference(old: PageContent, new: PageContent) -> Patch:
    patch: Patch = {"n": new.n}
    gone = [key for key in old.items if key not in new.items]
    items = list(_changes(old.items, new.items))
    if gone:
        patch["gone"] = gone
    if items:
        patch["items"] = items
    if old.head != new.head:
        patch["head"] = new.head
    if old.cards != new.cards:
        patch["cards"] = new.cards
    return patch


def _changes(old: Mapping[str, Item], new: Mapping[str, Item]) -> Iterator[list[object]]:
    last: dict[str, str] = {}
    for key, item in new.items():
        before = old.get(key)
        if before is None:
            yield [key, 0, item.html, item.parent, last.get(item.parent, "")]
        elif before != item:
            keep = _common(before.html, item.html)
            place = [item.parent, last.get(item.parent, "")] if before.parent != item.parent else []
            yield [key, keep, item.html[keep:], *place]
        last[item.parent] = key


def _common(old: str, new: str) -> int:
    """The length of the beginning that both share."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _item(key: str, markup: str, parent: str = "") -> Iterator[tuple[str, Item]]:
    if markup:
        yield key, Item(markup, parent)


def _key(block: Block) -> str:
    return f"b{block.number}"


def _utf16(markup: Markup) -> str:
    """HTML as it is sent. Its length in JavaScript is the same: what takes two units there is an entity."""
    return str(markup) if markup.isascii() else _ASTRAL.sub(lambda match: f"&#{ord(match[0])};", markup)
