"""`mien models export`: a run's network as an .onnx file with its sidecar."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


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
    import json
    from dataclasses import asdict

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
