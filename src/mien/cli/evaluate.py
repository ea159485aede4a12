"""`mien evaluate`: how good a network is on labelled faces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from mien.train.evaluation.evaluate import Evaluation


def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A built-in network, or an .onnx file.")],
    data: Annotated[
        Path, typer.Argument(help="A Kaggle CSV, a Parquet file, or a folder with a subfolder per class.")
    ],
    split: Annotated[
        str,
        typer.Option(
            help="PublicTest (a part of the data's), or all; with --recipe train, validation or test."
        ),
    ] = "all",
    recipe: Annotated[
        str | None, typer.Option(help="Take this recipe's classes and split.", metavar="NAME|FILE")
    ] = None,
    recipe_split: Annotated[
        str | None, typer.Option(help="official, grouped or random, for the recipe's own.", metavar="NAME")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(help="Leave a class out; may be repeated.", metavar="CLASS")
    ] = None,
    votes: Annotated[Path | None, typer.Option(help="FER+'s fer2013new.csv, for a Kaggle CSV.")] = None,
    landmarks: Annotated[
        Path | None, typer.Option(help="Landmarks of the faces (.npz), to measure against.")
    ] = None,
    head: Annotated[
        str | None, typer.Option(help="Only this set of labels: votes or fer2013.", metavar="NAME")
    ] = None,
    faces: Annotated[
        Literal["auto", "crops", "find"],
        typer.Option(
            help="crops: each picture is one face; find: photographs, in which Mien finds it;"
            " auto: crops if they are square and small."
        ),
    ] = "auto",
    by: Annotated[
        list[str] | None,
        typer.Option(help="Also for each group of this column; may be repeated.", metavar="COLUMN"),
    ] = None,
    person: Annotated[
        str | None,
        typer.Option(help="The column that says who is in a picture [id of people.csv].", metavar="COLUMN"),
    ] = None,
    flips: Annotated[
        bool, typer.Option("--flips", help="Average over each face and its mirror image.")
    ] = False,
    threads: Annotated[int, typer.Option(min=1, help="Threads for the network.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure a network on labelled faces, with intervals.

    Every figure that the data allows; with --by also for each group of faces, with a test of whether it
    differs from the others. Needs `pip install 'mien[train]'`.

    Example: mien evaluate mien photographs/ --by sex
    """
    from mien.expression.network import load_network
    from mien.train.evaluation.evaluate import evaluate as measure
    from mien.train.recipe import change_recipe, read_recipe

    chosen = change_recipe(read_recipe(recipe), split=recipe_split) if recipe else None
    network = load_network(model, threads=threads)
    found = measure(
        network, data, split=split, recipe=chosen, remove=remove or (), votes=votes, landmarks=landmarks,
        flips=flips, head=head, by=by or (), person=person, faces_as=faces,
    )  # fmt: skip
    if as_json:
        what = {"model": network.sidecar.name, "split": split, "flips": flips, "by": by or []}
        typer.echo(json.dumps({**what, **found.as_dict()}, indent=2))
    else:
        _print(found)


def _print(found: Evaluation) -> None:
    from rich.console import Console

    console = Console(width=None if Console().is_terminal else 150)
    left_out = f" ({found.left_out} of other classes left out)" if found.left_out else ""
    if photographs := found.photographs:
        typer.echo(
            f"photographs {photographs.count}, in which Mien looked for faces{left_out}: none found in"
            f" {photographs.without_face}, several in {photographs.with_several}"
        )
    else:
        typer.echo(f"faces {found.scores.count}, each picture taken as one face's crop{left_out}")
    _print_figures(console, found)
    _print_classes(console, found)
    if found.groups:
        _print_groups(console, found)


def _print_figures(console: Console, found: Evaluation) -> None:
    from rich.table import Table

    table = Table("figure", "value", "95 % interval", "faces")
    for figure in found.figures:
        value, low, high = map(figure.shown, (figure.value, *figure.interval))
        table.add_row(figure.name, value, f"{low} to {high}", str(len(figure.faces)))
    console.print(table)


def _print_classes(console: Console, found: Evaluation) -> None:
    from rich.table import Table

    table = Table(f"class ({found.head})", "precision", "recall", "F1", "faces")
    answered = found.scores.confusion.sum(axis=0).tolist()
    for row, was_answered in zip(found.scores.class_rows(), answered, strict=True):
        if not (row["support"] or was_answered):
            continue
        columns = [f"{row[name]:.3f}" for name in ("precision", "recall", "f1")]
        table.add_row(row["label"], *columns, str(row["support"]))
    console.print(table)


def _print_groups(console: Console, found: Evaluation) -> None:
    from rich.table import Table

    shown = {figure.name: figure.shown for figure in found.figures}
    table = Table("figure", "group", "value", "95 % interval", "from the others", "p", "p (Holm)", "faces")
    several = len({row.column for row in found.groups}) > 1
    for row in found.groups:
        numbers = (row.value, *row.interval_95, row.difference)
        value, low, high, difference = map(shown[row.figure], numbers)
        group = f"{row.column}: {row.group}" if several else row.group
        table.add_row(
            row.figure, group, value, f"{low} to {high}", difference, f"{row.p:.3f}",
            f"{row.p_holm:.3f}", f"{row.faces}{' (few)' if row.small else ''}",
        )  # fmt: skip
    console.print(table)
