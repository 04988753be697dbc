"""What the CLI's tools are, one row each: all that the product knows of a tool by its name.

A tool without a row, an MCP server's say, is shown by the first text of its input, and folded.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import Enum, auto
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "CELL_TOOLS",
    "DATA_TOOL",
    "TOOLS",
    "Todos",
    "Tool",
    "ToolKind",
    "file_of",
    "names_of",
    "tool_called",
]

DATA_TOOL = "StructuredOutput"  # by which the CLI takes an answer that has to fit a schema
CELL_TOOLS = frozenset(
    f"mcp__kernel__{name}_cell" for name in ("add", "edit", "delete")
)  # which change cells
_PATHS = {"file_path", "notebook_path", "path"}  # what inputs call a path, whichever tool's


class ToolKind(Enum):
    """What a call does, as far as it makes a difference to whoever reads it."""

    OTHER = auto()
    READ = auto()  # brings the text of a file
    SEARCH = auto()  # looks for a pattern, below a path
    EDIT = auto()  # changes a file
    SHELL = auto()  # runs a command
    AGENT = auto()  # starts a subagent
    QUESTION = auto()  # asks the person something
    PLAN = auto()  # shows a plan, and asks to go on
    DATA = auto()  # gives the answer as data


class Todos(Enum):
    """How a call tells of the to-do list."""

    NOTHING = auto()
    ALL_GIVEN = auto()  # its input is the whole list
    ALL_TOLD = auto()  # its result is
    ADDED = auto()  # its result has a new item
    CHANGED = auto()  # its input changes an item


class Tool(NamedTuple):
    """A tool of the CLI.

    Args:
        name: As the CLI calls it.
        kind: What it does.
        argument: The part of its input that says what a call is about; "" is the first that is text.
        description: The part in which Claude says what a call is for.
        removed: The part of its input that holds text to be taken out.
        added: The part that holds text to be put in.
        edits: The part that holds a list of such pairs.
        prompt: The part that holds what a subagent is asked.
        todos: How it tells of the to-do list.
        language: What its argument is written in.
        quiet: A call that went well has no result worth showing.
        unfolded: What it was given is shown without a click.
        schedules: What it puts down for later dies with the process.
        title: What a person calls it; "" for its name.
    """

    name: str
    kind: ToolKind = ToolKind.OTHER
    argument: str = ""
    description: str = ""
    removed: str = ""
    added: str = ""
    edits: str = ""
    prompt: str = ""
    todos: Todos = Todos.NOTHING
    language: str = ""
    quiet: bool = False
    unfolded: bool = False
    schedules: bool = False
    title: str = ""

    def argument_in(self, tool_input: Mapping[str, object]) -> str:
        """The part of this input that says what the call is about."""
        texts = (key for key, value in tool_input.items() if isinstance(value, str) and value.strip())
        return self.argument or next(texts, "")

    def path_in(self, tool_input: Mapping[str, object]) -> str:
        """The path of the file that a call is about, as it is given; "" if it is about none."""
        key = self.argument_in(tool_input)
        path = tool_input.get(key) if key in _PATHS or self.kind in {ToolKind.READ, ToolKind.EDIT} else ""
        return path if isinstance(path, str) else ""

    @property
    def line_says_all(self) -> bool:
        """The line of a call says all that it was given."""
        return self.kind in {ToolKind.READ, ToolKind.SEARCH}

    @property
    def is_asked(self) -> bool:
        """A call is a question to the person, whose answer is its result."""
        return self.kind in {ToolKind.QUESTION, ToolKind.PLAN}


_K = ToolKind
_ROWS = (
    Tool(name="Agent", kind=_K.AGENT, argument="description", prompt="prompt"),
    Tool(name="AskUserQuestion", kind=_K.QUESTION, argument="questions"),
    Tool(name="Bash", kind=_K.SHELL, argument="command", description="description", language="bash"),
    Tool(name="CronCreate", schedules=True),
    Tool(
        name="Edit",
        kind=_K.EDIT,
        argument="file_path",
        removed="old_string",
        added="new_string",
        quiet=True,
        unfolded=True,
    ),
    Tool(name="ExitPlanMode", kind=_K.PLAN, argument="plan"),
    Tool(name="Glob", kind=_K.SEARCH, argument="pattern"),
    Tool(name="Grep", kind=_K.SEARCH, argument="pattern"),
    Tool(
        name="MultiEdit",
        kind=_K.EDIT,
        argument="file_path",
        removed="old_string",
        added="new_string",
        edits="edits",
        quiet=True,
        unfolded=True,
    ),
    Tool(name="NotebookEdit", kind=_K.EDIT, argument="notebook_path", added="new_source", quiet=True),
    Tool(name="Read", kind=_K.READ, argument="file_path"),
    Tool(name="ScheduleWakeup", schedules=True),
    Tool(name="Skill", argument="skill"),
    Tool(name=DATA_TOOL, title="Data", kind=_K.DATA, quiet=True, unfolded=True),
    Tool(name="Task", kind=_K.AGENT, argument="description", prompt="prompt"),  # 2.1.191's name of Agent
    Tool(name="TaskCreate", todos=Todos.ADDED, quiet=True),
    Tool(name="TaskList", todos=Todos.ALL_TOLD, quiet=True),
    Tool(name="TaskUpdate", todos=Todos.CHANGED, quiet=True),
    Tool(name="TodoWrite", argument="todos", todos=Todos.ALL_GIVEN, quiet=True, unfolded=True),
    Tool(name="mcp__kernel__add_cell", argument="code", language="python", quiet=True, unfolded=True),
    Tool(name="mcp__kernel__delete_cell", argument="id", quiet=True),
    Tool(name="mcp__kernel__edit_cell", argument="code", language="python", quiet=True, unfolded=True),
    Tool(name="mcp__kernel__run_python", argument="code", language="python", unfolded=True),
    Tool(name="WebFetch", argument="url"),
    Tool(name="WebSearch", argument="query"),
    Tool(name="Write", kind=_K.EDIT, argument="file_path", added="content", quiet=True),
)
TOOLS = {tool.name: tool for tool in _ROWS}


def names_of(*kinds: ToolKind) -> list[str]:
    """The tools of these kinds."""
    return [tool.name for tool in TOOLS.values() if tool.kind in kinds]


def tool_called(name: str) -> Tool:
    """The row of a tool; for one without a row, what holds of any tool."""
    return TOOLS.get(name) or Tool(name=name)


def file_of(account: Mapping[str, object]) -> Path | None:
    """The file that a call is about, by what a hook is told of it; None if it is about none."""
    tool_input = account.get("tool_input")
    tool = tool_called(str(account.get("tool_name")))
    path = tool.path_in(tool_input) if isinstance(tool_input, Mapping) else ""
    if not path:
        return None
    return Path(str(account.get("cwd") or "."), os.path.expanduser(path))  # noqa: PTH111  # never raises
