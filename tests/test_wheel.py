"""The wheel, installed where nothing of the clone is: what it carries, and that it runs."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from places import ROOT

import claude_magic


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the built wheel; what it depends on comes from the tests' own."""
    built, environment = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", built, cwd=ROOT)
    run(sys.executable, "-m", "venv", "--without-pip", environment)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", environment)
    run(*pip, "install", "--quiet", "--no-deps", *built.glob("*.whl"))
    (site,) = environment.glob("lib/python*/site-packages")
    # A line of a .pth file: the clone's own, which stands there, is not read, so the clone stays unseen.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    (environment / "share").symlink_to(Path(sysconfig.get_path("data")) / "share")  # nbconvert's templates
    return environment


def run(*command: str | Path, cwd: Path | None = None, timeout: float = 60) -> str:
    done = subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True, timeout=timeout)
    return done.stdout


def files_of(folder: Path) -> set[str]:
    """The paths in a folder, but for what Python makes of them."""
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {path for path in files if "__pycache__" not in path}


def test_the_wheel_holds_every_file_of_the_package_and_the_notebooks(environment: Path) -> None:
    (installed,) = environment.glob("lib/python*/site-packages/claude_magic")

    notebooks = {str(path.relative_to(ROOT)) for path in ROOT.glob("notebooks/*.ipynb")}
    assert files_of(installed) == files_of(ROOT / "claude_magic") | notebooks


def test_the_version_stands_in_one_place_and_the_installed_package_tells_it(environment: Path) -> None:
    ask = "import json, claude_magic as c; print(json.dumps([c.__version__, c.__file__]))"
    version, file = json.loads(run(environment / "bin" / "python", "-I", "-c", ask))
    (information,) = environment.glob("lib/python*/site-packages/claude_magic-*.dist-info")

    assert Path(file).is_relative_to(environment)
    assert information.name == f"claude_magic-{version}.dist-info"
    assert version == claude_magic.__version__
    assert f'"{version}"' not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.kernel
@pytest.mark.process
def test_the_wheel_carries_the_quickstart_and_runs_it_anywhere_with_nobody_there(
    environment: Path, tmp_path: Path
) -> None:
    told = run(environment / "bin" / "claude-magic", "demo", "--output=.", cwd=tmp_path, timeout=110)
    (site,) = environment.glob("lib/python*/site-packages")
    assert told.startswith(f"{site}/claude_magic/notebooks/01-quickstart.ipynb, on ")
    first = "What is a generator in Python? Two sentences and a small example."
    assert f'You asked just before: "{first}"' in told
    assert "15 primes: [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47]" in told
    assert "A notebook's kernel runs such a loop." in told.partition("computed while Claude was writing")[2]
    assert "One, two, three, four, five," in told
    assert f"The first thing you asked me was:\n\n> {first}" in told
    page = (tmp_path / "01-quickstart.html").read_text(encoding="utf-8")
    assert "The first thing you asked me was" in page
