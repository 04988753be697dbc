"""The one place that makes HTML: a turn, and each of its blocks, as every view shows them.

The promise: it reads without style sheet, script or ARIA, which an untrusted notebook loses: states are
words, diffs have their signs, folded parts are `details`. Everything passes `sanitized` before it leaves.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from markupsafe import Markup

from claude_magic.commonmark.directions import direction
from claude_magic.commonmark.mathematics import IGNORE
from claude_magic.control_characters import shortened, show_invisibles, strip_controls
from claude_magic.tools import tool_called
from claude_magic.transcript.blocks import (
    Block,
    NoticeBlock,
    PermissionBlock,
    RetryBlock,
    TextBlock,
    ThinkingBlock,
    ToolBlock,
    ToolState,
)
from claude_magic.transcript.folds import Fold, folded
from claude_magic.views.html.elements import code, details, div, element, image, joined, pre, span
from claude_magic.views.html.markup import markdown, plain, sanitized
from claude_magic.views.html.request import open_request, told_request
from claude_magic.views.html.style import style
from claude_magic.views.html.tool import Look, tool
from claude_magic.wording import tool as tool_wording
from claude_magic.wording import turn as wording
from claude_magic.wording.room import shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from claude_magic.prompt import Attachment, Image
    from claude_magic.transcript import Transcript

__all__ = [
    "block",
    "document",
    "fold",
    "frame",
    "frame_lines",
    "header",
    "placeholder",
    "section",
    "turn",
]

_PROMPT_LIMIT = 20_000
_LIVE_MARKDOWN = 20_000
_SAVED_DATA = 8_000  # characters of what was attached: the notebook has the cells themselves
_DEPTH_LIMIT = 8
# The widget hides this: it is read in a saved file, and in a page that does not trust the notebook.
_STILL_RUNNING = (
    "The turn was still running when this was saved or shown. To see it live, the notebook has to be trusted."
)
_NOTHING = Markup()
_CHILDREN = div("claude-children claude-box")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(?!.*`)")
_FENCE_END = re.compile(r"\n[ \t]*(?:`+|~+)[ \t]*\Z")


def turn(transcript: Transcript) -> Markup:
    """A whole turn, its style included, as static HTML: for a saved notebook, GitHub, nbconvert."""
    look = Look(transcript.cwd, shared(len(transcript.tool_calls)))
    return _static(
        transcript,
        _header(transcript, wording.header(transcript)),
        _banner(transcript),
        _prompt(transcript),
        _attached(transcript.attachments, limit=_SAVED_DATA),
        *(sanitized(_nested(each, look, 0)) for each in transcript.folded),
        _hidden(transcript),
        _footer(transcript),
    )


def block(each: Block, cwd: str = "") -> Markup:
    """One block.

    Args:
        each: The block.
        cwd: Paths below it are shown relative to it.
    """
    return sanitized(_block(each, Look(cwd), 0))


def fold(each: Fold, inside: Markup | None = None) -> Markup:
    """What stands under one line, less what a live view puts into its box itself."""
    box = _CHILDREN if inside is None else div("claude-children", inside)
    return sanitized(details("claude-fold", tool_wording.calls_line(each.calls), box))


def frame(each: Block, cwd: str = "", *, asks: bool = False) -> Markup:
    """One block that may still change, less what a live view puts into its box, an empty element, itself.

    That is: an answer's sections, the blocks of a subagent, the buttons of a question.

    Args:
        each: The block.
        cwd: Paths below it are shown relative to it.
        asks: The view has buttons for what is asked.
    """
    match each:
        case TextBlock():
            return div("claude-answer claude-box") if each.text.strip() else _NOTHING
        case ThinkingBlock(finished=False):
            return _thinking(each, plain)
        case ToolBlock() if not _said_elsewhere(each):
            return sanitized(tool(each, Look(cwd), _CHILDREN if each.children else _NOTHING, asks=asks))
        case PermissionBlock() if asks:
            return sanitized(open_request(each))
        case _:
            return block(each, cwd)


def section(text: str, *, finished: bool) -> Markup:
    """A piece of an answer between two of `markup.sections`; code is coloured once it is finished."""
    fence = _FENCE.match(text)
    if finished or (fence and _closed(text, fence[1])):
        return markdown(text, typeset=True) if len(text) <= _LIVE_MARKDOWN or fence else plain(text)
    if fence:
        body = text.partition("\n")[2]
        return code("claude-code", body.rpartition("\n")[0] if _FENCE_END.search(body) else body)
    return markdown(text, coloured=False, typeset=True) if len(text) <= _LIVE_MARKDOWN else plain(text)


def header(transcript: Transcript) -> Markup:
    """The line above a turn, less the permission mode, which a live view has as a control."""
    return _header(transcript, wording.header(transcript, mode=False))


def frame_lines(transcript: Transcript) -> dict[str, Markup]:
    """What stands around the blocks while a turn is shown live: above them, and after `hidden` below."""
    return {
        "banner": _banner(transcript),
        "prompt": _prompt(transcript) + _attached(transcript.attachments),
        "hidden": _hidden(transcript),
        "footer": _footer(transcript) if transcript.footer else _NOTHING,
    }


def placeholder(transcript: Transcript) -> Markup:
    """What stands in a notebook that is saved while the turn is shown live."""
    return _static(
        transcript,
        _header(transcript, wording.header(transcript), "running"),
        _prompt(transcript),
        div("claude-footer", _STILL_RUNNING),
    )


def _static(transcript: Transcript, header: Markup, *parts: Markup) -> Markup:
    """What stays, folded by a click on its header, with the class by which the page knows whose it is."""
    classes = f"claude-static claude-of-{transcript.id} {IGNORE}"
    return style() + details(classes, header, *parts, unfold=True)


def document(text: str) -> Markup:
    """Our own Markdown as HTML, in which the page typesets what it typesets in a turn and nothing else."""
    return div(f"claude-document {IGNORE}", markdown(text, typeset=True))


def _block(each: Block, look: Look, depth: int) -> Markup:  # noqa: PLR0911  # one a kind
    match each:
        case TextBlock():
            return _answer(each)
        case ThinkingBlock():
            return _thinking(each, markdown)
        case ToolBlock() if not _said_elsewhere(each):
            return tool(each, look, _children(each, look, depth))
        case PermissionBlock():
            return told_request(each)
        case RetryBlock():
            return _retry(each)
        case NoticeBlock():
            return _notice(each)
        case _:
            return _NOTHING


# --- the frame


def _header(transcript: Transcript, facts: Iterable[str], now: str = "") -> Markup:
    word = transcript.state.name.lower()
    state = span(f"claude-state claude-state-{word}", now or wording.state(transcript))
    line = Markup(" · ").join(span("claude-fact", fact) for fact in facts)
    return sanitized(div("claude-header", span("claude-name", "Claude"), " ", line, " · ", state))


def _banner(transcript: Transcript) -> Markup:
    if transcript.permission_mode != "bypassPermissions":
        return _NOTHING
    return div("claude-notice claude-warning claude-banner", wording.BYPASS_BANNER)


def _prompt(transcript: Transcript) -> Markup:
    whole = shortened(show_invisibles(transcript.prompt), _PROMPT_LIMIT)
    line, way = wording.prompt_line(transcript), direction(whole) or ""
    first_line = element("span", "claude-prompt-line", line, dir=way)
    summary = joined([span("claude-label", "Prompt"), " ", first_line])
    sent_with = _sent_with(transcript)
    if line == whole.strip() and not sent_with:
        return sanitized(div("claude-prompt", summary))
    return sanitized(details("claude-prompt", summary, element("pre", "", whole, dir=way), sent_with))


def _sent_with(transcript: Transcript) -> Markup:
    """The options of a prompt, and the data that was sent before it."""
    options = wording.options_line(transcript)
    parts = [div("claude-options", "Options: ", element("code", "", options))] if options else []
    parts += [
        div("claude-data", span("claude-label", about), pre("", text))
        for about, text in wording.attached([each for each in transcript.attachments if not each.title])
    ]
    return joined(parts)


@lru_cache(maxsize=8)  # asked for with each patch, and long
def _attached(attachments: tuple[Attachment, ...], *, limit: int | None = None) -> Markup:
    """The data that has a title, folded below it; what it looks like is to be seen."""
    attachments = tuple(each for each in attachments if each.title)
    texts = wording.attached(attachments, limit=limit)
    return sanitized(
        joined(
            details("claude-data", about, pre("", text), _rest(each, limit), *map(_thumbnail, each.images))
            for each, (about, text) in zip(attachments, texts, strict=True)
        )
    )


def _rest(attachment: Attachment, limit: int | None) -> Markup:
    is_whole = limit is None or len(attachment.text) <= limit
    return _NOTHING if is_whole else div("claude-about", "%claude_history has all of it.")


def _thumbnail(attached: Image) -> Markup:
    if not attached.thumbnail:
        return _NOTHING
    return image("claude-thumbnail", attached.about, "image/jpeg", attached.thumbnail)


def _hidden(transcript: Transcript) -> Markup:
    line = wording.hidden_line(transcript)
    return div("claude-notice claude-warning", line) if line else _NOTHING


def _footer(transcript: Transcript) -> Markup:
    line = " · ".join(wording.footer(transcript)) or wording.running_line(transcript)
    return div("claude-footer", line) if line else _NOTHING


# --- the blocks


def _answer(answer: TextBlock) -> Markup:
    text = answer.text
    if not text.strip():
        return _NOTHING
    if not answer.finished and len(text) > _LIVE_MARKDOWN:
        return div("claude-answer", plain(text))
    return div("claude-answer", markdown(text, typeset=True))


def _thinking(thought: ThinkingBlock, rendered: Callable[[str], Markup]) -> Markup:
    text = strip_controls(thought.text).strip()
    return details("claude-thinking", wording.thinking_line(thought), rendered(text)) if text else _NOTHING


def _closed(text: str, fence: str) -> bool:
    last = text.rstrip().rpartition("\n")[2].strip()
    return "\n" in text.strip() and len(last) >= len(fence) and not last.strip(fence[0])


def _notice(notice: NoticeBlock) -> Markup:
    word = [] if notice.level == "info" else [span("claude-label", f"{notice.level.capitalize()}:"), " "]
    return div(f"claude-notice claude-{notice.level}", *word, show_invisibles(notice.text))


def _said_elsewhere(call: ToolBlock) -> bool:
    """A to-do list that a later call shows, or a question: it and its answer are a block of their own."""
    ended_badly = call.state in {ToolState.FAILED, ToolState.INTERRUPTED}
    return call.superseded or (tool_called(call.name).is_asked and not ended_badly)


def _retry(retry: RetryBlock) -> Markup:
    before, delay, after = wording.retry_parts(retry)
    return div("claude-retry", before, span("claude-countdown", delay) if delay else "", after)


def _children(tool: ToolBlock, look: Look, depth: int) -> Markup:
    if not tool.children:
        return _NOTHING
    if depth >= _DEPTH_LIMIT:
        return div("claude-about", f"{len(tool.children)} blocks of a nested agent")
    shown = (_nested(each, look, depth + 1) for each in folded(tool.children, is_over=tool.state.is_over))
    return div("claude-children", *shown)


def _nested(each: Block | Fold, look: Look, depth: int) -> Markup:
    if isinstance(each, Fold):
        return fold(each, joined(_block(inside, look, depth) for inside in each.blocks))
    return _block(each, look, depth)
