"""`mien models`: the networks that come with Mien, and the optional ones."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from mien.cli.console import progress_bar
from mien.errors import ConfigError
from mien.expression.network import built_in_networks, find_network
from mien.expression.sidecar import read_sidecar, sidecar_path
from mien.fetch import OPTIONAL_MODELS, cached
from mien.fetch import fetch as fetch_model

app = typer.Typer(invoke_without_command=True, add_completion=False, rich_markup_mode=None)


@app.callback()
def _default(context: typer.Context) -> None:
    """List, fetch and describe models.

    Example: mien models
    """
    if context.invoked_subcommand is None:
        list_models()


@app.command()
def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The .onnx file; its sidecar goes beside it.")],
    precision: Annotated[
        Literal["half", "single", "int8"] | None,
        typer.Option(
            help="Bits of the weights: 16, 32 or 8; int8 is kept only if it is worthwhile [as in the run]."
        ),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="The run's data; int8 needs it.")] = None,
    votes: Annotated[Path | None, typer.Option(help="FER+'s fer2013new.csv, for a Kaggle CSV.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was measured as JSON.")] = False,
) -> None:
    """Export a run's network, as the run left it or with weights of 16, 32 or 8 bits.

    int8 is compared with 32 bits on the validation part: it may lose at most half a percentage point of
    accuracy, and it must be at least 1.2 times as fast. Needs the extra `train` (see `mien doctor`).

    Example: mien models export runs/fer2013 --precision int8 --data fer2013.parquet --out mine-int8.onnx
    """
    from mien.train.export.write import export as export_run

    report = export_run(run, out, precision=precision, data=data, votes=votes)
    kept = report is None or report.pays
    if as_json:
        measured = asdict(report) if report else {}
        typer.echo(json.dumps({"network": str(out) if kept else None, **measured}, indent=2))
        return
    if report:
        typer.echo(f"accuracy  {report.accuracy_before:.2%} with 32 bits, {report.accuracy_after:.2%} with 8")
        typer.echo(
            f"one face  {report.ms_before:.2f} ms, {report.ms_after:.2f} ms"
            f" ({report.speed_ratio:.2f} times as fast)"
        )
        typer.echo(f"file      {report.bytes_before / 1e6:.2f} MB, {report.bytes_after / 1e6:.2f} MB")
    typer.echo(f"network   {out}" if kept else "not kept: not worthwhile")


@app.command("list")
def list_models(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the built-in networks and the optional models.

    Example: mien models list
    """
    models = [*_built_in(), *_optional()]
    if as_json:
        typer.echo(json.dumps(models, indent=2))
        return
    for model in models:
        typer.echo(f"{model['name']:12} {model['state']:12} {model['description']}")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="One of the optional models.")],
    url: Annotated[
        str | None, typer.Option(help="Another address of the same file, such as a mirror.")
    ] = None,
) -> None:
    """Fetch an optional model, and check its SHA-256.

    Example: mien models fetch yunet
    """
    with progress_bar(name, 1.0) as progress:
        path = fetch_model(name, url=url, progress=lambda received, total: progress(received / total))
    typer.echo(str(path))


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME|PATH", help="A network's name, or its .onnx file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the sidecar as JSON.")] = False,
) -> None:
    """Show a network's labels, training data and figures.

    Example: mien models show paper
    """
    sidecar = read_sidecar(sidecar_path(find_network(name)))
    if as_json:
        typer.echo(sidecar.model_dump_json(indent=2))
        return
    typer.echo(f"{sidecar.name}: {sidecar.description}")
    typer.echo(f"labels      {', '.join(sidecar.labels)}")
    typer.echo(f"input       {sidecar.size_px} x {sidecar.size_px} grey, {sidecar.parameters:,} parameters")
    if sidecar.decision is not None:
        below = (sidecar.decision.certainty.below, sidecar.decision.shares_certainty.below)
        uncertain = f"probability of being right below {below[0]:.2g}, under photographs {below[1]:.2g}"
    elif sidecar.certainty is None:
        uncertain = f"highest probability below {sidecar.uncertain_below:g}"
    else:
        uncertain = f"probability of being right below {sidecar.certainty.below:.2g}"
    typer.echo(f"calibrated  temperature {sidecar.temperature:.3g}; uncertain: {uncertain}")
    for data in sidecar.data:
        typer.echo(f"trained on  {data.name} ({data.terms})")
    for split, figures in sidecar.metrics.items():
        typer.echo(f"measured    on {split}")
        for name, value in figures.items():
            typer.echo(f"            {value:<8.4g}{name}")
    typer.echo(f"licence     {sidecar.licence}")
    typer.echo(f"sha256      {sidecar.sha256}")


@app.command()
def calibrate(
    network: Annotated[str, typer.Argument(metavar="NAME|PATH", help="A joint network, or its .onnx file.")],
    data: Annotated[Path, typer.Argument(help="The data that it was trained on.")],
    recipe: Annotated[
        str,
        typer.Option(
            help="The recipe it was trained with; its split says which faces were held out.",
            metavar="NAME|FILE",
        ),
    ] = "mien",
    votes: Annotated[Path | None, typer.Option(help="FER+'s fer2013new.csv, for a Kaggle CSV.")] = None,
    landmarks: Annotated[Path | None, typer.Option(help="Landmarks of the faces (.npz).")] = None,
) -> None:
    """Recalibrate a trained network on the faces held out in training; its sidecar is replaced.

    Refits the decision, the shares and the certainty of both, and measures again. Needs the extra
    `train` (see `mien doctor`).

    Example: mien models calibrate runs/mine/mine.onnx fer2013.parquet --landmarks landmarks68.npz
    """
    from mien.train.finish import recalibrate
    from mien.train.recipe import JointRecipe, read_recipe

    chosen = read_recipe(recipe)
    if not isinstance(chosen, JointRecipe):
        raise ConfigError(f"recipe {recipe}: expected one for joint training, such as mien")
    found = recalibrate(find_network(network), chosen, data, votes=votes, landmarks=landmarks, say=typer.echo)
    for figure in found["test"].figures:
        typer.echo(f"{figure.shown(figure.value):>9}  {figure.name}")


def _built_in() -> list[dict[str, Any]]:
    sidecars = [read_sidecar(sidecar_path(find_network(name))) for name in built_in_networks()]
    return [
        {"name": each.name, "state": "built in", "description": each.description, "sha256": each.sha256}
        for each in sidecars
    ]


def _optional() -> list[dict[str, Any]]:
    return [
        {
            "name": model.name,
            "state": "fetched" if cached(model.name) else "not fetched",
            "description": f"{model.purpose} ({model.size // 1024} KiB, {model.licence})",
            "sha256": model.sha256,
        }
        for model in OPTIONAL_MODELS.values()
    ]
