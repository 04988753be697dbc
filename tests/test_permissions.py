"""What the CLI asks before it acts, as it is read, and what is answered."""

from __future__ import annotations

import pytest

from claude_magic.permissions import Behavior, Decision, PermissionRequest, deny_unattended

SUGGESTION = {"type": "setMode", "mode": "acceptEdits", "destination": "session"}


def request(*, allowed: tuple[str, ...] = (), tool: str = "Bash", **more: object) -> PermissionRequest:
    asked = {"tool_name": tool, "input": {}, "permission_suggestions": [SUGGESTION], **more}
    return PermissionRequest.from_wire("r", asked, allowed)


@pytest.mark.fault(114, via="pure")
def test_always_is_nothing_where_the_cli_wants_it_not_offered() -> None:
    always = Decision(behavior=Behavior.ALWAYS)

    assert request().always_means == "permission mode acceptEdits for this session"
    assert "updatedPermissions" in always.response(request())
    assert request(suppress_always_allow_rule=True).always_means == ""
    assert "updatedPermissions" not in always.response(request(suppress_always_allow_rule=True))


@pytest.mark.fault(114, via="pure")
@pytest.mark.parametrize("value", [None, "", 0, [], {}, "true"])
def test_what_is_no_switch_switches_nothing(value: object) -> None:
    read = request(
        suppress_always_allow_rule=value,
        default_to_no=value,
        requires_user_interaction=value,
        decision_reason=value,
        agent_id=value,
    )

    assert (read.no_always, read.default_to_no, read.needs_person) == (False, False, False)
    assert isinstance(read.reason + read.agent_id, str)


@pytest.mark.fault(128, via="pure")
@pytest.mark.parametrize(
    ("tool", "allowed", "helps"),
    [
        ("Bash", (), True),
        ("Bash", ("Edit", "Bash(git *)"), True),
        ("Bash", ("Edit", "Bash"), False),
        ("mcp__db__query", ("mcp__db",), False),
        ("mcp__db__query", ("mcp__d",), True),
    ],
)
async def test_a_flag_that_was_given_is_not_advised(tool: str, allowed: tuple[str, ...], helps: bool) -> None:  # noqa: FBT001
    decision = await deny_unattended(request(tool=tool, allowed=allowed))

    assert (f"Allow it with: --allow {tool}" in decision.message) is helps


@pytest.mark.fault(128, via="pure")
@pytest.mark.parametrize(
    "more",
    [
        {"decision_reason_type": "hook"},
        {"decision_reason_type": "rule"},
        {"decision_reason_type": "safetyCheck"},
        {"requires_user_interaction": True},
        {"tool": "ExitPlanMode"},
        {"tool": "AskUserQuestion"},
    ],
)
async def test_no_flag_is_advised_where_none_helps(more: dict[str, object]) -> None:
    decision = await deny_unattended(request(**more))  # type: ignore[arg-type]

    assert decision.behavior is Behavior.DENY
    assert "Allow it with" not in decision.message


@pytest.mark.parametrize(
    ("suggestion", "means"),
    [
        (
            {"type": "setMode", "mode": "plan", "destination": "userSettings"},
            "permission mode plan for all projects",
        ),
        (
            {"type": "addDirectories", "directories": ["/a", "/b"], "destination": "localSettings"},
            "work in /a, /b for this project",
        ),
        (
            {
                "type": "addRules",
                "rules": [{"toolName": "Bash", "ruleContent": "git *"}, {"toolName": "Edit"}],
            },
            "Bash(git *), Edit for this session",
        ),
        ({"type": "addRules", "rules": "Bash", "destination": "projectSettings"}, ""),
        ({"type": "addDirectories", "directories": []}, ""),
        ({"type": "else"}, ""),
    ],
)
def test_what_always_means_is_said_in_words(suggestion: dict[str, object], means: str) -> None:
    assert request(permission_suggestions=[suggestion]).always_means == means


def test_a_call_is_allowed_as_it_was_asked_for_with_a_persons_answers() -> None:
    asked = request(tool="AskUserQuestion", input={"questions": []})

    assert Decision(behavior=Behavior.ALLOW).response(asked) == {
        "behavior": "allow",
        "updatedInput": {"questions": []},
    }
    assert Decision(behavior=Behavior.ALLOW, answers={"Which?": "This"}).response(asked) == {
        "behavior": "allow",
        "updatedInput": {"questions": [], "answers": {"Which?": "This"}},
    }


def test_claude_is_told_why_a_call_was_denied_and_that_it_was_where_nobody_says_why() -> None:
    assert Decision(behavior=Behavior.DENY, message="Not today.", interrupt=True).response(request()) == {
        "behavior": "deny",
        "message": "Not today.",
        "interrupt": True,
    }
    assert (
        Decision(behavior=Behavior.DENY).response(request())["message"] == "The user denied this tool call."
    )
