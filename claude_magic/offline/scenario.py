r"""Scenarios: which prompt gets which answer. TOML files, checked when they are read.

    [[rule]]
    match = "Write and run a script"     # the whole prompt, case and outer white space aside; or
    # pattern = '^say (\w+)'             # a regular expression; its groups are {1}, {2}, …
    description = "a file and a run"     # optional, for the list of known prompts
    steps = [                            # one step answers one request of the turn
      [ { thinking = "A loop will do." }, { text = "I write it." },
        { tool = "Write", input = { file_path = "{cwd}/a.py", content = "print(1)" } } ],
      [ { tool = "Bash", input = { command = "python3 a.py" } } ],
      [ { text = "It printed {result}." } ],
    ]
    # text = "…"                         # short for one step of one text

Parts of a step: `text`, `thinking`, `words` = N or `lines` = N (a long text, a long block of code), each
with an optional `rate` in words a second; `tool` with `input`, or with `json`, the same as text; `pause` =
seconds; `until` = a file (silence until it is there); `stall` = true (silence until the client hangs up);
`error` = an HTTP status, with optional `type`, `message` and `times` (requests in a row that get it; then the
step goes on); `stop` = why the answer ends, if not because the model is through (`max_tokens`, `refusal`).

Inserted in texts, tools, inputs and `until`: {prompt}, {first_prompt}, {last_prompt} (the one before this),
{result} (the last tool result), {cwd}. Every other brace stays as it is.

The first rule that fits answers. Files that are given come before the built-in ones.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from claude_magic.errors import UsageError
from claude_magic.offline.parts import Error, Part, Pause, Text, Tool, part_from

__all__ = ["BUILT_IN", "Rule", "Scenario"]

BUILT_IN = tuple(
    Path(__file__).parent / "scenarios" / name
    for name in ("default.toml", "quickstart.toml", "live_kernel.toml")
)
_RULE_KEYS = {"match", "pattern", "description", "steps", "text"}
_NAME = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One prompt, or a family of them, and its answer.

    Args:
        name: Its `match` or `pattern`, as written.
        pattern: What the prompt must fit.
        title: Its line in the list of known prompts; "" keeps it out.
        steps: The parts of each answer of the turn.
    """

    name: str
    pattern: re.Pattern[str]
    title: str
    steps: tuple[tuple[Part, ...], ...]

    def answer(self, step: int, names: Mapping[str, str]) -> tuple[Part, ...]:
        """The parts of a step, with `names` inserted."""
        if step >= len(self.steps):
            return (Text("The script ends here."),)
        return tuple(_fill(part, names) for part in self.steps[step])


@dataclass(frozen=True, slots=True)
class Scenario:
    """All rules, in the order in which they are tried."""

    rules: tuple[Rule, ...]

    @classmethod
    def load(cls, paths: Iterable[Path] = ()) -> Scenario:
        """Reads scenario files, and the built-in ones after them.

        Raises:
            UsageError: A file cannot be used; the message names file, rule and reason.
        """
        return cls(tuple(rule for path in (*paths, *BUILT_IN) for rule in _rules(path)))

    def find(self, prompt: str) -> tuple[Rule, dict[str, str]]:
        """The rule for a prompt and the groups of its pattern; for an unknown one, a rule that says so."""
        for rule in self.rules:
            if match := rule.pattern.search(prompt.strip()):
                return rule, {str(number): text or "" for number, text in enumerate(match.groups(), start=1)}
        return self._unknown, {}

    @property
    def _unknown(self) -> Rule:
        titles = "\n".join(f"- {rule.title}" for rule in self.rules if rule.title)
        text = f"The offline model has no script for this prompt. It knows these:\n\n{titles}"
        return Rule("unknown prompt", re.compile(""), "", ((Text(text),),))


def _rules(path: Path) -> list[Rule]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("rule")
    except OSError as error:
        raise UsageError(f"The scenario {path} cannot be read: {error.strerror}.") from None
    except ValueError as error:  # not TOML, or not UTF-8
        raise UsageError(f"The scenario {path} is not TOML: {error}.") from None
    if not isinstance(tables, list) or not tables:
        raise UsageError(f"The scenario {path} has no [[rule]].")
    try:
        return [_rule(table, f"rule {number}") for number, table in enumerate(tables, start=1)]
    except UsageError as error:
        raise UsageError(f"The scenario {path}, {error}") from None


def _rule(table: object, where: str) -> Rule:
    if not isinstance(table, dict):
        raise UsageError(f"{where}: write it as [[rule]] with keys below.")
    if unknown := set(table) - _RULE_KEYS:
        raise UsageError(f"{where}: unknown key {min(unknown)!r}; known are {', '.join(sorted(_RULE_KEYS))}.")
    exact, pattern, description = (_string(table, key, where) for key in ("match", "pattern", "description"))
    if bool(exact) == bool(pattern):
        raise UsageError(f"{where}: give either match or pattern.")
    where += f" ({exact or pattern})"
    title = f"`{exact}`" + (f": {description}" if description else "") if exact else description
    return Rule(exact or pattern, _compile(exact, pattern, where), title, _steps(table, where))


def _string(table: Mapping[str, object], key: str, where: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise UsageError(f"{where}: {key} is {value!r}; give a text.")
    return value.strip()


def _compile(exact: str, pattern: str, where: str) -> re.Pattern[str]:
    try:
        return re.compile(rf"\A{re.escape(exact)}\Z" if exact else pattern, re.IGNORECASE | re.DOTALL)
    except re.error as error:
        raise UsageError(f"{where}: the pattern is no regular expression: {error}.") from None


def _steps(table: Mapping[str, object], where: str) -> tuple[tuple[Part, ...], ...]:
    if ("text" in table) == ("steps" in table):
        raise UsageError(f"{where}: give either text or steps.")
    steps = table.get("steps", [[{"text": table.get("text")}]])
    if not isinstance(steps, list) or not steps or not all(isinstance(step, list) and step for step in steps):
        raise UsageError(f"{where}: steps is a list of steps, each a list of parts.")
    return tuple(_step(step, f"{where}, step {number}") for number, step in enumerate(steps, start=1))


def _step(tables: Sequence[object], where: str) -> tuple[Part, ...]:
    parts = tuple(part_from(table, where) for table in tables)
    if isinstance(parts[-1], Error) and parts[-1].times:
        raise UsageError(f"{where}: an error with times needs parts after it, for when the errors are over.")
    return parts


def _fill(part: Part, names: Mapping[str, str]) -> Part:
    if isinstance(part, Text):
        return replace(part, text=str(_insert(part.text, names)))
    if isinstance(part, Tool):
        given = _object(str(_insert(part.json, names))) if part.json else part.input
        return replace(
            part,
            name=str(_insert(part.name, names)),
            input={key: value if part.json else _insert(value, names) for key, value in given.items()},
        )
    if isinstance(part, Pause):
        return replace(part, until=str(_insert(part.until, names)))
    return part


def _object(text: str) -> Mapping[str, object]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _insert(value: object, names: Mapping[str, str]) -> object:
    if isinstance(value, str):
        return _NAME.sub(lambda match: names.get(match[1], match[0]), value)
    if isinstance(value, list):
        return [_insert(item, names) for item in value]
    if isinstance(value, dict):
        return {key: _insert(item, names) for key, item in value.items()}
    return value
