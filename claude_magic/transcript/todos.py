"""The to-do list that Claude keeps by tool calls, put together again.

The promise: pure, bounded, and never an exception, whatever a call and its result hold. How a tool tells of
the list is in its row of `tools.TOOLS`; TodoWrite has the whole list in each call.
"""

from __future__ import annotations

from collections.abc import Mapping

from claude_magic.tools import Todos, tool_called

__all__ = ["TodoList"]

_LIMIT = 200
_TEXT_LIMIT = 400


class TodoList:
    """The items by their ids, in the order in which they were made."""

    def __init__(self) -> None:
        self._items: dict[str, tuple[str, str]] = {}
        self._doing: dict[str, str] = {}  # what is done while an item is worked on, in other words

    @property
    def doing(self) -> str:
        """What is worked on; "" if nothing is."""
        current = (key for key, (status, _) in self._items.items() if status == "in_progress")
        key = next(current, None)
        return "" if key is None else self._doing.get(key) or self._items[key][1]

    def handle(
        self, name: str, tool_input: Mapping[str, object], details: object
    ) -> tuple[tuple[str, str], ...] | None:
        """Takes in a call that has succeeded.

        Args:
            name: The tool.
            tool_input: The call's input.
            details: The CLI's structured result.

        Returns:
            The list after it, as (status, text); None if the call is about no list.
        """
        result = details if isinstance(details, Mapping) else {}
        match tool_called(name).todos:
            case Todos.ALL_GIVEN:
                self._begin_with(tool_input.get(tool_called(name).argument))
            case Todos.CHANGED:
                self._change(tool_input)
            case Todos.ADDED:
                self._set(result.get("task"))
            case Todos.ALL_TOLD:
                self._begin_with(result.get("tasks"))
            case _:
                return None
        return tuple(self._items.values())

    def _begin_with(self, listed: object) -> None:
        if isinstance(listed, list):
            self._items.clear()
            self._doing.clear()
            for place, item in enumerate(listed):
                self._set(item, str(place))

    def _set(self, item: object, place: str = "") -> None:
        if isinstance(item, Mapping) and len(self._items) < _LIMIT:
            key, status = _text(item.get("id")) or place, item.get("status", "pending")
            self._items[key] = (_text(status), _text(item.get("subject", item.get("content"))))
            self._doing[key] = _text(item.get("activeForm"))

    def _change(self, tool_input: Mapping[str, object]) -> None:
        number = _text(tool_input.get("taskId"))
        # One of an earlier turn has nothing but its number here.
        status, subject = self._items.get(number, ("pending", f"Item {number}"))
        if tool_input.get("status") == "deleted":
            self._items.pop(number, None)
            self._doing.pop(number, None)
        elif number in self._items or len(self._items) < _LIMIT:
            self._items[number] = (
                _text(tool_input.get("status", status)),
                _text(tool_input.get("subject", subject)),
            )
            self._doing[number] = _text(tool_input.get("activeForm")) or self._doing.get(number, "")


def _text(value: object) -> str:
    return str(value)[:_TEXT_LIMIT] if isinstance(value, (str, int)) else ""
