"""`mien compare`: networks side by side, under one protocol."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.errors import ConfigError

if TYPE_CHECKING:
    from mien.train.compare.contest import Row


def compare(
    context: typer.Context,
    data: Annotated[Path, typer.Argument(help="FER-2013: Kaggle's CSV, or a Parquet file.")],
    networks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NETWORK]...",
            help="Measure only these, without training: built-in names or .onnx files.",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the runs, the table and the pictures.")
    ] = Path("runs/compare"),
    only: Annotated[
        list[str] | None, typer.Option(help="Train only this network; may be repeated.", metavar="NAME")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Runs per network.", min=1, max=3)] = 3,
    train: Annotated[bool, typer.Option(help="Train the runs that are missing.")] = True,
    votes: Annotated[Path | None, typer.Option(help="FER+'s fer2013new.csv, for a Kaggle CSV.")] = None,
    landmarks: Annotated[
        Path | None, typer.Option(help="The faces' landmarks (.npz), for Mien's own network.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="ImageNet's weights (.npz, or Keras's) [Keras downloads them].")
    ] = None,
    flips: Annotated[
        bool, typer.Option("--flips", help="Average over each face and its mirror image.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Train published networks and ours, and measure them all in the same way.

    All get the same budget: twenty-seven runs, each about ten minutes on one core. After an interruption the
    same command continues. The networks that come with Mien are listed beside them. If you name NETWORKs,
    nothing is trained or written. Needs the extra `train` (see `mien doctor`).

    Example: mien compare fer2013.parquet mien paper runs/mine/mine.onnx
    """
    from mien.cli.console import print_json
    from mien.cli.train import progress, say
    from mien.train.compare import contest as comparison
    from mien.train.compare.plan import SEEDS
    from mien.train.compare.report import write_comparison

    if networks:
        _refuse(context, "out", "only", "seeds", "train", "landmarks", "weights")
    chosen, entries = comparison.chosen_contestants(only or ()), comparison.as_they_are(networks or ())
    faces = comparison.public_faces(data, votes=votes)
    if not networks:
        if train and faces.votes is None:
            raise ConfigError(f"{data}: the networks also learn from FER+ votes; give them with --votes")
        runs = comparison.runs(
            chosen, SEEDS[:seeds], data, folder=out, train=train,
            landmarks=landmarks, votes=votes, weights=weights, watch=progress, say=say,
        )  # fmt: skip
        entries = [*runs, *comparison.as_they_are(comparison.shipped())]
    rows = comparison.compare(entries, faces, flips=flips)
    written = [] if networks else write_comparison(out, rows, faces=len(faces), flips=flips)
    if as_json:
        print_json([row.as_dict() for row in rows])
        return
    _print(rows)
    for path in written:
        say(str(path))


def _refuse(context: typer.Context, *names: str) -> None:
    """Refuse options that say how to train, where nothing is trained."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name in names and source is not None and source.name == "COMMANDLINE":
            option = max(parameter.secondary_opts or parameter.opts, key=len)
            raise ConfigError(f"{option} can't be used with NETWORKs, which are not trained")


def _print(rows: list[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    from mien.train.compare.table import ANSWER_HEAD, HEAD, LEGEND, answer_cells, cells, differences, lines

    console = Console(width=None if Console().is_terminal else 230)
    table = Table(*HEAD, caption=LEGEND, caption_justify="left")
    for line in lines(rows):
        table.add_row(*cells(line))
    console.print(table)
    if answers := differences(rows):
        table = Table(*ANSWER_HEAD)
        for answer in answers:
            table.add_row(*answer_cells(answer))
        console.print(table)
