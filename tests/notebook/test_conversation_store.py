"""Which conversation a notebook has, by what it is known by."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from claude_magic.notebook.conversation_store import ConversationStore, NotebookKey, StoredConversation

KERNEL = NotebookKey(kernel_id="now")
INODE = NotebookKey(kernel_id="earlier", path="/old", inode="7")
PATH = NotebookKey(kernel_id="earliest", path="/a")


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ((PATH, INODE, KERNEL), KERNEL),
        ((KERNEL, INODE, PATH), KERNEL),
        ((INODE, PATH), INODE),
        ((PATH,), PATH),
    ],
    ids=["of the kernel", "of the kernel, though older", "of the file, though older", "of the path"],
)
def test_the_running_kernels_conversation_comes_before_the_files_and_that_before_the_paths(
    tmp_path: Path, kept: tuple[NotebookKey, ...], expected: NotebookKey
) -> None:
    store = ConversationStore(tmp_path)
    conversations = {key: StoredConversation(str(uuid4()), 1) for key in kept}
    for key, conversation in conversations.items():
        store.keep(key, "claude", "main", conversation)

    found = store.find(NotebookKey(kernel_id="now", path="/a", inode="7"), "claude", "main")

    assert found == conversations[expected]


@pytest.mark.parametrize(
    "seen",
    [KERNEL, NotebookKey(kernel_id="next", inode="7"), NotebookKey(kernel_id="next", path="/a")],
    ids=["the kernel", "the file", "the path"],
)
def test_a_conversation_that_was_left_is_found_by_nothing_any_more(tmp_path: Path, seen: NotebookKey) -> None:
    store = ConversationStore(tmp_path)
    here = NotebookKey(kernel_id="now", path="/a", inode="7")
    left = str(uuid4())
    for key in (KERNEL, INODE, PATH):
        store.keep(key, "claude", "main", StoredConversation(left, 1))

    store.keep(here, "claude", "main", StoredConversation(str(uuid4()), 0, is_left=True))

    found = store.find(seen, "claude", "main")
    assert found is not None
    assert found.is_left
    assert store.notebooks_of(left) == []
    store.keep(here, "claude", "main", kept := StoredConversation(str(uuid4()), 2))
    assert store.find(here, "claude", "main") == kept
