"""What a person is asked in a turn: the requests, the calls they are about, and what came of them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from claude_magic.transcript.blocks import PermissionBlock, ToolBlock, ToolState

if TYPE_CHECKING:
    from claude_magic.permissions import Decision, PermissionRequest
    from claude_magic.transcript.builder import Builder

__all__ = ["Requests"]


class Requests:
    """The requests of one turn.

    Args:
        builder: Makes their blocks, and has those of the calls.
    """

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self.all: list[PermissionBlock] = []

    @property
    def pending(self) -> tuple[PermissionBlock, ...]:
        """What a person is being asked just now."""
        return tuple(block for block in self.all if block.pending)

    def show(self, request: PermissionRequest) -> PermissionBlock:
        """Shows a request with what the call that it is about has told; the call waits.

        Leave for a call is asked at the call itself; a question, a plan and what is about no known call has a
        block of its own.
        """
        tool = self._builder.tools.get(request.tool_use_id)
        if tool is not None and not request.input:  # a plan is in the call only
            request = replace(request, input=tool.input)
        if request.agent_id:
            request = replace(request, agent=self._agent_of(tool) or request.agent)
        block = PermissionBlock(request=request)
        self.all.append(block)
        if tool is None or block.kind != "permission":
            self._builder.add(self._builder.main, block, ours=True)
        else:
            tool.asked, block.number = block, tool.number
        if tool is not None:
            tool.preview = request.preview
            self._builder.touch(tool)
        if tool is not None and tool.state is ToolState.RUNNING:
            self._builder.step(tool, ToolState.WAITING)
        return block

    def decide(self, block: PermissionBlock, decision: Decision) -> None:
        """Shows the answer to a request; the call goes on, or is over."""
        block.decision = decision
        tool = self._builder.tools.get(block.request.tool_use_id)
        if tool is not None and block.denied:
            self._builder.end_tool(tool, ToolState.DENIED)
        elif tool is not None and tool.state is ToolState.WAITING:
            self._builder.step(tool, ToolState.RUNNING)
        self._touch(block)

    def withdraw(self) -> None:
        """Nobody waits for the answers that are open."""
        for block in self.pending:
            block.withdrawn = True
            self._touch(block)

    def _touch(self, block: PermissionBlock) -> None:
        if (tool := self._builder.tools.get(block.request.tool_use_id)) is not None:
            self._builder.touch(tool)
        self._builder.touch(block)

    def _agent_of(self, call: ToolBlock | None) -> str:
        """The subagent that made a call, as its own card has it; "" if that is not in this turn."""
        for tool in self._builder.tools.values():
            if call is not None and any(child is call for child in tool.children):
                facts = (tool.input.get("subagent_type"), tool.input.get("description"))
                return ": ".join(text for text in facts if isinstance(text, str) and text)
        return ""
