"""What is decoded is read: every field of every event, by code of the package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import claude_magic
from claude_magic.wire import events, messages, notices

PACKAGE = Path(claude_magic.__file__).parent
RECORDS = [
    record
    for module in (events, messages, notices)
    for record in vars(module).values()
    if isinstance(record, type)
    and issubclass(record, messages.Record)
    and record.__module__ == module.__name__
]


def read_names() -> Iterator[str]:
    """Attributes that are loaded, and those that a `case` compares."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                yield node.attr
            elif isinstance(node, ast.MatchClass):
                yield from node.kwd_attrs


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_field_that_is_decoded_is_read(record: type[messages.Record]) -> None:
    names = {field.name for field in msgspec.structs.fields(record)}
    assert names <= READ, f"decoded and never read: {sorted(names - READ)}"


READ = set(read_names())
