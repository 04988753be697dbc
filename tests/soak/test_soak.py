"""Random faults in three notebooks at once: no prompt is lost or doubled, nothing is left, all go on.

CLAUDE_MAGIC_BENCH=1 (`make soak`) has 200 of them; otherwise a short form runs. CLAUDE_MAGIC_SOAK sets their
number, CLAUDE_MAGIC_SOAK_SEED repeats a plan.
"""

from __future__ import annotations

import os
import random
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from half_line import write_half_line
from plan import GENERATIONS, Fault, Kind, Moment, plan
from soaking import WITHOUT_GUARD, WITHOUT_RECOVERY, soak, table

pytestmark = [pytest.mark.kernel, pytest.mark.bench]

FULL = os.environ.get("CLAUDE_MAGIC_BENCH", "0") not in {"", "0"}
COUNT = int(os.environ.get("CLAUDE_MAGIC_SOAK") or (200 if FULL else 2 * len(Kind)))
# In the short form the same plan each time, with the current CLI: the older one at times goes back to an
# earlier point of the conversation by itself, which only the full form is to find.
SESSIONS = GENERATIONS if FULL else GENERATIONS[:1]
# Looked up here: no test sees the variables of its tester.
SEED = os.environ.get("CLAUDE_MAGIC_SOAK_SEED") or ("" if FULL else "2026")


@pytest.fixture
def seed() -> int:
    seed = int(SEED or random.SystemRandom().randrange(10**6))
    print(f"CLAUDE_MAGIC_SOAK_SEED={seed}")
    return seed


def test_a_plan_has_as_many_of_each_kind_and_half_of_them_in_mid_turn() -> None:
    faults = plan(1, 200)
    assert [(str(fault), fault.chance.random()) for fault in faults] == [
        (str(fault), fault.chance.random()) for fault in plan(1, 200)
    ]
    assert set(Counter(fault.kind for fault in faults).values()) == {25}
    assert sum(fault.moment.is_mid_turn for fault in faults) >= 100
    assert min(Counter((fault.kind, fault.session) for fault in faults).values()) >= 10


def test_a_cli_that_ends_in_the_middle_of_a_line_does_so_once(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_text("#!/bin/sh\necho one; echo two words; echo three")
    real.chmod(0o700)
    broken = tmp_path / "broken"
    cut = write_half_line(broken, real)

    def said() -> tuple[int, str]:
        run = subprocess.run([broken], capture_output=True, text=True, check=False)
        return run.returncode, run.stdout

    cut.write_text("words")
    assert said() == (1, "one\ntwo w")
    assert said() == (0, "one\ntwo words\nthree\n")


@pytest.mark.fault(52, via="real")
@pytest.mark.fault(61, via="real")
@pytest.mark.fault(93, via="real")
@pytest.mark.fault(96, via="real")
@pytest.mark.timeout(300 + 15 * COUNT)
def test_whatever_goes_wrong_no_prompt_is_lost_or_doubled_and_nothing_is_left(
    tmp_path: Path, seed: int, figure: Callable[[str], None]
) -> None:
    struck = soak(tmp_path, plan(seed, COUNT, sessions=SESSIONS))
    log = map(str, struck) if FULL else ()
    figure("\n".join([f"CLAUDE_MAGIC_SOAK_SEED={seed}", *log, table(struck)]))
    assert len(struck) == COUNT
    assert sum(one.fault.moment.is_mid_turn for one in struck) >= COUNT / 2


def faults_of(kind: Kind, seed: int) -> list[Fault]:
    """Those of the same plan; in the short form only the first that hits the older CLI in a tool."""
    faults = [fault for fault in plan(seed, 200) if fault.kind is kind]
    in_a_tool = [one for one in faults if (one.session, one.moment) == ("older", Moment.TOOL)]
    return faults if FULL else in_a_tool[:1]


@pytest.mark.fault(58, via="real")
@pytest.mark.timeout(300)
def test_without_the_guard_the_same_soak_fails(tmp_path: Path, seed: int) -> None:
    """One notebook alone: the kernels of others would end what a dead one has left."""
    faults, bound = faults_of(Kind.KERNEL_KILLED, seed), 10.0 if FULL else 3.0
    with pytest.raises(TimeoutError, match="not left"):
        soak(tmp_path, faults, names=["one"], without=WITHOUT_GUARD, bound=bound)


@pytest.mark.fault(96, via="real")
@pytest.mark.timeout(300)
def test_without_the_recovery_the_same_soak_fails(tmp_path: Path, seed: int) -> None:
    with pytest.raises(AssertionError, match=r"says 'failed'|· failed"):
        soak(tmp_path, faults_of(Kind.CLI_KILLED, seed), names=["one"], without=WITHOUT_RECOVERY)
