"""How the product is built: what no linter's contract can say."""

from __future__ import annotations

import ast
import typing
from collections.abc import Iterator

import pytest
from house import modules

from claude_magic.wire.events import Event


def imported(tree: ast.AST, known: set[str]) -> Iterator[str]:
    """What a module imports, also for its types only and inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in known else node.module


def circles(trees: dict[str, ast.Module]) -> list[list[str]]:
    """The groups of modules that reach each other by imports."""
    known = set(trees)
    edges = {name: {*imported(tree, known)} & known - {name} for name, tree in trees.items()}
    reached: dict[str, set[str]] = {}
    for name in trees:
        found, ahead = set[str](), [name]
        while ahead:
            fresh = edges[ahead.pop()] - found
            found |= fresh
            ahead += fresh
        reached[name] = found
    groups = {tuple(sorted({name, *(o for o in reached[name] if name in reached[o])})) for name in trees}
    return sorted([*group] for group in groups if len(group) > 1)


def test_no_two_modules_import_each_other_in_any_way() -> None:
    assert circles(modules()) == []


@pytest.mark.parametrize(
    "back",
    [
        "from pkg import a",
        "from pkg.a import Thing",
        "import pkg.a",
        "if TYPE_CHECKING:\n    from pkg.a import Thing",
        "def later():\n    from pkg.a import Thing",
        "from pkg import c",
    ],
)
def test_a_circle_is_seen_wherever_the_import_stands(back: str) -> None:
    sources = {"pkg": "", "pkg.a": "from pkg.b import Other", "pkg.b": back, "pkg.c": "import pkg.a"}
    (circle,) = circles({name: ast.parse(source) for name, source in sources.items()})
    assert {"pkg.a", "pkg.b"} <= {*circle}


EVENTS = {kind.__name__ for kind in typing.get_args(Event)}


def told_apart(tree: ast.AST) -> set[str]:
    """The events whose type a module asks for, by `match` or `isinstance`."""
    asked: list[ast.AST] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.MatchClass):
            asked.append(node.cls)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
            asked += ast.walk(node.args[1])
    return EVENTS & {getattr(node, "attr", getattr(node, "id", "")) for node in asked}


def test_events_are_told_apart_for_the_session_and_for_the_reader_and_nowhere_else() -> None:
    places = {name.removeprefix("claude_magic."): told_apart(tree) for name, tree in modules().items()}
    # What is between the CLI and us alone gets as far as neither: control requests, noise.
    assert places.pop("wire.control") == {"ControlCancel", "ControlRequest", "ControlResponse"}
    assert places.pop("claude_cli.process") == {"Diagnostic"}
    # The doctor's own question, which belongs to no session.
    assert places.pop("command.api_check") == {"ApiRetry", "AssistantMessage", "ResultEvent", "StreamEvent"}
    assert [name for name, events in places.items() if events] == ["session.stream", "transcript.reducer"]


def test_a_child_is_spawned_in_one_place() -> None:
    spawning = [
        name
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "ChildProcess.spawn"
    ]
    assert spawning == ["claude_magic.processes.manager"]


def called(tree: ast.AST, method: str) -> bool:
    """Whether a module calls a method of that name."""
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(isinstance(call, ast.Attribute) and call.attr == method for call in calls)


def test_the_engine_of_a_session_alone_enters_states() -> None:
    room = {name: tree for name, tree in modules().items() if name.startswith("claude_magic.session.")}
    assert [name for name, tree in room.items() if called(tree, "enter")] == ["claude_magic.session.engine"]
