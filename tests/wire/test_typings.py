"""Every message of the CLI's public typings is shown, used, or ignored for a reason that is named.

The typings are those of the npm package that `make test` fetches, of the version that the Makefile names: a
new release of it changes nothing here until that version is raised.
"""

from __future__ import annotations

import re

import pytest
from places import TYPINGS

from claude_magic.wire.events import IGNORED, KNOWN

UNION = "StdoutMessage"  # SDKMessage and what else a line can be


class Typings:
    """Type declarations, as far as they say what a message is called."""

    def __init__(self, text: str) -> None:
        starts = list(re.finditer(r"^(?:export )?(?:declare )?type (\w+)(?:<[^=]*>)? =", text, re.MULTILINE))
        ends = [start.start() for start in starts[1:]] + [len(text)]
        self._bodies = {start[1]: text[start.end() : end] for start, end in zip(starts, ends, strict=True)}

    def members(self, union: str) -> set[str]:
        """The names of the object types that a union comes down to."""
        body = self._bodies[union]
        if "{" in body.split(";", 1)[0]:
            return {union}
        named = [part.strip().rpartition(".")[2] for part in body.split(";", 1)[0].split("|")]
        return set().union(*(self.members(name) for name in named))

    def messages(self, member: str) -> set[str]:
        """What the message is called here: its type, and after a stroke the subtype of a system message."""
        kinds, subtypes = (self._literals(member, key) for key in ("type", "subtype"))
        return {f"system/{subtype}" for subtype in subtypes} if kinds == {"system"} else kinds

    def _literals(self, member: str, key: str) -> set[str]:
        found = re.search(rf"^    {key}: ([^;]+);", self._bodies[member], re.MULTILINE)
        return set(re.findall(r"'([^']+)'", found[1])) if found else set()


def unaccounted(text: str) -> dict[str, set[str]]:
    """The members of the union whose messages nobody here knows, and those that say no name."""
    typings = Typings(text)
    named = {member: typings.messages(member) for member in typings.members(UNION)}
    return {
        member: names - KNOWN - IGNORED.keys()
        for member, names in named.items()
        if not names or names - KNOWN - IGNORED.keys()
    }


@pytest.mark.fault(120, via="pure")
def test_every_message_of_the_public_typings_is_shown_or_used_or_ignored_for_a_reason() -> None:
    text = TYPINGS.read_text(encoding="utf-8")

    assert len(Typings(text).members("SDKMessage")) > 30
    assert unaccounted(text) == {}
    assert not KNOWN & IGNORED.keys()
    assert all(IGNORED.values())


@pytest.mark.fault(120, via="pure")
def test_a_message_that_a_new_version_adds_is_named() -> None:
    text = TYPINGS.read_text(encoding="utf-8").replace(
        f"type {UNION} = ", f"type {UNION} = SDKTeaMessage | SDKSteamMessage | "
    )
    text += "export declare type SDKTeaMessage = {\n    type: 'system';\n    subtype: 'tea';\n};\n"
    text += "export declare type SDKSteamMessage = {\n    type: 'steam';\n};\n"

    assert unaccounted(text) == {"SDKTeaMessage": {"system/tea"}, "SDKSteamMessage": {"steam"}}


@pytest.mark.fault(120, via="pure")
def test_the_list_names_nothing_that_the_typings_do_not_have_but_what_the_cli_sends_all_the_same() -> None:
    typings = Typings(TYPINGS.read_text(encoding="utf-8"))
    public = set().union(*(typings.messages(member) for member in typings.members(UNION)))

    assert (KNOWN | IGNORED.keys()) - public == {"command_lifecycle"}
