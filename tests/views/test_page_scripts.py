"""The scripts of the page, written as modules and brought as one."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from claude_magic.views.live.widget import script

PAGE = files("claude_magic.views.live") / "page"
MODULES = {
    path.name: path.read_text(encoding="utf-8") for path in PAGE.iterdir() if path.name.endswith(".js")
}
DECLARED = re.compile(r"^(?:export )?(?:async )?(?:class|function|const|let) (\w+)", re.MULTILINE)


@pytest.mark.parametrize("name", ["turn.js", "question.js"])
def test_a_widgets_script_is_one_module_that_imports_nothing_and_exports_what_anywidget_wants(
    name: str,
) -> None:
    assert re.findall(r"^(?:import|export)\b.*", script(name), re.MULTILINE) == ["export default {"]


def test_a_module_stands_before_those_that_import_it_and_once() -> None:
    joined = script("turn.js")
    heads = ["function make(", "class Writer ", "class Content ", "class View ", "export default "]

    assert [joined.count(head) for head in heads] == [1] * len(heads)
    assert sorted(heads, key=joined.index) == heads


def test_no_two_modules_of_a_turn_declare_the_same_name_since_they_share_one_scope() -> None:
    declared = [name for text in MODULES.values() for name in DECLARED.findall(text)]

    assert "Store" in declared
    assert len(declared) == len(set(declared))


def test_no_module_is_left_out() -> None:
    brought = script("turn.js") + script("question.js")

    assert [name for name, text in MODULES.items() if DECLARED.findall(text)[0] not in brought] == []
