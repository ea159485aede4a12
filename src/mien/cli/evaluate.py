"""`mien evaluate`: how good a network is on labelled faces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.options import PriorOption

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
    by: Annotated[
        str | None,
        typer.Option(help="Also for each group of this column of the data.", metavar="COLUMN"),
    ] = None,
    prior: PriorOption = None,
    fit_prior: Annotated[
        Path | None,
        typer.Option(
            help="Write the mix under which these labels are likeliest to this file, for --prior.",
            metavar="FILE",
        ),
    ] = None,
    flips: Annotated[
        bool, typer.Option("--flips", help="Average over each face and its mirror image.")
    ] = False,
    threads: Annotated[int, typer.Option(min=1, help="Threads for the network.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure a network on labelled faces, with intervals.

    Every figure that the data allows: first of what a user gets, the label and its probabilities under
    --prior; then of each set of labels that the network has. With --by also for each group of faces, with a
    test of whether it differs from the others. Needs `pip install 'mien[train]'`.

    Example: mien evaluate mien fer2013.parquet --split PublicTest --prior photographs
    """
    from mien.config import load_settings
    from mien.expression.network import load_network
    from mien.train.evaluation.evaluate import evaluate as measure
    from mien.train.recipe import change_recipe, read_recipe

    expected = load_settings(prior=prior).prior
    chosen = change_recipe(read_recipe(recipe), split=recipe_split) if recipe else None
    network = load_network(model, threads=threads)
    found = measure(
        network, data, split=split, recipe=chosen, remove=remove or (), votes=votes, landmarks=landmarks,
        flips=flips, head=head, by=by, prior=expected, fit_prior_to=fit_prior,
    )  # fmt: skip
    if as_json:
        named = expected if isinstance(expected, str) else expected.model_dump()
        what = {"model": network.sidecar.name, "split": split, "flips": flips, "by": by, "prior": named}
        typer.echo(json.dumps({**what, **found.as_dict()}, indent=2))
    else:
        _print(found)
        if fit_prior is not None:
            typer.echo(f"prior {fit_prior}")


def _print(found: Evaluation) -> None:
    from rich.console import Console

    console = Console(width=None if Console().is_terminal else 150)
    left_out = f" ({found.left_out} of other classes left out)" if found.left_out else ""
    typer.echo(f"faces {found.scores.count}{left_out}")
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
    for row in found.scores.class_rows():
        columns = [f"{row[name]:.3f}" for name in ("precision", "recall", "f1")]
        table.add_row(row["label"], *columns, str(row["support"]))
    console.print(table)


def _print_groups(console: Console, found: Evaluation) -> None:
    from rich.table import Table

    shown = {figure.name: figure.shown for figure in found.figures}
    table = Table("figure", "group", "value", "95 % interval", "from the others", "p", "p (Holm)", "faces")
    for row in found.groups:
        numbers = (row.value, *row.interval_95, row.difference)
        value, low, high, difference = map(shown[row.figure], numbers)
        table.add_row(
            row.figure, row.group, value, f"{low} to {high}", difference, f"{row.p:.3f}",
            f"{row.p_holm:.3f}", f"{row.faces}{' (few)' if row.small else ''}",
        )  # fmt: skip
    console.print(table)
