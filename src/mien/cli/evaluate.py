"""`mien evaluate`: how good a network is on labelled faces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mien.cli.options import ClassNamesOption, PriorOption
from mien.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

    from mien.expression.network import OnnxNetwork
    from mien.train.evaluate.evaluation import Evaluation


def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A built-in network, or an .onnx file.")],
    data: Annotated[
        Path, typer.Argument(help="A Kaggle CSV, a Parquet file, or a folder with a subfolder per class.")
    ],
    split: Annotated[
        str,
        typer.Option(
            help="One of the data's own parts, such as PublicTest, or all; with --recipe: train,"
            " validation or test."
        ),
    ] = "all",
    recipe: Annotated[
        str | None, typer.Option(help="Use this recipe's classes and split.", metavar="NAME|FILE")
    ] = None,
    recipe_split: Annotated[
        str | None,
        typer.Option(help="official, grouped or random, instead of the recipe's own.", metavar="NAME"),
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(help="Leave a class out; may be repeated.", metavar="CLASS")
    ] = None,
    votes: Annotated[Path | None, typer.Option(help="FER+'s fer2013new.csv, for a Kaggle CSV.")] = None,
    class_names: ClassNamesOption = None,
    landmarks: Annotated[
        Path | None, typer.Option(help="The faces' true landmarks (.npz), to measure the error against.")
    ] = None,
    head: Annotated[
        str | None, typer.Option(help="Only this set of labels: votes or fer2013.", metavar="NAME")
    ] = None,
    faces: Annotated[
        Literal["auto", "crops", "find"],
        typer.Option(
            help="crops: each picture is one face; find: photographs in which Mien looks for the face;"
            " auto: crops if they are square and small."
        ),
    ] = "auto",
    by: Annotated[
        list[str] | None,
        typer.Option(help="Also measure each group in this column; may be repeated.", metavar="COLUMN"),
    ] = None,
    person: Annotated[
        str | None,
        typer.Option(help="The column that says who is in a picture [id of people.csv].", metavar="COLUMN"),
    ] = None,
    own_neutral: Annotated[
        bool,
        typer.Option(
            "--own-neutral",
            help="Learn each person's neutral face from their neutral photograph, and read their others"
            " against it.",
        ),
    ] = False,
    prior: PriorOption = None,
    fit_prior: Annotated[
        Path | None,
        typer.Option(
            help="Write the expected mix that fits these labels best to this file, for --prior.",
            metavar="FILE",
        ),
    ] = None,
    flips: Annotated[
        bool, typer.Option("--flips", help="Average over each face and its mirror image.")
    ] = False,
    card: Annotated[
        Path | None,
        typer.Option(help="Write the results for groups of people into this model card.", metavar="FILE.md"),
    ] = None,
    readme: Annotated[
        bool,
        typer.Option(
            "--readme",
            help="Measure what a user gets, and update the figures in README and docs; run it in the"
            " repository's root.",
        ),
    ] = False,
    people: Annotated[
        Path | None, typer.Option(help="With --readme: photographs of people, and a people.csv.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads for the network.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure a network on labelled faces, with intervals.

    Reports every figure that the data allow: first for what a user gets, the label and its probabilities
    under --prior, then for each set of labels that the network has. With --by, also for each group of faces,
    with a test of whether it differs from the others. Needs the extra `train` (see `mien doctor`).

    Example: mien evaluate mien photographs/ --by sex --prior photographs
    """
    from mien.config import load_settings
    from mien.expression.network import load_network
    from mien.train.data.numbering import class_names_or_none
    from mien.train.evaluate.evaluation import evaluate as measure
    from mien.train.recipe import change_recipe, read_recipe

    expected = load_settings(prior=prior).prior
    chosen = change_recipe(read_recipe(recipe), split=recipe_split) if recipe else None
    network = load_network(model, threads=threads)
    if readme:
        _write_pages(network, model, data, split, votes, landmarks, people)
        return
    found = measure(
        network, data, split=split, recipe=chosen, remove=remove or (), votes=votes, landmarks=landmarks,
        names=class_names_or_none(class_names), flips=flips, head=head, by=by or (), person=person,
        faces_as=faces, prior=expected,
        fit_prior_to=fit_prior, own_neutral=own_neutral,
    )  # fmt: skip
    if card is not None:
        _write_card(card, found, model, data, by or [], prior)
    if as_json:
        named = expected if isinstance(expected, str) else expected.model_dump()
        what = {"model": network.sidecar.name, "split": split, "flips": flips, "by": by or [], "prior": named}
        typer.echo(json.dumps({**what, **found.as_dict()}, indent=2))
    else:
        _print(found)
        if fit_prior is not None:
            typer.echo(f"prior {fit_prior}")


def _write_pages(
    network: OnnxNetwork,
    model: str,
    data: Path,
    split: str,
    votes: Path | None,
    landmarks: Path | None,
    people: Path | None,
) -> None:
    from mien.expression.network import find_network
    from mien.train.evaluate.evaluation import part_of
    from mien.train.published import measure_published, publish

    if people is None:
        raise ConfigError("--readme also needs photographs of people; give them with --people")
    faces = part_of(data, split, size_px=network.sidecar.size_px, votes=votes, landmarks=landmarks)
    given = {"--votes": votes, "--landmarks": landmarks, "--people": people}
    options = " ".join(f"{option} {path.name}" for option, path in given.items() if path is not None)
    command = f"mien evaluate {model} {data.name} --split {split} {options} --readme"
    for path in publish(measure_published(network, find_network(model), faces, people, command=command)):
        typer.echo(str(path))


def _write_card(
    card: Path, found: Evaluation, model: str, data: Path, by: list[str], prior: str | None
) -> None:
    from mien.files import write_text
    from mien.train.published import groups_section, of_evaluation, read_page, with_groups

    columns = "".join(f" --by {column}" for column in by)
    command = f"mien evaluate {model} {data.name}{columns}{f' --prior {prior}' if prior else ''}"
    section = groups_section(of_evaluation(found, prior or "balanced"), command)
    write_text(card, with_groups(read_page(card), section))


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
