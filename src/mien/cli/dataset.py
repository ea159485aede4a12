"""`mien dataset`: make a data set of faces, and look for what spoils one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from mien.cli.commands import group
from mien.cli.console import print_error, print_json, progress_bar
from mien.cli.options import (
    ClassNamesOption,
    DetectorOption,
    EveryOption,
    FpsOption,
    MinFaceOption,
    NetworkOption,
)
from mien.wording import count

app = group(no_args_is_help=True, help="Build data sets of faces and check them for problems.")


@app.command()
def build(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Photographs, videos, and folders of them.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="A new or empty folder.")],
    size: Annotated[
        int, typer.Option(help="Side length of the face crops, in pixels.", min=24, max=1024)
    ] = 96,
    detector: DetectorOption = None,
    network: NetworkOption = None,
    min_face: MinFaceOption = None,
    every: EveryOption = None,
    fps: FpsOption = None,
    crops: Annotated[bool, typer.Option("--crops", help="The images are face crops already.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Find and crop faces, suggest labels for you to correct, and drop duplicates.

    Writes images/LABEL/... and labels.csv. Correct the column `correct` (leave it empty or write "skip" to
    drop a face), then pass the folder to `mien train`. Needs the extra `train` (see `mien doctor`).

    Example: mien dataset build holiday/ session.mp4 --fps 2 --out my-faces
    """
    from mien.analysis.task import passed_over
    from mien.config import load_settings
    from mien.train.data.collect import collect

    settings = load_settings(
        detector=detector, network=network, min_face_px=min_face, every=every, fps=fps, crops=crops or None
    )
    with progress_bar("collecting", 1) as show:
        report = collect(
            paths,
            out,
            settings=settings,
            size_px=size,
            progress=lambda place, inputs, share: show((place + share) / inputs),
        )
    for failure in report.failures:
        print_error(failure.error)
    if report.skipped:
        print(f"mien: {passed_over(report.skipped)}", file=sys.stderr)
    if as_json:
        print_json(report.as_dict())
    else:
        inputs = count(report.inputs, "input")
        typer.echo(f"{count(report.faces, 'face')} in {count(report.frames, 'frame')} of {inputs}")
        copies = f"{report.exact_copies} exact and {count(report.near_copies, 'near copy', 'near copies')}"
        typer.echo(f"left out: {copies}, {report.constant} without any content")
        typer.echo("kept:     " + (", ".join(f"{label} {n}" for label, n in report.labels.items()) or "none"))
        typer.echo(f"correct   {out / 'labels.csv'}")
    if report.failures or not report.labels:
        raise typer.Exit(1)


@app.command()
def inspect(
    data: Annotated[Path, typer.Argument(help="A Kaggle CSV, a Parquet file, or a folder of classes.")],
    near_copy: Annotated[
        float,
        typer.Option(
            help="Correlation at 24x24 pixels above which two faces count as duplicates.", min=0.5, max=1
        ),
    ] = 0.97,
    sheet: Annotated[
        Path | None, typer.Option(help="Draw pairs near that correlation on a sheet (.png).", metavar="FILE")
    ] = None,
    class_names: ClassNamesOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
) -> None:
    """Count a data set's unreadable, empty and duplicate faces.

    Needs the extra `train` (see `mien doctor`).

    Example: mien dataset inspect fer2013.parquet --sheet copies.png
    """
    from mien.train.data import load_dataset
    from mien.train.data.cleaning import clean, near_copy_pairs
    from mien.train.data.numbering import class_names_or_none

    faces, _, report = clean(load_dataset(data, names=class_names_or_none(class_names)), near_copy)
    if as_json:
        typer.echo(json.dumps({**report.as_dict(), "classes": faces.counts()}, indent=2))
    else:
        for name, count in {**report.as_dict(), **faces.counts()}.items():
            typer.echo(f"{name.replace('_', ' '):14} {count}")
    if sheet is not None:
        from mien.train.report.plots import near_copy_sheet, save_figure

        pairs = near_copy_pairs(faces.images, near_copy - 0.01)
        save_figure(sheet, near_copy_sheet(faces.images, pairs, threshold=near_copy))
        if not as_json:
            typer.echo(f"{'sheet':14} {sheet}")
