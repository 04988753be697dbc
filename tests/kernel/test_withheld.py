"""Secrets in a cell's source are withheld; what only names where they come from stays."""

from __future__ import annotations

import pytest

from claude_magic.kernel.values.bounded import WITHHELD
from claude_magic.kernel.values.withheld import source_without_secrets


@pytest.mark.parametrize(
    ("source", "sent"),
    [
        ('api_key = "SESAME"\nx = "fine"', 'api_key = #\nx = "fine"'),
        ('self.secret: str = f"a{x}SESAME"', "self.secret: str = #"),
        ('password: str = """SES\nAME""" + "b"; y = "z"', 'password: str = # + #; y = "z"'),
        ('api_key = (\n    "SES"\n    "AME"\n)\nx = "fine"', 'api_key = (\n    #\n    #\n)\nx = "fine"'),
        ("PASSWORD=123456", "PASSWORD=#"),
        ('token += "SESAME"', "token += #"),
        ('if (token := "SESAME"): pass', "if (token := #): pass"),
        ('Client(api_key="SESAME", n=3)', "Client(api_key=#, n=3)"),
        ('def f(token: str = "SESAME", a="y"): ...', 'def f(token: str = #, a="y"): ...'),
        ('d = {"password": "SESAME", "a": "b"}', 'd = {"password": #, "a": "b"}'),
        ('os.environ["API_KEY"] = "SESAME"', 'os.environ["API_KEY"] = #'),
        ('os.environ.setdefault("API_TOKEN", "SESAME")', 'os.environ.setdefault("API_TOKEN", #)'),
        ('secrets = ["SESAME", "b"]', "secrets = [#, #]"),
        ("%env API_KEY=SESAME\nx = 1", "%env API_KEY=#\nx = 1"),
        ("%env API_KEY SESAME", "%env API_KEY #"),
        ("!export MY_TOKEN=SESAME && ls", "!export MY_TOKEN=# && ls"),
        ("x = !curl --api-key SESAME host", "x = !curl --api-key # host"),
        ('%%bash\nexport TOKEN="SESAME"\necho "x"', '%%bash\nexport TOKEN=#\necho "x"'),
        ('%%time\napi_key = "SESAME"', "%%time\napi_key = #"),
        ('api_key = "SESAME\n%not python', "api_key = #\n%not python"),
        ('api_key = """SES\nAME', "api_key = #"),
        ('what? \napi_key="SESAME"', "what? \napi_key=#"),
        ("x = 'sk-ant-0123456789abcdefghij'", "x = '#'"),
        ("é = 1; api_key = 'SESAME'; ü = 'fine'", "é = 1; api_key = #; ü = 'fine'"),
    ],
)
def test_a_literal_that_goes_to_a_secret_name_is_withheld(source: str, sent: str) -> None:
    assert source_without_secrets(source) == sent.replace("#", WITHHELD)


@pytest.mark.parametrize(
    "source",
    [
        'token = os.environ["TOKEN"]',
        'token = os.getenv("TOKEN")',
        'token = getpass("Your token: ")',
        'if token == "abc": pass',
        "token_count = 5",
        "monkey = 'x'",
        'x: int\ntoken: str\ny = "q"',
        'def f(token: str, b="x"): ...',
        "token",
        "",
        "d['token']",
    ],
)
def test_what_holds_no_secret_stays_as_it_is(source: str) -> None:
    assert source_without_secrets(source) == source
