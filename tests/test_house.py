"""How the product is built: what no linter's contract can say."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from house import modules


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
