"""What a transcript says, in words, whatever shows it: states, times, the argument that matters.

Everything that comes from outside has gone through `show_invisibles` or `strip_controls` when it leaves here.
Pure.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from claude_magic.control_characters import printed, shortened, show_invisibles
from claude_magic.permissions import Behavior
from claude_magic.transcript.blocks import PermissionBlock, RetryBlock, ThinkingBlock, ToolBlock, ToolState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from claude_magic.permissions import PermissionRequest
    from claude_magic.prompt import Attachment
    from claude_magic.transcript import Transcript

__all__ = [
    "BYPASS_BANNER",
    "argument",
    "attached",
    "checklist",
    "decision_line",
    "duration",
    "footer",
    "header",
    "hidden_line",
    "input_json",
    "options_line",
    "prompt_line",
    "question_lines",
    "retry_line",
    "running_line",
    "state",
    "thinking_line",
    "title",
    "todos",
    "tool_name",
    "tool_output",
    "tool_state",
    "tool_tail",
    "why_asked",
]

_NOTICEABLE = 0.1  # seconds; shorter is not worth a figure

BYPASS_BANNER = "Permission checks are off (bypassPermissions): every tool runs without asking."
_LINE_LIMIT = 160
_REASON_LIMIT = 1_000
_OUTPUT_LIMIT = 10_000
_DATA_LIMIT = 2_000
_ARGUMENTS = {
    "Agent": "description",
    "AskUserQuestion": "questions",
    "Bash": "command",
    "Edit": "file_path",
    "Glob": "pattern",
    "Grep": "pattern",
    "MultiEdit": "file_path",
    "NotebookEdit": "notebook_path",
    "Read": "file_path",
    "Skill": "skill",
    "Task": "description",
    "WebFetch": "url",
    "WebSearch": "query",
    "Write": "file_path",
}
_PATHS = {"file_path", "notebook_path", "path"}
_TODO_WORDS = {"completed": "done", "in_progress": "in progress", "pending": "to do"}
_LISTS = {"TaskCreate", "TaskList", "TaskUpdate", "TodoWrite"}
_SUCCESS_SAYS_NOTHING = {"Edit", "MultiEdit", "NotebookEdit", "Write"} | _LISTS


def duration(seconds: float) -> str:
    """Seconds as a person says them: `0.3 s`, `12 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left:02d} min" if hours else f"{minutes} min {rest:02d} s"


def state(transcript: Transcript) -> str:
    """Where the turn stands, with its place while it waits for others."""
    ahead = transcript.ahead
    return f"{transcript.state.value}, {ahead} before it" if ahead else transcript.state.value


def header(transcript: Transcript, *, mode: bool = True) -> list[str]:
    """The facts above a turn, but for its state: session, model, permission mode, label, resumed."""
    facts = [show_invisibles(transcript.session), show_invisibles(transcript.model)]
    facts += [show_invisibles(transcript.permission_mode)] if mode else []
    facts.append(show_invisibles(transcript.label))
    if turns := transcript.resumed_turns:
        facts.append(f"resumed, {turns} earlier turn{'s' * (turns != 1)}")
    return [_one_line(fact) for fact in facts if fact]


def footer(transcript: Transcript) -> list[str]:
    """What the turn took: requests, time, tokens, cost, context left. Empty until it has ended."""
    facts = transcript.footer
    if facts is None:
        return []
    said = [
        f"{facts.requests} request{'s' * (facts.requests != 1)}",
        duration(facts.seconds),
        *([f"{_short_number(facts.tokens)} tokens"] if facts.tokens else []),  # unknown after an interrupt
        _money(facts.cost_usd),
    ]
    if facts.context_left is not None:
        said.append(f"{facts.context_left:.0%} of context left")
    return said


def hidden_line(transcript: Transcript) -> str:
    """What a full transcript leaves out; "" if nothing."""
    blocks = f" and {transcript.hidden_blocks:,} blocks" if transcript.hidden_blocks else ""
    return (
        f"truncated, {transcript.hidden:,} characters{blocks} hidden" if transcript.hidden or blocks else ""
    )


def running_line(transcript: Transcript) -> str:
    """The last line of a turn that has not ended: true even when the notebook is saved just then."""
    if transcript.state.is_over:
        return ""
    if transcript.started is None:
        return "The prompt was still waiting in line when this was shown."
    return f"The turn was still running when this was shown, after {duration(transcript.elapsed)}."


def options_line(transcript: Transcript) -> str:
    """The options given with the prompt."""
    given = (
        f"{show_invisibles(name)} {show_invisibles(value)}".strip()
        for name, value in transcript.options.items()
    )
    return " ".join(given)


def prompt_line(transcript: Transcript) -> str:
    """The prompt's first line."""
    return _one_line(show_invisibles(transcript.prompt[: 4 * _LINE_LIMIT].strip()).split("\n", 1)[0])


def attached(attachments: Sequence[Attachment]) -> list[tuple[str, str]]:
    """The data that is sent before a prompt: what each piece is, and its text, shortened."""
    abouts = (
        f"{_one_line(show_invisibles(each.label))} {len(each.text):,} characters" for each in attachments
    )
    texts = (shortened(show_invisibles(each.text), _DATA_LIMIT) for each in attachments)
    return list(zip(abouts, texts, strict=True))


def thinking_line(block: ThinkingBlock) -> str:
    """How long the model thought."""
    if block.duration is None:
        return "Thinking"
    return "Thought" if block.duration < _NOTICEABLE else f"Thought for {duration(block.duration)}"


def retry_line(block: RetryBlock) -> str:
    """The attempts so far, and when the next one comes."""
    status = f"HTTP {block.status}" if block.status else ""
    reason = show_invisibles(block.reason).replace("_", " ")
    why = ", ".join(part for part in (status, reason) if part) or "no answer"
    if block.over:
        return f"The API refused {block.attempt} time{'s' * (block.attempt != 1)} ({why})."
    said = f"The API refused ({why}). Attempt {block.attempt} of {block.max_retries} failed;"
    said += f" the next is in {duration(block.delay_s)}."
    return said + (
        " Interrupt, and check the login with /login or ANTHROPIC_API_KEY." if block.status == 401 else ""
    )


def tool_name(name: str) -> str:
    """The tool as a person knows it: `mcp__kernel__inspect` is `inspect (kernel)`."""
    parts = name.split("__", 2)
    if len(parts) == 3 and parts[0] == "mcp":
        name = f"{parts[2]} ({parts[1]})"
    return _one_line(show_invisibles(name)) or "tool"


def argument(name: str, given: Mapping[str, object], cwd: str = "") -> str:
    """The argument that matters, in one line: the command, the path, the pattern."""
    if name == "TodoWrite":
        return _done(todos(given))
    if name == "TaskUpdate":
        return _one_line(show_invisibles(f"#{given.get('taskId', '?')} {_todo_word(given.get('status'))}"))
    key = _ARGUMENTS.get(name) or next((k for k, v in given.items() if isinstance(v, str) and v.strip()), "")
    value = given.get(key, "")
    if key == "questions":
        value = next(iter(question_lines(given)), "")
    text = show_invisibles(value[: 10 * _LINE_LIMIT]) if isinstance(value, str) else ""
    if key in _PATHS:
        text = _relative(text, show_invisibles(cwd))
    first, _, more = text.strip().partition("\n")
    return _one_line(f"{first} …" if more else first) + _addition(name, given, cwd)


def _addition(name: str, given: Mapping[str, object], cwd: str) -> str:
    if name == "Read" and isinstance(offset := given.get("offset", 1), int):
        limit = given.get("limit")
        if isinstance(limit, int):
            return f", lines {offset}-{offset + limit - 1}"
        return f", from line {offset}" if "offset" in given else ""
    path = given.get("path")
    if name in {"Glob", "Grep"} and isinstance(path, str) and path:
        return f" in {_one_line(_relative(show_invisibles(path), show_invisibles(cwd)))}"
    return ""


def tool_state(tool: ToolBlock) -> str:
    """State and time of a call in words: `ok, 0.3 s`."""
    if tool.duration is None or tool.duration < 0.05 or tool.state is ToolState.DENIED:
        return tool.state.value
    return f"{tool.state.value}, {duration(tool.duration)}"


def tool_output(tool: ToolBlock) -> str:
    """The result worth showing, shortened; "" where the call says it all."""
    if tool.name in _SUCCESS_SAYS_NOTHING and tool.state is ToolState.OK:
        return ""
    if isinstance(tool.details, dict) and tool.details.get("isAsync"):
        return "Works in the background."
    return shortened(printed(tool.result).strip("\n"), _OUTPUT_LIMIT)


def tool_tail(tool: ToolBlock, limit: int) -> list[str]:
    """The last lines of the result, for where it cannot be folded: none of what was read."""
    if tool.name == "Read" and tool.state is ToolState.OK:
        return []
    said = tool_output(tool)
    lines = said.split("\n") if said else []
    hidden = len(lines) - limit
    return [f"… {hidden:,} lines hidden …", *lines[hidden:]] if hidden > 0 else lines


def input_json(given: Mapping[str, object]) -> str:
    """The whole input as JSON, shortened."""
    return shortened(
        show_invisibles(json.dumps(given, indent=2, ensure_ascii=False, default=str)), _OUTPUT_LIMIT
    )


def todos(given: Mapping[str, object]) -> list[tuple[str, str]]:
    """A to-do list as (state in words, item)."""
    items = given.get("todos")
    return [
        (_todo_word(item.get("status")), _one_line(show_invisibles(str(item.get("content", "")))))
        for item in (items if isinstance(items, list) else ())
        if isinstance(item, dict)
    ]


def checklist(call: ToolBlock) -> list[tuple[str, str]]:
    """The to-do list that a call shows, as (state in words, item)."""
    if call.todos is None:
        return todos(call.input) if call.name == "TodoWrite" else []
    return [(_todo_word(status), _one_line(show_invisibles(text))) for status, text in call.todos]


def title(call: ToolBlock, cwd: str = "") -> tuple[str, str]:
    """What stands above a call: the tool's name, or what it shows, and the argument that matters."""
    if call.todos:
        return "To do", _done(checklist(call))
    return tool_name(call.name), argument(call.name, call.input, cwd)


def _done(items: list[tuple[str, str]]) -> str:
    return f"{sum(state == 'done' for state, _ in items)} of {len(items)} done"


def _todo_word(status: object) -> str:
    return _TODO_WORDS.get(str(status), "to do")


def question_lines(given: Mapping[str, object]) -> list[str]:
    """A question with its options, a line each; several questions one after the other."""
    lines: list[str] = []
    questions = given.get("questions")
    for question in questions if isinstance(questions, list) else ():
        if isinstance(question, dict):
            lines.append(_one_line(show_invisibles(str(question.get("question", "")))))
            options = question.get("options")
            lines += [f"- {_option(option)}" for option in (options if isinstance(options, list) else ())]
    return lines


def _option(option: object) -> str:
    if not isinstance(option, dict):
        return _one_line(show_invisibles(str(option)))
    label, about = (_one_line(show_invisibles(str(option.get(key, "")))) for key in ("label", "description"))
    return f"{label}: {about}" if about else label


def why_asked(request: PermissionRequest) -> list[str]:
    """What a person should know before the answer, a line each: what it is for, who asks, and why."""
    said = [request.description]
    if request.agent_id:
        said.append(f"For a subagent ({request.agent})" if request.agent else "For a subagent")
    if request.reason_type == "hook":
        said.append(f"A hook asks: {request.reason}" if request.reason else "A hook asks to look at it.")
    elif request.reason_type == "rule":
        said.append(request.reason or "A rule of the settings has it asked each time.")
    elif request.reason:
        said.append(f"Why it is asked: {request.reason}")
    if request.blocked_path:
        said.append(f"Because of {request.blocked_path}")
    return [_one_line(show_invisibles(line), _REASON_LIMIT) for line in said if line]


def decision_line(block: PermissionBlock) -> str:
    """What became of a request."""
    decision = block.decision
    if decision is None:
        return "not answered; no longer asked" if block.withdrawn else "waiting for your answer"
    by = "by you" if decision.by == "you" else f"({_one_line(show_invisibles(decision.by))})"
    if decision.behavior is Behavior.DENY:
        said = f": {_one_line(show_invisibles(decision.message))}" if decision.message else ""
        return f"denied {by}{said}"
    if decision.answers:
        answers = (_one_line(show_invisibles(str(answer))) for answer in decision.answers.values())
        return f"answered {by}: {'; '.join(answers)}"
    if decision.behavior is Behavior.ALWAYS:
        return f"always allowed {by}: {_one_line(show_invisibles(block.request.always_means))}"
    return f"allowed {by}"


def _relative(path: str, cwd: str) -> str:
    return path.removeprefix(f"{cwd.rstrip('/')}/") if cwd else path


def _one_line(text: str, limit: int = _LINE_LIMIT) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _short_number(number: int) -> str:
    for size, name in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.1f}{name}"
    return str(number)


def _money(usd: float) -> str:
    return f"${usd:.4f}" if 0 < usd < 0.01 else f"${usd:.2f}"
