"""Asks for permissions by `input()`, where no card can be clicked: nested turns, the terminal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping

from claude_magic.control_characters import show_invisibles
from claude_magic.foreground.interrupts import asking
from claude_magic.permissions import Behavior, Decision, PermissionRequest, deny_unattended
from claude_magic.tools import ToolKind, tool_called
from claude_magic.transcript.blocks import ToolBlock
from claude_magic.wording.diff_lines import diff
from claude_magic.wording.requests import why_asked

__all__ = ["InputAsker", "PromptInput"]


class InputAsker:
    """Puts a request before the person with `input()`, which holds up the kernel until it is answered.

    Args:
        read: `input` of the front end.
        show: `print` of the cell.
    """

    def __init__(self, read: Callable[[str], str], show: Callable[[str], None]) -> None:
        self._read = read
        self._show = show

    async def __call__(self, request: PermissionRequest, /) -> Decision:
        """The person's decision; no where nobody answers any more."""
        await asyncio.sleep(0)  # `input()` stops the loop: let the view show first what led here
        try:
            with asking():
                return self._question(request) if request.is_question else self._permission(request)
        except KeyboardInterrupt:
            return Decision(behavior=Behavior.DENY, message="The user interrupted.", interrupt=True)
        except (EOFError, RuntimeError):  # the cell has ended, or the front end answers no input
            return await deny_unattended(request)

    def _permission(self, request: PermissionRequest) -> Decision:
        if request.is_plan:
            self._show(f"Claude has a plan:\n{_indent(str(request.about or ''))}")
            choices = "Go on with it? [y]es, yes and accept [e]dits, or say what to change: "
        else:
            path = tool_called(request.tool_name).path_in(request.input)
            about = " ".join(show_invisibles(part) for part in (request.tool_name, path) if part)
            what = [f"Claude asks to use {about}:", _indent(_input_text(request))]
            self._show("\n".join([*what, *why_asked(request)]))
            always = f"[a]lways ({show_invisibles(request.always_means)}), " if request.always_means else ""
            choices = f"Allow it? [y]es, {always}[n]o, or say why not: "
        answer = self._read(choices).strip()
        match answer.lower():
            case "y" | "yes":
                return Decision(behavior=Behavior.ALLOW)
            case "e" | "edits" if request.is_plan:
                return Decision(behavior=Behavior.ALLOW, mode="acceptEdits")
            case "a" | "always" if request.always_means:
                return Decision(behavior=Behavior.ALWAYS)
            case "a" | "always" if not request.is_plan:
                self._show("Always cannot be chosen for this.")
                return self._permission(request)
            case "" | "n" | "no":
                return Decision(behavior=Behavior.DENY)
            case _:
                return Decision(behavior=Behavior.DENY, message=answer)

    def _question(self, request: PermissionRequest) -> Decision:
        answers = {str(item.get("question", "")): self._answer(item) for item in request.questions}
        return Decision(behavior=Behavior.ALLOW, answers=answers)

    def _answer(self, question: Mapping[str, object]) -> str:
        options = question.get("options")
        choices = [item for item in options if isinstance(item, Mapping)] if isinstance(options, list) else []
        self._show(show_invisibles(str(question.get("question", ""))))
        for number, choice in enumerate(choices, 1):
            label, about = (show_invisibles(str(choice.get(key, ""))) for key in ("label", "description"))
            self._show(f"  {number}. {label}: {about}" if about else f"  {number}. {label}")
        several = bool(question.get("multiSelect"))
        how = "Numbers, separated by commas" if several else "Number"
        return _choice(self._read(f"{how}, or your own words: ").strip(), choices, several=several)


class PromptInput:
    """Puts what is to be read before a question into its prompt: what is printed may come late or never.

    Args:
        read: `input` of the front end.
    """

    def __init__(self, read: Callable[[str], str]) -> None:
        self._read = read
        self._lines: list[str] = []

    def show(self, text: str) -> None:
        """Keeps a text for the next prompt."""
        self._lines.append(text)

    def read(self, question: str) -> str:
        """Asks, with all that was shown since the last question."""
        prompt = "\n".join([*self._lines, question])
        self._lines.clear()
        return self._read(prompt)


def _choice(answer: str, choices: list[Mapping[str, object]], *, several: bool) -> str:
    """The labels that the numbers stand for, or the person's own words."""
    numbers = [part.strip() for part in answer.split(",")] if several else [answer]
    if not all(number.isdecimal() and 1 <= int(number) <= len(choices) for number in numbers):
        return answer
    return ", ".join(str(choices[int(number) - 1].get("label", "")) for number in numbers)


def _input_text(request: PermissionRequest) -> str:
    """The whole input as a person reads it: a diff, code as it is, everything else as JSON."""
    tool, tool_input = tool_called(request.tool_name), request.input
    call = ToolBlock(id="", name=request.tool_name, input=tool_input, preview=request.preview)
    if lines := diff(call).lines:
        return "\n".join(line.numbered for line in lines)
    if not (tool.language or tool.kind is ToolKind.SHELL) or not isinstance(request.about, str):
        return json.dumps(tool_input, ensure_ascii=False, indent=2)
    rest = {key: value for key, value in tool_input.items() if key not in {tool.argument, "description"}}
    return "\n".join([request.about, *([json.dumps(rest, ensure_ascii=False, indent=2)] if rest else [])])


def _indent(text: str) -> str:
    return "\n".join(f"    {line}" for line in show_invisibles(text).split("\n"))
