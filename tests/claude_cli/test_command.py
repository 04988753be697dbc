"""Argument list, environment, and what is shown of them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from claude_magic.claude_cli.command import (
    CHECKPOINTS,
    NESTING_VARIABLES,
    assumed_version,
    build_argv,
    build_env,
    check_server_names,
)
from claude_magic.errors import UsageError
from claude_magic.options import Options
from claude_magic.support.redact import redact
from claude_magic.tool_server import ToolServer

CLI = Path("/opt/claude")
ID = "01234567-89ab-4cde-8f01-23456789abcd"
OLD, NEW = (2, 1, 191), (2, 1, 327)


def argv(
    options: Options | None = None, *, resume: bool = False, version: tuple[int, ...] = NEW
) -> list[str]:
    return built(options, resume=resume, version=version)[0]


def built(
    options: Options | None = None, *, resume: bool = False, version: tuple[int, ...] = NEW
) -> tuple[list[str], list[str]]:
    """An argument list, and the texts that are in files of their own: /private/0, /private/1 …"""
    kept: list[str] = []

    def keep(text: str) -> str:
        kept.append(text)
        return f"/private/{len(kept) - 1}"

    line = build_argv(CLI, options or Options(), session_id=ID, resume=resume, version=version, keep=keep)
    return line, kept


def test_a_plain_session_streams_json_both_ways_and_asks_us_for_permission() -> None:
    assert argv(version=OLD) == [
        "/opt/claude",
        "--output-format=stream-json",
        "--input-format=stream-json",
        "--verbose",
        "--include-partial-messages",
        "--replay-user-messages",
        "--permission-prompt-tool=stdio",
        "--include-hook-events",
        f"--session-id={ID}",
    ]


def test_a_conversation_that_exists_is_resumed() -> None:
    assert f"--resume={ID}" in argv(resume=True)
    assert not [part for part in argv(resume=True) if part.startswith("--session-id")]


def test_every_option_has_its_flag_and_every_rule_a_flag_of_its_own() -> None:
    options = Options(
        model="opus",
        permission_mode="bypassPermissions",
        allow=("Edit", "Bash(git *)", "Bash(touch a,b)"),
        deny=("Bash(rm *)", "WebFetch"),
        add_dirs=("/data", "../more"),
        system="A persona.",
        note="Where you are.",
        mcp_config=("servers.json", '{"mcpServers":{}}'),
        effort="high",
        setting_sources="user,project",
        check_paths=False,
    )
    line, kept = built(options, version=OLD)
    assert kept == ["Where you are.\n\nA persona.", '{"mcpServers":{}}']
    assert line[9:] == [
        "--model=opus",
        "--permission-mode=bypassPermissions",
        "--allowedTools=Edit",
        "--allowedTools=Bash(git *)",
        "--allowedTools=Bash(touch a,b)",
        "--disallowedTools=Bash(rm *)",
        "--disallowedTools=WebFetch",
        "--add-dir=/data",
        f"--add-dir={Path.cwd()}/../more",
        "--append-system-prompt-file=/private/0",
        f"--mcp-config={Path.cwd()}/servers.json",
        "--mcp-config=/private/1",
        "--effort=high",
        "--setting-sources=user,project",
    ]


def test_a_server_that_is_called_like_one_of_ours_is_refused(tmp_path: Path) -> None:
    theirs = '{"mcpServers": {"mail": {}, "kernel": {"env": {"KEY": "hunter22"}}}}'
    (tmp_path / "servers.json").write_text(theirs)
    for config in (theirs, str(tmp_path / "servers.json")):
        options = Options(mcp_config=(config,), servers=(ToolServer("kernel"),))
        with pytest.raises(UsageError, match=r"--mcp-config has a server 'kernel', and so has") as refusal:
            check_server_names(options)
        assert "hunter22" not in str(refusal.value)
        check_server_names(options.with_(servers=(ToolServer("notebook"),)))


@pytest.mark.fault(86, via="pure")
def test_nothing_is_bypassed_and_no_mode_is_named_unless_asked() -> None:
    assert not [part for part in argv() if "permission-mode" in part or "dangerous" in part]
    assert "--permission-mode=default" in argv(Options(permission_mode="default"))


@pytest.mark.parametrize(
    ("note", "system", "flags", "text"),
    [
        (None, None, [], []),
        ("", "", [], []),
        ("note", None, ["--append-system-prompt=note"], []),
        (None, "persona", ["--append-system-prompt-file=/private/0"], ["persona"]),
        ("note", "persona", ["--append-system-prompt-file=/private/0"], ["note\n\npersona"]),
    ],
)
def test_note_and_persona_are_joined_by_a_blank_line_and_a_persona_is_in_a_file(
    note: str | None, system: str | None, flags: list[str], text: list[str]
) -> None:
    line, kept = built(Options(note=note, system=system))
    assert ([part for part in line if "--append" in part], kept) == (flags, text)


@pytest.mark.fault(93, via="pure")
@pytest.mark.parametrize(
    ("version", "known"), [(OLD, False), (NEW, True), ((2, 2, 0), True), ((2, 1, 326), False)]
)
def test_a_clis_own_snapshot_of_the_prompt_is_turned_off_where_it_knows_the_flag(
    version: tuple[int, ...], *, known: bool
) -> None:
    line, _ = built(resume=True, version=version)
    assert ("--system-prompt-snapshot=off" in line) is known


@pytest.mark.fault(121, via="pure")
def test_a_cli_that_does_not_tell_its_version_is_taken_for_the_newest_until_it_refuses_a_flag() -> None:
    assert assumed_version() == NEW
    assert assumed_version("error: unknown option '--system-prompt-snapshot=off'") == OLD
    assert assumed_version("error: unknown option '--include-hook-events'") == (2, 1, 0)
    assert assumed_version("exit code 1: something else") is None


@pytest.mark.fault(11, via="pure")
@pytest.mark.fault(91, via="pure")
@pytest.mark.parametrize("value", ["--help", "-p", "two words", "a\nb", "'\"", "$(id)", "é東🎈", ""])
def test_no_value_is_ever_read_as_a_flag(value: str) -> None:
    options = Options(
        model=value,
        allow=(value,),
        deny=(value,),
        add_dirs=(value,),
        system=value,
        mcp_config=(value,),
        setting_sources=value,
        check_paths=False,
    )
    line, kept = built(options)
    user_given = line[9:-1]
    assert value not in user_given
    assert {part.partition("=")[2] for part in user_given} - {"/private/0"} <= {
        value,
        str(Path.cwd() / value),
    }
    assert kept == [value] * bool(value)
    assert all(part.startswith("--") for part in user_given)


@pytest.mark.fault(11, via="pure")
@pytest.mark.parametrize("bad", ["a\0b", "a\ud800b"])
@pytest.mark.parametrize("field", ["allow", "deny", "add_dirs", "mcp_config"])
def test_a_value_that_no_argument_can_hold_is_refused_by_its_flag(field: str, bad: str) -> None:
    with pytest.raises(UsageError, match=r"^--[a-zA-Z-]+ holds a"):
        argv(Options().with_(check_paths=False, **{field: (bad,)}))


@pytest.mark.fault(11, via="pure")
@pytest.mark.parametrize("field", ["model", "system", "note", "setting_sources"])
def test_a_text_with_a_nul_is_refused_as_it_is_given(field: str) -> None:
    with pytest.raises(UsageError, match=f"^{field} holds a NUL"):
        Options().with_(**{field: "a\0b"})


@pytest.mark.fault(91, via="pure")
@pytest.mark.parametrize("session_id", ["--help", "", "../../etc/passwd", "x" * 36])
def test_an_id_that_is_no_uuid_is_refused(session_id: str) -> None:
    with pytest.raises(UsageError, match="conversation id"):
        build_argv(CLI, Options(), session_id=session_id, resume=True, version=NEW, keep=str)


def test_what_claude_writes_can_be_taken_back_unless_somebody_does_not_want_it() -> None:
    assert build_env(Options(), {})[CHECKPOINTS] == "1"
    assert build_env(Options(), {CHECKPOINTS: ""})[CHECKPOINTS] == ""


@pytest.mark.fault(10, via="pure")
def test_a_claude_session_around_the_kernel_leaves_no_trace_in_the_environment() -> None:
    base = dict.fromkeys(NESTING_VARIABLES, "1") | {"HOME": "/home/ada", "CLAUDE_CONFIG_DIR": "/c"}
    assert {"CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SSE_PORT"} <= NESTING_VARIABLES
    ours = build_env(Options(), {})
    assert set(build_env(Options(), base)) == {"HOME", "CLAUDE_CONFIG_DIR", *ours}
    assert "CLAUDECODE" in base


def test_the_options_environment_comes_on_top_and_the_base_stays_as_it_is() -> None:
    base = {"A": "kernel", "B": "kernel"}
    env = build_env(Options(env={"A": "option", "CLAUDE_CODE_ENTRYPOINT": "asked for"}), base)
    assert (env["A"], env["B"], env["CLAUDE_CODE_ENTRYPOINT"]) == ("option", "kernel", "asked for")
    assert base == {"A": "kernel", "B": "kernel"}


@pytest.mark.parametrize(
    "path", ["/usr/bin{s}/bin", "{own}{s}/usr/bin", "/usr/bin{s}{own}", "{s}/usr/bin{s}", ""]
)
def test_the_kernels_own_python_comes_first_on_path_once(path: str) -> None:
    own = str(Path(sys.executable).parent)
    entries = build_env(Options(), {"PATH": path.format(s=os.pathsep, own=own)})["PATH"].split(os.pathsep)
    assert entries[0] == own
    assert own not in entries[1:]
    assert "" not in entries
    assert ("/usr/bin" in entries) is ("/usr/bin" in path)


@pytest.mark.fault(11, via="pure")
@pytest.mark.parametrize(("name", "value"), [("A", "a\0b"), ("A\0", "b"), ("A=B", "c"), ("", "c")])
def test_a_variable_that_cannot_be_is_refused_without_showing_its_value(name: str, value: str) -> None:
    with pytest.raises(UsageError, match="environment variable") as caught:
        build_env(Options(env={name: value}), {})
    assert "a\\x00b" not in str(caught.value)


KEY = "sk-ant-api03-AbC_123-xyz"


@pytest.mark.fault(33, via="pure")
@pytest.mark.fault(92, via="pure")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("token is hunter2-hunter2.", "token is [redacted]."),
        ("hunter2 alone stays", "hunter2 alone stays"),
        (f"x-api-key: {KEY}, sent", "x-api-key: [redacted], sent"),
        ("Authorization: Bearer abc.def-1", "Authorization: Bearer [redacted]"),
        ('"authorization":"bearer abc"', '"authorization":"bearer [redacted]"'),
        ("line one of the key", "[redacted] of the key"),
        ("at /home/ada/notes.ipynb", "at ~/notes.ipynb"),
        ("in /home/ada", "in ~"),
        ("in /home/ada: no", "in ~: no"),
        ("in /home/adam/x", "in /home/adam/x"),
        ("by Ada Lovelace with abc", "by Ada Lovelace with abc"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_secrets_and_the_home_folder_are_not_shown(text: str, shown: str) -> None:
    env = {
        "HOME": "/home/ada",
        "MY_TOKEN": "hunter2-hunter2",
        "Db_Password": "hunter2-",
        "SIGNING_KEY": "line one\nline two",
        "SHORT_KEY": "abc",
        "GIT_AUTHOR_NAME": "Ada Lovelace",
        "EDITOR": "plain",
    }
    assert redact(text, env) == shown


@pytest.mark.fault(33, via="pure")
def test_a_secret_that_is_part_of_the_home_folders_name_leaves_the_folder_readable() -> None:
    env = {"HOME": "/tmp/offline/home", "API_KEY": "offline", "MY_TOKEN": "/tmp/offline/home/x-secret"}
    text = "offline in /tmp/offline/home/notes, not /tmp/offline/home/x-secret"
    assert redact(text, env) == "[redacted] in ~/notes, not [redacted]"


@pytest.mark.fault(33, via="pure")
@pytest.mark.parametrize("home", ["", "/"])
def test_without_a_home_folder_paths_stay(home: str) -> None:
    assert redact("/etc/hosts", {"HOME": home}) == "/etc/hosts"
