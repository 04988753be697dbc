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
    assert always.response(request())["updatedPermissions"] == [SUGGESTION]
    assert request(suppress_always_allow_rule=True).always_means == ""
    assert "updatedPermissions" not in always.response(request(suppress_always_allow_rule=True))


def test_a_request_is_read_as_the_cli_sends_it() -> None:
    asked = {
        "tool_use_id": "call",
        "tool_name": "Bash",
        "input": {"command": "ls"},
        "description": "Lists files",
        "blocked_path": "/etc",
        "permission_suggestions": [SUGGESTION],
        "decision_reason": "by a rule",
        "decision_reason_type": "rule",
        "suppress_always_allow_rule": True,
        "default_to_no": True,
        "requires_user_interaction": True,
        "agent_id": "a1",
    }

    assert PermissionRequest.from_wire("r", asked, ("Edit",)) == PermissionRequest(
        id="r",
        tool_use_id="call",
        tool_name="Bash",
        input={"command": "ls"},
        description="Lists files",
        blocked_path="/etc",
        suggestions=[SUGGESTION],
        reason="by a rule",
        reason_type="rule",
        no_always=True,
        default_to_no=True,
        needs_person=True,
        agent_id="a1",
        allowed=("Edit",),
    )


def test_what_a_request_lacks_or_has_in_another_form_counts_as_absent() -> None:
    nothing = PermissionRequest(id="r", tool_use_id="", tool_name="", input={})

    assert PermissionRequest.from_wire("r", {}) == nothing
    assert PermissionRequest.from_wire("r", {"input": "ls", "permission_suggestions": "Edit"}) == nothing


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


HOOK = "A hook wants somebody to be asked, which --allow does not change: change the hook, or "
RULE = (
    "A rule of the settings (permissions.ask) has it asked each time, which --allow does not change: "
    "change the rule, or "
)
CLI = "The CLI always asks before this, which --allow does not change: "


@pytest.mark.fault(128, via="pure")
@pytest.mark.parametrize(
    ("more", "advice"),
    [
        ({"decision_reason_type": "hook"}, HOOK),
        ({"decision_reason_type": "rule"}, RULE),
        ({"decision_reason_type": "safetyCheck"}, CLI),
        ({"requires_user_interaction": True}, CLI),
        ({"allowed": ("Bash",)}, "Bash was allowed, but not this use of it: "),
        ({"tool": "ExitPlanMode"}, "To have the plan done, ask without plan mode, or "),
    ],
)
async def test_no_flag_is_advised_where_none_helps(more: dict[str, object], advice: str) -> None:
    decision = await deny_unattended(request(**more))  # type: ignore[arg-type]

    assert (decision.behavior, decision.by) == (Behavior.DENY, "nobody to ask")
    assert decision.message == (
        f"Nobody could be asked for permission here. {advice}run it where somebody can answer."
    )


@pytest.mark.fault(128, via="pure")
async def test_a_question_that_nobody_can_answer_is_claudes_to_decide() -> None:
    decision = await deny_unattended(request(tool="AskUserQuestion"))

    assert (decision.behavior, decision.by) == (Behavior.DENY, "nobody to ask")
    assert decision.message == (
        "Nobody can answer here. Go on with the most sensible choice and say which it was."
    )


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
        (
            {"type": "addRules", "rules": ["Edit"], "destination": "projectSettings"},
            "Edit for this project",
        ),
        ({"type": "addRules", "rules": "Bash", "destination": "projectSettings"}, ""),
        ({"type": "addRules", "rules": [{}]}, ""),
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
