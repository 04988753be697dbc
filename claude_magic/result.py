"""What a turn came to. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from msgspec import Struct

from claude_magic.control_characters import shortened, show_invisibles

__all__ = ["CodeBlock", "CodeBlocks", "FileChange", "Result", "ToolCall", "Usage"]

_DATA_LENGTH = 20_000
_REPR_LENGTH = 60  # characters of the answer
_DIFF_LENGTH = 2_000  # lines


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of a turn."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0

    @property
    def total(self) -> int:
        """All tokens together."""
        return (
            self.input_tokens
            + self.output_tokens
            + self.cache_read_input_tokens
            + self.cache_creation_input_tokens
        )


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool call of a turn, with what came of it."""

    id: str
    name: str
    input: dict[str, object]
    result: str
    is_error: bool


class FileChange(Struct, frozen=True, kw_only=True):
    """A file that Claude's file tools have changed in a turn; several edits of one file are one change.

    Args:
        path: The file, absolute.
        before: Its text before the first edit; None if there was no such file.
        after: Its text at the end of the turn; None if it is gone.
    """

    path: str
    before: str | None
    after: str | None

    @property
    def created(self) -> bool:
        """There was no such file before."""
        return self.before is None

    @property
    def additions(self) -> int:
        """How many lines were added."""
        return sum(line.startswith("+") for line in self._lines()[2:])

    @property
    def deletions(self) -> int:
        """How many lines were taken out."""
        return sum(line.startswith("-") for line in self._lines()[2:])

    @property
    def diff(self) -> str:
        """The change as a unified diff; of a very long one the beginning."""
        lines = self._lines()
        hidden = len(lines) - _DIFF_LENGTH
        return "\n".join([*lines[:_DIFF_LENGTH], *([f"… {hidden:,} more lines"] if hidden > 0 else [])])

    def __str__(self) -> str:
        return self.diff

    def __repr__(self) -> str:
        """Short: `print(change)` shows the diff."""
        what = "created" if self.created else "deleted" if self.after is None else "changed"
        return f"<FileChange {what} {self.path!r}, +{self.additions} -{self.deletions}>"

    def _lines(self) -> list[str]:
        from difflib import unified_diff  # noqa: PLC0415  # load budget

        name = self.path.lstrip("/")
        names = (
            "/dev/null" if self.before is None else f"a/{name}",
            "/dev/null" if self.after is None else f"b/{name}",
        )
        before, after = ((text or "").splitlines() for text in (self.before, self.after))
        return list(unified_diff(before, after, *names, lineterm=""))


class CodeBlock(NamedTuple):
    """A block of code of an answer.

    Args:
        text: The code, without a line end after its last line.
        language: What the answer says it is written in, in small letters: "python"; "" if it does not say.
    """

    text: str
    language: str

    def __str__(self) -> str:
        return self.text


class CodeBlocks(tuple[CodeBlock, ...]):
    """The blocks of code of an answer, in their order; as a string all their code, joined by blank lines."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n\n".join(block.text for block in self)

    def of(self, *languages: str) -> CodeBlocks:
        """The blocks in one of these languages; `""` means those that name none."""
        return CodeBlocks(block for block in self if block.language in languages)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Result:
    """The value of a turn.

    Args:
        text: The answer, all its text blocks joined by blank lines.
        tool_calls: The tool calls in order.
        files: The files that Write, Edit and NotebookEdit have changed, a subagent's included.
        usage: Tokens of this turn.
        cost_usd: US dollars of this turn alone.
        duration: Seconds from sending the prompt to the end of the turn.
        session_id: The conversation's id.
        is_error: The turn ended in an error; `error` says which.
        interrupted: The turn was stopped before its end; `text` is what had come.
        error: What went wrong, or "".
        data: The validated data of a turn with a schema.
        prompt: What was asked.
        model: The model that answered.
        num_turns: Model requests the turn took.
    """

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    files: tuple[FileChange, ...] = ()
    usage: Usage = field(default_factory=Usage)
    cost_usd: float = 0.0
    duration: float = 0.0
    session_id: str = ""
    is_error: bool = False
    interrupted: bool = False
    error: str = ""
    data: object = None
    prompt: str = ""
    model: str = ""
    num_turns: int = 0

    @property
    def code(self) -> CodeBlocks:
        """The answer's blocks of code as the cell shows them; `str()` of it joins them by blank lines."""
        from claude_magic.commonmark.parser import code_blocks  # noqa: PLC0415  # load budget

        return CodeBlocks(CodeBlock(each.text.rstrip("\n"), each.language) for each in code_blocks(self.text))

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        """Short: the turn has been shown in its cell already; `print(result)` shows the answer again."""
        words = " ".join((self.error or self.text).split())
        first = words if len(words) <= _REPR_LENGTH else f"{words[: _REPR_LENGTH - 1]}…"
        state = "interrupted" if self.interrupted else "error" if self.is_error else "answer"
        return f"<{', '.join([f'Result {state} {first!r}', *self._facts()])}>"

    def _repr_markdown_(self) -> str:
        """The answer as a front end shows it, its data, and what it took."""
        from claude_magic.commonmark.writing import escaped, fenced, safe_markdown  # noqa: PLC0415  # load budget

        data = [] if self.data is None else [fenced(self._data_text(), "json")]
        error = [f"**{escaped(self.error)}**"] if self.error else []
        facts = [f"*{escaped(' · '.join(facts))}*"] if (facts := self._facts()) else []
        return "\n\n".join([safe_markdown(self.text).strip("\n"), *data, *error, *facts]).strip("\n")

    def _facts(self) -> list[str]:
        calls = len(self.tool_calls)
        said = [f"{calls} tool call{'s' * (calls > 1)}"] if calls else []
        return [*said, f"${self.cost_usd:.4f}"] if self.cost_usd else said

    def _data_text(self) -> str:
        """The data as JSON where it is of its kinds, else as Python shows it."""
        try:
            text = msgspec.json.format(msgspec.json.encode(self.data), indent=2).decode()
        except (TypeError, ValueError, RecursionError):
            text = repr(self.data)
        return shortened(show_invisibles(text), _DATA_LENGTH)
