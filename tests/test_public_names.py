"""The names that people import: a change here is a change for them."""

from __future__ import annotations

import pytest

import claude_magic


def test_the_public_names_are_these() -> None:
    assert claude_magic.__all__ == [
        "__version__",
        "load_ipython_extension",
        "unload_ipython_extension",
        "Behavior",
        "ClaudeMagicError",
        "Decision",
        "Options",
        "PermissionRequest",
        "Result",
        "Session",
        "SessionState",
        "Task",
        "TaskManager",
        "TaskStatus",
        "TurnOptions",
        "claude_tool",
        "claude_tools",
        "default_task_manager",
    ]


def test_each_public_name_is_there_and_another_is_an_attribute_error_that_names_it() -> None:
    assert [name for name in claude_magic.__all__ if not hasattr(claude_magic, name)] == []
    assert dir(claude_magic) == sorted(claude_magic.__all__)
    with pytest.raises(AttributeError, match="'nothing'"):
        claude_magic.nothing  # noqa: B018
