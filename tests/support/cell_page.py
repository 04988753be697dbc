"""A page with a notebook's cells, as `cells.js` answers for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from claude_magic.kernel.cells.page import CellChange

__all__ = ["Page"]

_TOLD = {"index", "type"}


class Page:
    """A page with some cells, as cells.js answers for it; or none, or one that answers what it likes."""

    def __init__(self, *sources: str, answers: object = None) -> None:
        self.cells = [{"id": f"c{number}", "source": each} for number, each in enumerate(sources)]
        self.session, self.cell_id, self.below = "main", "c0", "c0"
        self.changes: list[CellChange] = []
        self.proposals: list[str] = []
        self.answers = answers
        self.is_there = True
        self.questions: list[Mapping[str, Any]] = []

    async def ask_page(self, question: Mapping[str, object]) -> object | None:
        self.questions.append(question)
        if self.answers is not None or not self.is_there:
            return self.answers
        answer: object = getattr(self, f"_{question['type']}")(question)
        return answer

    def propose(self, code: str) -> None:
        self.proposals.append(code)

    def write(self, cell_id: str, source: str) -> None:
        """Writes into a cell, as the person does."""
        self.cells[self._place(cell_id)]["source"] = source

    def _place(self, cell_id: object) -> int:
        return next((place for place, cell in enumerate(self.cells) if cell["id"] == cell_id), -1)

    def _told(self, place: int) -> dict[str, object]:
        return {"index": place, "type": "code"} | self.cells[place]

    def _read(self, question: Mapping[str, Any]) -> object:
        ids = question["ids"]
        places = [place for place, cell in enumerate(self.cells) if ids is None or cell["id"] in ids]
        return {"cells": [self._told(place) for place in places]}

    def _add(self, question: Mapping[str, Any]) -> object:
        place = self._place(question["after"]) if question["after"] else len(self.cells) - 1
        if question["after"] and place < 0:
            return {"gone": True}
        self.cells.insert(place + 1, {"id": f"n{len(self.cells)}", "source": question["source"]})
        return {"cells": [self._told(place + 1)]}

    def _edit(self, question: Mapping[str, Any]) -> object:
        place = self._place(question["id"])
        if place < 0:
            return {"gone": True}
        if self.cells[place]["source"] != question["before"]:
            return {"changed": self._told(place)}
        self.cells[place]["source"] = question["source"]
        return {"cells": [self._told(place)]}

    def _delete(self, question: Mapping[str, Any]) -> object:
        place = self._place(question["id"])
        if self.cells[place]["source"] != question["before"]:
            return {"changed": self._told(place)}
        told, above = self._told(place), self.cells[place - 1]["id"] if place else ""
        del self.cells[place]
        return {"cells": [told], "saved": json.dumps(told), "above": above}

    def _restore(self, question: Mapping[str, Any]) -> object:
        above = self._place(question["after"])
        place = above + 1 if above >= 0 else min(question["index"], len(self.cells))
        kept = {key: value for key, value in json.loads(question["saved"]).items() if key not in _TOLD}
        self.cells.insert(place, kept | {"source": question["source"]})
        return {"cells": [self._told(place)]}
