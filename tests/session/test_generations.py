"""A session whose CLI is replaced by the other generation's between two turns."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from generations import OLDER_CLI, current_cli

from claude_magic.session import Session


@pytest.mark.parametrize("clis", [(current_cli(), OLDER_CLI), (OLDER_CLI, current_cli())], ids=["down", "up"])
async def test_a_conversation_goes_on_with_the_other_generation_of_the_cli(
    session: Callable[..., Session], clis: tuple[object, object]
) -> None:
    first, second = map(str, clis)
    talk = session(cli=first)
    await talk.ask("say one")

    talk.options = talk.options.with_(cli=second)

    result = await talk.ask("what came before?")
    assert result.text == "Before this came: say one"
    assert (await talk.ask("say three")).text == "three"
