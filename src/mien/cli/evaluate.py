"""`mien evaluate`: how good a network is on labelled faces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mien.train.evaluate import Evaluation


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
    flips: Annotated[
        bool, typer.Option("--flips", help="Average over each face and its mirror image.")
    ] = False,
    threads: Annotated[int, typer.Option(min=1, help="Threads for the network.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure a network on labelled faces, with 95 % bootstrap intervals.

    Needs `pip install 'mien[train]'`.

    Example: mien evaluate paper fer2013.parquet --split PublicTest --flips
    """
    from mien.expression.network import load_network
    from mien.train.evaluate import evaluate as measure
    from mien.train.recipe import change_recipe, read_recipe

    chosen = change_recipe(read_recipe(recipe), split=recipe_split) if recipe else None
    network = load_network(model, threads=threads)
    found = measure(network, data, split=split, recipe=chosen, remove=remove or (), votes=votes, flips=flips)
    if as_json:
        what = {"model": network.sidecar.name, "split": split, "flips": flips}
        typer.echo(json.dumps({**what, **found.as_dict()}, indent=2))
    else:
        _print(found)


def _print(found: Evaluation) -> None:
    from rich.console import Console
    from rich.table import Table

    scores = found.scores
    left_out = f" ({found.left_out} of other classes left out)" if found.left_out else ""
    _line("faces", f"{scores.count}{left_out}")
    _line("accuracy", "{:.2%} ({:.2%} to {:.2%})".format(scores.accuracy, *scores.accuracy_interval))
    _line("macro-F1", "{:.3f} ({:.3f} to {:.3f})".format(scores.macro_f1, *scores.macro_f1_interval))
    _line("calibration error", f"{scores.calibration_error:.2%}")
    if found.certain_accuracy is not None:
        _line(
            "certain", f"{found.certain_share:.1%} of the faces, {found.certain_accuracy:.2%} of them right"
        )
    for rule, name in (("ferplus", "FER+, its rule"), ("all", "FER+, all")):
        if figures := found.ferplus.get(rule):
            _line(name, f"{figures['accuracy']:.2%} of {figures['faces']:.0f} faces")
    table = Table("class", "precision", "recall", "F1", "faces")
    for row in scores.class_rows():
        columns = [f"{row[name]:.3f}" for name in ("precision", "recall", "f1")]
        table.add_row(row["label"], *columns, str(row["support"]))
    Console().print(table)


def _line(name: str, value: str) -> None:
    typer.echo(f"{name:18} {value}")
