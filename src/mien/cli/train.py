"""`mien train`: a recipe and labelled faces into a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.console import print_json, progress_bar
from mien.cli.options import ClassNamesOption
from mien.errors import ConfigError

if TYPE_CHECKING:
    from mien.train.clip_recipe import ClipRecipe
    from mien.train.finish import Run
    from mien.train.fit import Progress, Report
    from mien.train.micro_recipe import MicroRecipe
    from mien.train.sentiment_recipe import SentimentRecipe


def train(
    data: Annotated[
        Path,
        typer.Argument(
            help="A Kaggle CSV, a Parquet file, or a folder with a subfolder per class; for happy-video and"
            " video-sentiment a table of clips; for micro also a folder of tables."
        ),
    ],
    recipe: Annotated[
        str,
        typer.Option(
            help="mien, fer2013, paper, zhou, shcnn, edges, scep, infant, happy-video, video-sentiment,"
            " micro, or your own TOML file.",
            metavar="NAME|FILE",
        ),
    ] = "fer2013",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The run's folder [runs/RECIPE].")] = None,
    weights: Annotated[
        Path | None,
        typer.Option(help="ImageNet's weights (.npz, or Keras's) [Keras downloads them]."),
    ] = None,
    votes: Annotated[Path | None, typer.Option(help="FER+'s fer2013new.csv, for a Kaggle CSV.")] = None,
    class_names: ClassNamesOption = None,
    landmarks: Annotated[
        Path | None,
        typer.Option(help="The faces' landmarks (.npz), for a joint recipe; without them it learns none."),
    ] = None,
    terms: Annotated[
        str | None, typer.Option(help="The terms under which the data may be used, for the model card.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="official, grouped or random, instead of the recipe's own.")
    ] = None,
    remove: Annotated[
        list[str] | None,
        typer.Option(
            help="Leave a class out, instead of those in the recipe; may be repeated.", metavar="CLASS"
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="At most this many epochs, instead of the recipe's own.", min=1)
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            help="Stop after this many minutes of training, including the recipes that it builds on.",
            min=0.01,
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Random seed, instead of the recipe's own.", min=0)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Train a network on labelled faces.

    You can interrupt it; the same command then continues where it stopped.

    Needs the extra `train` (see `mien doctor`). The run's folder holds the network (.onnx with its sidecar,
    .keras), its model card, figures, plots and logs; docs/training.md explains them.

    Example: mien train fer2013.csv --votes fer2013new.csv --recipe mien --landmarks landmarks68.npz
    """
    from mien.train.clip_recipe import ClipRecipe
    from mien.train.data.numbering import class_names_or_none
    from mien.train.micro_recipe import MicroRecipe
    from mien.train.recipe import Recipe, change_recipe, read_any_recipe
    from mien.train.run import train as train_recipe
    from mien.train.sentiment_recipe import SentimentRecipe

    found = read_any_recipe(recipe)
    if not isinstance(found, Recipe):
        faces_only = {
            "--weights": weights, "--votes": votes, "--class-names": class_names, "--landmarks": landmarks,
            "--split": split, "--remove": remove,
        }  # fmt: skip
        if given := [name for name, value in faces_only.items() if value]:
            raise ConfigError(f"recipe {found.name}: learns from clips; {given[0]} is for faces")
    chosen = change_recipe(found, split=split, remove=remove, epochs=epochs, minutes=minutes, seed=seed)
    if isinstance(chosen, MicroRecipe):
        _train_micro(chosen, data, out, terms=terms, as_json=as_json)
        return
    if isinstance(chosen, SentimentRecipe):
        _train_sentiment(chosen, data, out, terms=terms, as_json=as_json)
        return
    if isinstance(chosen, ClipRecipe):
        _train_clips(chosen, data, out, terms=terms, as_json=as_json)
        return
    assert isinstance(chosen, Recipe)
    folder = out or Path("runs") / chosen.name
    common: dict[str, Any] = {"folder": folder, "weights": weights, "votes": votes, "say": say}
    if class_names is not None:
        common["names"] = class_names_or_none(class_names)
    if terms:
        common["terms"] = terms
    with progress(chosen.name) as report:
        run = train_recipe(chosen, data, landmarks=landmarks, report=report, **common)
    _print(run, folder, as_json=as_json)


def _train_clips(
    recipe: ClipRecipe, data: Path, out: Path | None, *, terms: str | None, as_json: bool
) -> None:
    from mien.train.clips.run import figures_table, train_clips

    folder = out or Path("runs") / recipe.name
    with progress_bar(recipe.name, 1.0) as show:
        run = train_clips(recipe, data, folder=folder, terms=terms, say=say, report=show)
    if as_json:
        print_json({"network": str(run.network), "answer": run.answer, "test": run.test})
        return
    typer.echo("\n".join(figures_table(run.test, run.answer)))
    typer.echo(f"network  {run.network}")
    typer.echo(f"card     {folder / 'MODEL_CARD.md'}")


def _train_micro(
    recipe: MicroRecipe, data: Path, out: Path | None, *, terms: str | None, as_json: bool
) -> None:
    from mien.train.clips.micro_run import figures_table, train_micro

    folder = out or Path("runs") / recipe.name
    with progress_bar(recipe.name, 1.0) as show:
        run = train_micro(recipe, data, folder=folder, terms=terms, say=say, report=show)
    if as_json:
        print_json({"network": str(run.network), **run.figures})
        return
    typer.echo("\n".join(figures_table(run.figures)))
    typer.echo(f"network  {run.network}")
    typer.echo(f"card     {folder / 'MODEL_CARD.md'}")


def _train_sentiment(
    recipe: SentimentRecipe, data: Path, out: Path | None, *, terms: str | None, as_json: bool
) -> None:
    from mien.train.clips.sentiment_run import train_sentiment

    folder = out or Path("runs") / recipe.name
    with progress_bar(recipe.name, recipe.fit.epochs) as show:

        def report(row: dict[str, float]) -> None:
            show(row["epoch"])
            say(f"epoch {row['epoch']:.0f}: loss {row['loss']:.3f}, validation {row['validation_loss']:.3f}")

        run = train_sentiment(
            recipe, data, folder=folder, say=say, report=report,
            **({"terms": terms} if terms else {}),
        )  # fmt: skip
    if as_json:
        print_json({"network": str(run.network), **run.metrics})
        return
    for part, row in run.metrics.items():
        found = f", planted seconds found: AUC {row['auc']:.3f}" if "auc" in row else ""
        typer.echo(f"{part:10} category {row['accuracy']:.1%}, polarity {row['polarity']:.1%} right{found}")
    typer.echo(f"network    {run.network}")
    typer.echo(f"card       {run.network.with_suffix('.md')}")


def say(line: str) -> None:
    """Print what a training does, on standard error, beside its result."""
    typer.echo(line, err=True)


@contextmanager
def progress(name: str) -> Iterator[Report]:
    """Show a bar on a terminal, and a line for each epoch everywhere.

    Args:
        name: of what is trained.
    """
    with progress_bar(name, 1.0) as show:

        def report(at: Progress) -> None:
            show(at.done)
            if row := at.row:
                told = f"validation {row['validation_accuracy']:.2%} (loss {row['validation_loss']:.4f})"
                if "ferplus" in row:
                    told += f", FER+ {row['ferplus']:.2%}, votes' divergence {row['kl']:.3f}"
                if "landmarks" in row:
                    told += f", landmarks {row['landmarks']:.2%} off"
                epoch = f"epoch {at.epoch}/{at.epochs}: loss {row['loss']:.4f}"
                say(f"{epoch}, {told}, {row['seconds']:.0f} s")

        yield report


def _print(run: Run, folder: Path, *, as_json: bool) -> None:
    if as_json:
        figures: dict[str, Any] = {"validation": run.validation.as_dict(), "test": run.test.as_dict()}
        typer.echo(json.dumps({"network": str(run.network), **figures}, indent=2))
        return
    scores = run.test.scores
    low, high = scores.accuracy_interval
    for figure in run.test.figures:
        typer.echo(f"{figure.shown(figure.value):8} {figure.name}")
    typer.echo(f"test     {scores.accuracy:.2%} right ({low:.2%} to {high:.2%}) of {scores.count} faces")
    typer.echo(f"network  {run.network}")
    typer.echo(f"card     {folder / 'MODEL_CARD.md'}")
