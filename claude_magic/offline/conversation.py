"""What a Messages request says: the prompt, how far its turn has come, and what went before. Pure.

The CLI puts reminders, notes on local commands and the like beside the prompt, in messages of the user role,
and sometimes messages of the system role after it. The prompt is the last text of a user message that a
person wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

__all__ = ["Conversation", "is_auxiliary", "word_count"]

_REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)
_CWD = re.compile(r"[Ww]orking directory: ([^\n]+)")
# Texts of the user role that the CLI writes by itself (2.1.191 and 2.1.327).
_BY_THE_CLI = (
    "[Request interrupted by user",
    "[structured-output-enforce]",
    "<command-",
    "<local-command-",
    "[Image: source: ",
    "This session is being continued from a previous conversation",
)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as a request carries it.

    Args:
        prompts: What the person asked, oldest first.
        step: Answers the model has given since the last prompt.
        result: The text of the last tool result, or "".
        cwd: The working directory the CLI named last, or "".
    """

    prompts: tuple[str, ...] = ()
    step: int = 0
    result: str = ""
    cwd: str = ""
    length: int = field(default=0, repr=False)

    @classmethod
    def from_body(cls, body: Mapping[str, object]) -> Conversation:
        """Reads a request's body; what is not as expected counts as absent."""
        prompts: list[str] = []
        step, result = 0, ""
        messages = list(_tables(body.get("messages")))
        for message in messages:
            if message.get("role") == "assistant":
                step += 1
            elif message.get("role") == "user":
                result = _result(message) or result
                if text := _prompt(message):
                    prompts.append(text)
                    step = 0
        return cls(tuple(prompts), step, result, _cwd(body, messages), len(messages))

    @property
    def prompt(self) -> str:
        """The prompt to answer, or ""."""
        return self.prompts[-1] if self.prompts else ""

    @property
    def names(self) -> dict[str, str]:
        """What a scenario may insert."""
        return {
            "prompt": self.prompt,
            "first_prompt": self.prompts[0] if self.prompts else "",
            "last_prompt": self.prompts[-2] if len(self.prompts) > 1 else "",
            "result": self.result,
            "cwd": self.cwd,
        }


def is_auxiliary(body: Mapping[str, object]) -> bool:
    """Whether the CLI asks for itself, as for a title: it wants JSON and offers no tools."""
    output = body.get("output_config")
    return isinstance(output, Mapping) and "format" in output and not body.get("tools")


def word_count(body: Mapping[str, object]) -> int:
    """The words of a request's messages and system prompt: its input tokens, near enough."""
    messages = _tables(body.get("messages"))
    texts = [
        *_texts(body.get("system")),
        *(text for message in messages for text in _texts(message.get("content"))),
    ]
    return sum(len(text.split()) for text in texts)


def _prompt(message: Mapping[str, object]) -> str:
    texts = (_REMINDER.sub("", text).strip() for text in _texts(message.get("content")))
    return next((text for text in reversed(list(texts)) if text and not text.startswith(_BY_THE_CLI)), "")


def _result(message: Mapping[str, object]) -> str:
    results = [block for block in _tables(message.get("content")) if block.get("type") == "tool_result"]
    return "\n".join(_texts(results[-1].get("content"))) if results else ""


def _cwd(body: Mapping[str, object], messages: list[Mapping[str, object]]) -> str:
    # Where the CLI says it depends on the model: in the system prompt, or in notes among the messages.
    notes = [
        text
        for message in messages
        for text in _texts(message.get("content"))
        if message.get("role") == "system" or _REMINDER.match(text)
    ]
    names = [name for text in (*_texts(body.get("system")), *notes) for name in _CWD.findall(text)]
    return names[-1].strip() if names else ""


def _texts(content: object) -> Iterator[str]:
    """The texts of a message's content: a string, or a list of blocks."""
    if isinstance(content, str):
        yield content
    for block in _tables(content):
        text = block.get("text")
        if isinstance(text, str):
            yield text


def _tables(value: object) -> Iterator[Mapping[str, object]]:
    return (item for item in value if isinstance(item, Mapping)) if isinstance(value, list) else iter(())
