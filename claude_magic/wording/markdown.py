"""A turn as Markdown and as plain text: for a file, for nbconvert, for where no HTML is shown.

The Markdown is as safe as the HTML, in any renderer: an executed cell's Markdown output is trusted, so its
HTML would run. Tags, images and links that are not http, https or mailto come out as text. Code stays as it
is.
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING

from claude_magic.commonmark.mathematics import formula_at
from claude_magic.commonmark.parser import CodeBlock, code_blocks, lines_of_formulas
from claude_magic.control_characters import show_invisibles, strip_controls
from claude_magic.transcript.blocks import (
    Block,
    NoticeBlock,
    PermissionBlock,
    RetryBlock,
    TextBlock,
    ToolBlock,
)
from claude_magic.wording import tool as tool_wording
from claude_magic.wording import turn as wording
from claude_magic.wording.diff_lines import diff

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from claude_magic.transcript import Transcript

__all__ = ["decisions_of", "markdown_of", "plain_of", "safe_markdown"]

_LONGEST_SPAN = 2_000  # characters
# Where code or a formula can begin; what is escaped begins none.
_SPAN = re.compile(
    rf"\\(?![(\[])[^\w\s]|(?P<marks>`+)(?!`)(?P<code>.{{1,{_LONGEST_SPAN}}}?)(?<!`)(?P=marks)(?!`)|`+|\\|\$"
)
_MARKS = re.compile(r"((?<!\\)(?:\\\\)*)(`+|~{3,}|\$+)")
_DELIMITERS = re.compile(r"(?=.*-)[\s>|:-]+")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_LINK = re.compile(r"\]\((?!https?://|mailto:)", re.IGNORECASE)
_DEFINITION = re.compile(r"\]:(?!\s*(?:https?://|mailto:))(?=\s*(?:$|<|[^\s]{0,100}[:&\\]))", re.IGNORECASE)
_INFO = re.compile(r"[^A-Za-z0-9_+.-]")
_OUTPUT_LINES = 40


def markdown_of(transcript: Transcript) -> str:
    """The turn as Markdown that is safe in any renderer."""
    parts = [f"**Claude** · {_facts(transcript)}"]
    if transcript.permission_mode == "bypassPermissions":
        parts.append(f"**{wording.BYPASS_BANNER}**")
    parts.append(_quoted(transcript.prompt))
    parts += [
        f"{_words(about)}\n\n{_fenced([text])}" for about, text in wording.attached(transcript.attachments)
    ]
    parts += [said for block in transcript.blocks if (said := _markdown(block, transcript.cwd))]
    parts += [f"*{_words(line)}*" for line in _last_lines(transcript)]
    return "\n\n".join(parts) + "\n"


def decisions_of(transcript: Transcript) -> list[str]:
    """What a person was asked in the turn, a line each: the tool, what it was for, and the answer."""
    return [
        f"{tool_wording.tool_name(asked.request.tool_name)} {about}: {wording.decision_line(asked)}"
        for asked in transcript.blocks
        if isinstance(asked, PermissionBlock)
        for about in [tool_wording.argument(asked.request.tool_name, asked.request.input, transcript.cwd)]
    ]


def plain_of(transcript: Transcript) -> str:
    """The turn as plain text, for a terminal's pager or a front end that shows nothing else."""
    parts = [f"Claude · {' · '.join([*wording.header(transcript), transcript.state.value])}"]
    if transcript.permission_mode == "bypassPermissions":
        parts.append(wording.BYPASS_BANNER)
    parts.append(f"> {wording.prompt_line(transcript)}")
    parts += [f"{about}\n{text}" for about, text in wording.attached(transcript.attachments)]
    parts += [said for block in transcript.blocks if (said := _plain(block, transcript.cwd))]
    parts += _last_lines(transcript)
    return "\n\n".join(parts)


def safe_markdown(text: str) -> str:
    """Markdown with everything active made text; code stays as it is."""
    return "\n\n".join(_pieces(strip_controls(text)))


def _pieces(text: str) -> Iterator[str]:
    """The prose and the code of a text; code in a list or quote, and indented code, is taken out of it.

    For only a fence at the line's beginning is read alike everywhere.
    """
    lines, line, indent = text.split("\n"), 0, 0
    has_table = any(_DELIMITERS.fullmatch(each) for each in lines)
    formulas = lines_of_formulas(text)
    prose = [
        _inert_formula(each) if number in formulas else _inert_line(each, has_table=has_table)
        for number, each in enumerate(lines)
    ]
    for block in code_blocks(text):
        before = _before(lines[block.first], block)
        bullet = [before.rstrip()] if before.strip(" >") else []
        yield from _paragraphs([*_dedented(prose[line : block.first], indent), *bullet])
        yield _fenced([block.text], block.info)
        line, indent = block.last, len(before)
    yield from _paragraphs(_dedented(prose[line:], indent))


def _before(line: str, block: CodeBlock) -> str:
    """What a block of code has before it on its first line: a list's bullet, a quote's mark."""
    if block.fence:
        return _inert(line.partition(block.fence)[0])
    return _inert(line.removesuffix(block.text.partition("\n")[0]))


def _dedented(lines: list[str], indent: int) -> list[str]:
    """Lines less the indentation of the list item that code was taken out of, as long as they are in it."""
    inside = list(takewhile(lambda line: not line[:indent].strip(), lines))
    return [*(line[indent:] for line in inside), *lines[len(inside) :]]


def _paragraphs(lines: list[str]) -> Iterator[str]:
    if any(map(str.strip, lines)):
        yield "\n".join(lines).strip("\n")


def _fenced(code: Iterable[str], info: str = "") -> str:
    """The code between fences longer than any in it, at the line's beginning: read alike everywhere."""
    text = "\n".join(code)
    marks = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return f"{marks}{_INFO.sub('', info)}\n{text}\n{marks}"


def _inert_line(line: str, *, has_table: bool) -> str:
    """A line of prose with no tag, no image, no link but http, https and mailto; its code and formulas stay.

    A code span that goes on in the next line, or over a table's cells, is none everywhere.
    """
    pieces: list[str] = []
    prose = place = 0
    while found := _SPAN.search(line, place):
        place = found.end()
        if found["marks"]:
            kept = "" if has_table and "|" in found[0] else found[0]
        else:
            kept = formula_at(line, found.start())
        if kept:
            place = found.start() + len(kept)
            pieces += [_inert(line[prose : found.start()]), kept if found["marks"] else _inert_formula(kept)]
            prose = place
    return "".join([*pieces, _inert(line[prose:])])


def _inert_formula(formula: str) -> str:
    return _LINK.sub(r"] (", _TAG.sub("< ", formula)).replace("`", "'")


def _inert(prose: str) -> str:
    prose = _MARKS.sub(lambda found: found[1] + "".join(f"\\{mark}" for mark in found[2]), prose)
    prose = _TAG.sub("&lt;", prose).replace("![", "&#33;[")
    return _DEFINITION.sub(r"]\\:", _LINK.sub(r"]\\(", prose))


# --- Markdown


def _facts(transcript: Transcript) -> str:
    return _words(" · ".join([*wording.header(transcript), transcript.state.value]))


def _markdown(block: Block, cwd: str) -> str:
    match block:
        case TextBlock():
            return safe_markdown(block.text).strip("\n")
        case ToolBlock():
            return _tool_markdown(block, cwd)
        case _:
            return _words(_plain(block, cwd))


def _tool_markdown(tool: ToolBlock, cwd: str) -> str:
    if tool.superseded:
        return ""  # a later call shows the list
    name, about = tool_wording.title(tool, cwd)
    line = f"**{_words(name)}** {_words(about)} ({tool_wording.state(tool)})"
    if items := tool_wording.checklist(tool):
        return f"{line}\n\n" + "\n".join(f"- {_words(text)} ({state})" for state, text in items)
    if changed := diff(tool):
        return f"{line}\n\n{_fenced(changed, 'diff')}"
    said = tool_wording.tail(tool, _OUTPUT_LINES)
    return f"{line}\n\n{_fenced(said)}" if said else line


def _quoted(prompt: str) -> str:
    return "\n".join(f"> {_words(line)}" for line in show_invisibles(prompt).strip().split("\n"))


def _words(text: str) -> str:
    """Plain text, every character of Markdown's escaped."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$!&])", r"\\\1", text)


# --- plain text


def _plain(block: Block, cwd: str) -> str:
    match block:
        case TextBlock():
            return strip_controls(block.text).strip("\n")
        case ToolBlock():
            return _tool_plain(block, cwd)
        case RetryBlock():
            return wording.retry_line(block)
        case NoticeBlock():
            return show_invisibles(block.text)
        case PermissionBlock():
            return _asked(block)
        case _:
            return ""


def _asked(block: PermissionBlock) -> str:
    if block.kind == "question":
        return "\n".join(
            [*tool_wording.question_lines(block.request.about), f"Question: {wording.decision_line(block)}"]
        )
    what = (
        "Plan"
        if block.kind == "plan"
        else f"Permission for {tool_wording.tool_name(block.request.tool_name)}"
    )
    return f"{what}: {wording.decision_line(block)}"


def _tool_plain(tool: ToolBlock, cwd: str) -> str:
    if tool.superseded:
        return ""  # a later call shows the list
    name, about = tool_wording.title(tool, cwd)
    items = [f"{text} ({state})" for state, text in tool_wording.checklist(tool)]
    below = items or diff(tool) or tool_wording.tail(tool, _OUTPUT_LINES)
    return "\n".join([f"[{name}] {about} ({tool_wording.state(tool)})", *(f"    {said}" for said in below)])


def _last_lines(transcript: Transcript) -> list[str]:
    ending = " · ".join(wording.footer(transcript)) or wording.running_line(transcript)
    return [line for line in (wording.hidden_line(transcript), ending) if line]
