"""The files that take longest are begun first, or one of them would run alone in the end.

pytest-xdist hands out files in the order of their numbers of tests, which says nothing about time.
"""

from __future__ import annotations

import pytest

# Those that take more than half a minute, the longest first; all others follow in random order.
LONGEST = (
    "test_live_turn",
    "test_two_pages",
    "test_typesetting",
    "test_soak",
    "test_notices",
    "test_claude_process",
    "test_looks",
    "test_recovery",
    "test_reload",
    "test_options_of_a_turn",
    "test_state_that_works",
    "test_gateway",
    "test_directions",
    "test_classic",
    "test_plain_front_ends",
    "test_places",
    "test_lifecycle",
    "test_hostile_content",
    "test_orphans",
    "test_saved",
    "test_stop_and_resume",
    "test_task_manager",
    "test_recovery_cells",
    "test_task_cells",
    "test_idle_cells",
    "test_resume_cells",
    "test_idle",
    "test_budget",
    "test_interrupt",
    "test_cell_permissions",
    "test_unfriendly_pages",
    "test_interrupt_cells",
    "test_session_options",
    "test_random_walk",
    "test_turns",
    "test_asking_cells",
    "test_terminal_magics",
    "test_background_cells",
    "test_loading",
    "test_kernel_walk",
    "test_offline_cli",
    "test_bench_bounds",
    "test_process",
    "test_foreground",
)
_PLACES = {name: place for place, name in enumerate(LONGEST)}


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_place)  # stable: the seed orders the rest


def _place(item: pytest.Item) -> tuple[bool, int]:
    """Browsers come last: the servers that their files share stay, and other tests count what is left."""
    return item.path.parent.name == "browser", _PLACES.get(item.path.stem, len(LONGEST))
