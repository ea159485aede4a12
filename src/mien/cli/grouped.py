"""The help's list of commands, in groups."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class GroupedCommands(TyperGroup):
    """Commands listed under the groups (`rich_help_panel`) that they were registered with.

    typer groups only what Rich draws, and Rich would swallow the brackets of `mien[train]`.
    """

    def groups(self, context: Any) -> dict[str, list[str]]:
        """Return the names of the visible commands by group, in the order of their registration."""
        groups: dict[str, list[str]] = {}
        for name in self.list_commands(context):
            command = self.get_command(context, name)
            if command is not None and not command.hidden:
                group = getattr(command, "rich_help_panel", None)
                groups.setdefault(group or "Commands", []).append(name)
        return groups

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one section a group, their columns aligned."""
        groups = self.groups(ctx)
        width = max(len(name) for names in groups.values() for name in names)
        for group, names in groups.items():
            commands = [(name, self.get_command(ctx, name)) for name in names]
            with formatter.section(group):
                formatter.write_dl(
                    [
                        (name.ljust(width), command.get_short_help_str(formatter.width - 6 - width))
                        for name, command in commands
                        if command is not None
                    ]
                )
