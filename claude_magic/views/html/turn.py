"""The one place that makes HTML: a turn, and each of its blocks, as every view shows them.

The promise: it reads without style sheet, script or ARIA, which an untrusted notebook loses: states are
words, diffs have their signs, folded parts are `details`. Everything passes `sanitized` before it leaves.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

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
from claude_magic.views.html.elements import code, details, div, span
from claude_magic.views.html.markup import markdown, sanitized
from claude_magic.views.html.style import linked, style
from claude_magic.views.html.tool import tool, written
from claude_magic.wording import tool as tool_wording
from claude_magic.wording import turn as wording
from claude_magic.wording.units import duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from claude_magic.transcript import Transcript

__all__ = [
    "block",
    "document",
    "frame",
    "frame_lines",
    "header",
    "markdown",
    "placeholder",
    "section",
    "table",
    "turn",
]

_PROMPT_LIMIT = 20_000
_LIVE_MARKDOWN = 20_000
_DEPTH_LIMIT = 8
# The widget hides this: it is read in a saved file, and in a page that does not trust the notebook.
_STILL_RUNNING = (
    "The turn was still running when this was saved or shown. To see it live, the notebook has to be trusted."
)
_BOX = '<div class="claude-box"></div>'
_CHILDREN = '<div class="claude-children claude-box"></div>'
_SHORT_CELL = 30  # characters that stay in one line
# JupyterLab aligns every cell to the right, by a selector that weighs more than one class.
_TABLE_STYLE = linked(
    ".claude-table.claude-table { overflow-x: auto; "
    "th, td { text-align: left; vertical-align: top; } .claude-short { white-space: nowrap; } }"
)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(?!.*`)")
_FENCE_END = re.compile(r"\n[ \t]*(?:`+|~+)[ \t]*\Z")


def turn(transcript: Transcript) -> str:
    """A whole turn, its style included, as static HTML: for a saved notebook, GitHub, nbconvert."""
    parts = [
        _header(transcript, wording.header(transcript)),
        _banner(transcript),
        _prompt(transcript),
        *(block(each, transcript.cwd) for each in transcript.blocks),
        _hidden(transcript),
        _footer(transcript),
    ]
    return style() + div(f"claude-static {IGNORE}", "".join(parts))


def block(each: Block, cwd: str = "") -> str:
    """One block.

    Args:
        each: The block.
        cwd: Paths below it are shown relative to it.
    """
    return sanitized(_block(each, cwd, 0))


def frame(each: Block, cwd: str = "", *, asks: bool = False) -> str:
    """One block that may still change, less what a live view puts into its box, an empty element, itself.

    That is: an answer's sections, the blocks of a subagent, the buttons of a question.

    Args:
        each: The block.
        cwd: Paths below it are shown relative to it.
        asks: The view has buttons for what is asked.
    """
    match each:
        case TextBlock():
            return div("claude-answer claude-box", "") if each.text.strip() else ""
        case ThinkingBlock(finished=False):
            return _growing_thought(each)
        case ToolBlock() if not _said_elsewhere(each):
            return sanitized(tool(each, cwd, _CHILDREN if each.children else ""))
        case PermissionBlock() if asks:
            return sanitized(_asked(each))
        case _:
            return block(each, cwd)


def section(text: str, *, finished: bool) -> str:
    """A piece of an answer between two of `markup.sections`; code is coloured once it is finished."""
    fence = _FENCE.match(text)
    if finished or (fence and _closed(text, fence[1])):
        return markdown(text, typeset=True) if len(text) <= _LIVE_MARKDOWN or fence else _plain(text)
    if fence:
        said = text.partition("\n")[2]
        return code("claude-code", escape(said.rpartition("\n")[0] if _FENCE_END.search(said) else said))
    return markdown(text, coloured=False, typeset=True) if len(text) <= _LIVE_MARKDOWN else _plain(text)


def header(transcript: Transcript) -> str:
    """The line above a turn, less the permission mode, which a live view has as a control."""
    return _header(transcript, wording.header(transcript, mode=False))


def frame_lines(transcript: Transcript) -> dict[str, str]:
    """What stands around the blocks while a turn is shown live: above them, and after `hidden` below."""
    return {
        "banner": _banner(transcript),
        "prompt": _prompt(transcript),
        "hidden": _hidden(transcript),
        "footer": _footer(transcript) if transcript.footer else "",
    }


def placeholder(transcript: Transcript) -> str:
    """What stands in a notebook that is saved while the turn is shown live."""
    line = div("claude-footer", _STILL_RUNNING)
    parts = [_header(transcript, wording.header(transcript), "running"), _prompt(transcript), line]
    return style() + div(f"claude-static {IGNORE}", "".join(parts))


def document(text: str) -> str:
    """Our own Markdown as HTML, in which the page typesets what it typesets in a turn and nothing else."""
    return div(f"claude-document {IGNORE}", markdown(text, typeset=True))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> str:
    """Plain text as a table, its style included.

    Args:
        head: What stands above the columns; if empty, the first column says what the others are.
        rows: The cells' texts.
        note: A line below it.
    """
    above = f"<thead>{_row('th', head)}</thead>" if head else ""
    body = "".join(_row("td", row, headed=not head) for row in rows)
    below = div("claude-note", escape(show_invisibles(note))) if note else ""
    inside = f"<table>{above}<tbody>{body}</tbody></table>{below}"
    return _TABLE_STYLE + div(IGNORE, sanitized(div("claude-table", inside)))


def _row(tag: str, cells: Sequence[str], *, headed: bool = False) -> str:
    inside = (_cell("th" if headed and not at else tag, cell) for at, cell in enumerate(cells))
    return f"<tr>{''.join(inside)}</tr>"


def _cell(tag: str, text: str) -> str:
    short = ' class="claude-short"' if len(text) <= _SHORT_CELL else ""
    return f"<{tag}{short}>{escape(show_invisibles(text))}</{tag}>"


def _block(each: Block, cwd: str, depth: int) -> str:  # noqa: PLR0911  # one a kind
    match each:
        case TextBlock():
            return _answer(each)
        case ThinkingBlock():
            return _thinking(each)
        case ToolBlock() if not _said_elsewhere(each):
            return tool(each, cwd, _children(each, cwd, depth))
        case PermissionBlock():
            return _permission(each)
        case RetryBlock():
            return _retry(each)
        case NoticeBlock():
            return _notice(each)
        case _:
            return ""


# --- the frame


def _header(transcript: Transcript, said: Iterable[str], now: str = "") -> str:
    word = transcript.state.name.lower()
    state = span(f"claude-state claude-state-{word}", escape(now or wording.state(transcript)))
    facts = " · ".join(span("claude-fact", escape(fact)) for fact in said)
    return sanitized(div("claude-header", f"{span('claude-name', 'Claude')} {facts} · {state}"))


def _banner(transcript: Transcript) -> str:
    if transcript.permission_mode != "bypassPermissions":
        return ""
    return div("claude-notice claude-warning claude-banner", escape(wording.BYPASS_BANNER))


def _prompt(transcript: Transcript) -> str:
    whole = shortened(show_invisibles(transcript.prompt), _PROMPT_LIMIT)
    options = wording.options_line(transcript)
    given = div("claude-options", f"Options: <code>{escape(options)}</code>") if options else ""
    for about, text in wording.attached(transcript.attachments):
        given += div("claude-data", f"{span('claude-label', escape(about))}<pre>{escape(text)}</pre>")
    line = wording.prompt_line(transcript)
    way = direction(whole)
    directed = f' dir="{way}"' if way else ""
    shown = f'<span class="claude-prompt-line"{directed}>{escape(line)}</span>'
    summary = f"{span('claude-label', 'Prompt')} {shown}"
    if line == whole.strip() and not given:
        return sanitized(div("claude-prompt", summary))
    return sanitized(details("claude-prompt", summary, f"<pre{directed}>{escape(whole)}</pre>{given}"))


def _hidden(transcript: Transcript) -> str:
    line = wording.hidden_line(transcript)
    return div("claude-notice claude-warning", escape(line)) if line else ""


def _footer(transcript: Transcript) -> str:
    if transcript.footer is None:
        return div("claude-footer", escape(wording.running_line(transcript)))
    return div("claude-footer", escape(" · ".join(wording.footer(transcript))))


# --- the blocks


def _answer(text: TextBlock) -> str:
    said = text.text
    if not said.strip():
        return ""
    if not text.finished and len(said) > _LIVE_MARKDOWN:
        return div("claude-answer", _plain(said))
    return div("claude-answer", markdown(said, typeset=True))


def _thinking(thought: ThinkingBlock) -> str:
    said = strip_controls(thought.text).strip()
    summary = escape(wording.thinking_line(thought))
    return details("claude-thinking", summary, markdown(said)) if said else ""


def _growing_thought(thought: ThinkingBlock) -> str:
    said = strip_controls(thought.text).strip()
    summary = escape(wording.thinking_line(thought))
    return details("claude-thinking", summary, _plain(said)) if said else ""


def _plain(text: str) -> str:
    return f'<pre class="claude-plain">{escape(strip_controls(text))}</pre>'


def _closed(text: str, fence: str) -> bool:
    last = text.rstrip().rpartition("\n")[2].strip()
    return "\n" in text.strip() and len(last) >= len(fence) and not last.strip(fence[0])


def _notice(notice: NoticeBlock) -> str:
    word = "" if notice.level == "info" else span("claude-label", notice.level.capitalize() + ":") + " "
    return div(f"claude-notice claude-{notice.level}", word + escape(show_invisibles(notice.text)))


def _said_elsewhere(call: ToolBlock) -> bool:
    """A to-do list that a later call shows, or a question: it and its answer are a block of their own."""
    ended_badly = call.state in {ToolState.FAILED, ToolState.INTERRUPTED}
    return call.superseded or (tool_called(call.name).is_asked and not ended_badly)


def _retry(retry: RetryBlock) -> str:
    before, delay, after = escape(wording.retry_line(retry)).rpartition(duration(retry.delay_s))
    return div("claude-retry", before + (span("claude-countdown", delay) if delay else "") + after)


def _permission(asked: PermissionBlock) -> str:
    line = span("claude-decision", escape(wording.decision_line(asked)))
    request = asked.request
    classes = "claude-permission" if asked.pending else "claude-permission claude-decided"
    if asked.kind == "question":
        label = span("claude-label", "Question:") + " "
        body = "<br>".join(escape(said) for said in tool_wording.question_lines(request.input))
        return div(
            classes.replace("permission", "question"), f"{div('claude-question-text', body)}{label}{line}"
        )
    if asked.kind == "plan":
        plan = request.input.get("plan")
        body = div("claude-plan", markdown(plan)) if isinstance(plan, str) else ""
        return div(classes, f"{span('claude-label', 'Plan:')} {line}{body}")
    name = escape(tool_wording.tool_name(request.tool_name))
    body = _asked_for(asked) if asked.pending else ""
    return div(classes, f"{span('claude-label', f'Permission for {name}:')} {line}{body}")


def _asked(asked: PermissionBlock) -> str:
    """A request whose answer a live view takes: what it is about, and the box for the buttons."""
    request = asked.request
    if asked.kind == "question":
        return div("claude-question", _BOX)
    if asked.kind == "plan":
        plan = request.input.get("plan")
        said = div("claude-plan", markdown(plan)) if isinstance(plan, str) else ""
        return div("claude-permission", f"{span('claude-label', 'Claude has a plan')}{said}{_BOX}")
    name = span("claude-tool-name", escape(tool_wording.tool_name(request.tool_name)))
    about = _asked_for(asked)
    return div("claude-permission", f"{span('claude-label', 'Claude asks to use')} {name}{about}{_BOX}")


def _asked_for(asked: PermissionBlock) -> str:
    request = asked.request
    said = "".join(div("claude-about", escape(line)) for line in wording.why_asked(request))
    return said + written(ToolBlock(id="", name=request.tool_name, input=request.input))


def _children(tool: ToolBlock, cwd: str, depth: int) -> str:
    if not tool.children:
        return ""
    if depth >= _DEPTH_LIMIT:
        return div("claude-about", f"{len(tool.children)} blocks of a nested agent")
    return div("claude-children", "".join(_block(child, cwd, depth + 1) for child in tool.children))
