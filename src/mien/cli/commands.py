"""The table of commands, and the groups that load a command's module when it is used, and not before.

So `mien --help` and completion are quick. A command's module imports at its top what it needs, but neither
pandas, SciPy's statistics, Matplotlib and what an extra brings, nor what of ours loads them: that is imported
where it is used, as the command's own help would wait for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

READ, VIDEOS, LIVE, RECORD, TRAIN, CARE = "Read", "Videos", "Live", "Record", "Train", "Care"
"""The groups of commands, in the order in which the help and the documentation show them."""


class Entry(NamedTuple):
    """One command.

    Attributes:
        group: in the help.
        module: its file in `mien.cli`.
        attribute: the function there, or the `typer.Typer` of a command that has commands of its own.
        help: the first paragraph of its help, to be shown without loading it; a test compares the two.
    """

    group: str
    module: str
    attribute: str
    help: str


COMMANDS: Final = {
    "analyze": Entry(READ, "analyze", "analyze", "Read photographs, folders and videos into a table."),
    "convert": Entry(
        READ,
        "convert",
        "convert",
        "Convert results for other programs: Excel, SPSS, Stata, R, ELAN, EDF, XDF, BIDS.",
    ),
    "explain": Entry(READ, "explain", "explain", "Show which regions of each face its label depended on."),
    "corpus": Entry(
        READ,
        "corpus",
        "app",
        "Read a corpus: thousands of inputs, by many workers or a cluster, each exactly once.",
    ),
    "crowd": Entry(
        READ,
        "crowd",
        "crowd",
        "Count a crowd's mood: its mix of expressions, valence and tension, in groups of at least ten faces.",
    ),
    "agree": Entry(
        READ,
        "agree",
        "agree",
        "Measure how two sets of readings agree: Mien's, another tool's, or a person's labels.",
    ),
    "signals": Entry(
        READ,
        "signals",
        "signals",
        "Show what a file of body signals holds and says: pulse, skin, breath, muscles, brain waves.",
    ),
    "demo": Entry(READ, "demo", "demo", "Show everything on a built-in portrait and an invented record."),
    "happy": Entry(
        VIDEOS, "happy", "happy", "Tell whether the main face of a video shows happiness, and when."
    ),
    "summarize": Entry(
        VIDEOS,
        "summarize",
        "summarize",
        "Choose a video's moments by what the main face expresses, and write them as a film of their own.",
    ),
    "cohort": Entry(
        VIDEOS,
        "cohort",
        "cohort",
        "Measure how well recordings tell two groups of people apart, and what could fool you.",
    ),
    "study": Entry(
        VIDEOS,
        "study",
        "app",
        "Experiments: epochs around stimuli, and conditions and groups of people compared.",
    ),
    "infant": Entry(
        VIDEOS,
        "infant",
        "infant",
        "Read a film of an infant: face in view, eyes, mouth, smile, movement; states with your own network.",
    ),
    "micro": Entry(
        VIDEOS,
        "micro",
        "micro",
        "Find micro-expressions: movements of brows or mouth that are over within half a second.",
    ),
    "sentiment": Entry(
        VIDEOS,
        "sentiment",
        "sentiment",
        "Read the sentiment of whole videos: negative, neutral or positive, and which moments counted.",
    ),
    "live": Entry(LIVE, "live", "live", "Read expressions live, from cameras, streams and files."),
    "venue": Entry(
        LIVE,
        "venue",
        "app",
        "Stations that count a venue's visitors, in groups of at least ten, and know nobody.",
    ),
    "usual": Entry(
        RECORD, "usual", "usual", "Show what is usual for a person, or choose the days that count as usual."
    ),
    "changes": Entry(
        RECORD, "usual", "changes", "Show what has changed compared with what is usual for a person."
    ),
    "congruence": Entry(
        RECORD, "usual", "congruence", "Show whether expression matched prompts and self-reports."
    ),
    "report": Entry(RECORD, "report", "report", "Write a subject's report, as a PDF or an HTML page."),
    "import-series": Entry(
        RECORD,
        "import_series",
        "import_series",
        "Watch any daily series with the charts used for faces: sleep, steps, answers in a diary.",
    ),
    "subject": Entry(RECORD, "subject", "app", "The people whose records are kept, each under a code."),
    "consent": Entry(
        RECORD,
        "consent",
        "app",
        "What subjects have agreed to. Subjects can be recorded only while their consent is valid.",
    ),
    "recording": Entry(RECORD, "subject", "recordings", "A subject's recordings."),
    "note": Entry(RECORD, "note", "app", "Notes in the record: events, medication, prompts."),
    "self-report": Entry(
        RECORD, "self_report", "app", "What subjects say about themselves: mood and questionnaires."
    ),
    "train": Entry(TRAIN, "train", "train", "Train a network on labelled faces."),
    "evaluate": Entry(TRAIN, "evaluate", "evaluate", "Measure a network on labelled faces, with intervals."),
    "compare": Entry(
        TRAIN,
        "compare",
        "compare",
        "Train published networks and ours, and measure them all in the same way.",
    ),
    "dataset": Entry(TRAIN, "dataset", "app", "Build data sets of faces and check them for problems."),
    "models": Entry(TRAIN, "models", "app", "List, fetch and describe models."),
    "doctor": Entry(CARE, "doctor", "doctor", "Check what is installed, what is missing and how to get it."),
    "bench": Entry(CARE, "bench", "bench", "Measure the speed of each stage on this machine."),
    "export": Entry(CARE, "exchange", "export", "Export everything stored about a subject, in one zip."),
    "import": Entry(
        CARE,
        "exchange",
        "import_",
        "Import an exported record exactly as it was. Either all of it is stored, or nothing.",
    ),
    "erase": Entry(
        CARE, "subject", "erase", "Erase a subject and everything stored about them. This can't be undone."
    ),
    "simulate": Entry(
        CARE,
        "simulate",
        "app",
        "Simulate a person or a venue in the store; a body's signals, a cohort, a study or clips in files.",
    ),
    "store": Entry(CARE, "store", "app", "The database that holds the record."),
    "user": Entry(
        CARE,
        "user",
        "app",
        "Who may log in to the record on the page. Without users, anyone at the page may see it.",
    ),
}
"""All commands by name, in the order of the help."""


class LazyCommands(TyperGroup):
    """The commands of `COMMANDS`, listed by group, each loaded when it is asked for.

    typer groups only what Rich draws, and Rich would swallow the brackets of `mien[train]`.
    """

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {
            name: TyperCommand(name, help=entry.help, rich_help_panel=entry.group)
            for name, entry in COMMANDS.items()
        }
        self._listing = False

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, loaded; None where there is none of that name."""
        if cmd_name not in COMMANDS or self._listing:
            return self.commands.get(cmd_name)
        return _loaded(cmd_name, COMMANDS[cmd_name])

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Complete names without loading what they stand for."""
        self._listing = True
        try:
            return super().shell_complete(ctx, incomplete)
        finally:
            self._listing = False

    def groups(self) -> dict[str, list[str]]:
        """Return the names of the commands by group."""
        groups: dict[str, list[str]] = {}
        for name, entry in COMMANDS.items():
            groups.setdefault(entry.group, []).append(name)
        return groups

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one section a group, their columns aligned."""
        width = max(map(len, COMMANDS))
        for group, names in self.groups().items():
            with formatter.section(group):
                formatter.write_dl(
                    [
                        (
                            name.ljust(width),
                            self.commands[name].get_short_help_str(formatter.width - 6 - width),
                        )
                        for name in names
                    ]
                )


def _loaded(name: str, entry: Entry) -> Any:
    found = getattr(import_module(f"mien.cli.{entry.module}"), entry.attribute)
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(name)(found)
        found = single
    command: Any = typer.main.get_command(found)
    command.name, command.rich_help_panel = name, entry.group
    return command


class AddsByDefault(TyperGroup):
    """A group of commands that takes what begins with none of their names as the arguments of one of them.

    `mien note P-017 "text"` is `mien note add P-017 "text"`. A subject whose code is one of those
    names needs the long form.
    """

    default = "add"

    def parse_args(self, ctx: Any, args: Sequence[str]) -> list[str]:
        """Put the default command before the arguments where no command stands there."""
        given = list(args)
        if given and given[0] not in (*self.commands, *ctx.help_option_names):
            given.insert(0, self.default)
        parsed: list[str] = super().parse_args(ctx, given)
        return parsed


def group(help: str, cls: type[TyperGroup] = TyperGroup, **choices: Any) -> typer.Typer:
    """Make a group, to which commands are added."""
    return typer.Typer(cls=cls, help=help, add_completion=False, rich_markup_mode=None, **choices)
