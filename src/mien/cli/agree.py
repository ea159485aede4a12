"""`mien agree`: how two sets of readings of the same faces agree."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from mien.cli.console import print_json, progress_bar
from mien.cli.options import JsonOption
from mien.wording import count

if TYPE_CHECKING:
    from mien.agreement.figures import Labels
    from mien.agreement.study import AgreementResult, Compared

_TOLD_SHIFT_S: Final = 0.02
_TOLD_GAIN: Final = 0.005


def agree(
    a: Annotated[
        Path,
        typer.Argument(
            metavar="A",
            help="A table of Mien, OpenFace, py-feat, DeepFace, fer or FaceReader, a person's labels (time_s,"
            " label), or a folder of them.",
        ),
    ],
    b: Annotated[
        Path, typer.Argument(metavar="B", help="The other; recordings in folders are paired by name.")
    ],
    fps_a: Annotated[
        float | None,
        typer.Option(
            "--fps-a", help="Frames a second of A, where its file has no times (fer, DeepFace).", metavar="N"
        ),
    ] = None,
    fps_b: Annotated[float | None, typer.Option("--fps-b", help="The same of B.", metavar="N")] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            help="How far apart in time paired frames may be [half of the longer step].", metavar="SECONDS"
        ),
    ] = None,
    align: Annotated[
        bool, typer.Option("--align", help="Take out the shift in time that is found; else it is only told.")
    ] = False,
    ignore_boxes: Annotated[
        bool, typer.Option("--ignore-boxes", help="Pair one face each, wherever they are.")
    ] = False,
    keep_uncertain: Annotated[
        bool, typer.Option("--keep-uncertain", help="Count `uncertain` as a label.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Random seed of the intervals.", metavar="N", min=0)] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Write agreement.json, agreement.csv, confusion.png and bland-altman.png to this folder.",
            metavar="FOLDER",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure how two sets of readings agree: Mien's, another tool's, or a person's labels.

    Which tool wrote a file is told from the file. Frames are paired by time, faces by where they are. Labels
    get Cohen's kappa and a confusion matrix; numbers get ICC(2,1), ICC(3,1), bias and limits of agreement.
    Intervals are over recordings.

    Example: mien agree mien-results openface --out agreement
    """
    from mien.agreement.study import agree as compare

    if out is not None:
        from mien.agreement.report import check_free

        check_free(out, overwrite=overwrite)
    with progress_bar("comparing", 1, wanted=not as_json) as progress:
        found = compare(
            a, b, rate_hz_a=fps_a, rate_hz_b=fps_b, tolerance_s=tolerance, align=align,
            boxes=not ignore_boxes, keep_uncertain=keep_uncertain, seed=seed, progress=progress,
        )  # fmt: skip
    written = found.save(out, overwrite=overwrite) if out is not None else []
    if as_json:
        print_json(found.as_dict() | {"files": [str(each) for each in written]})
        return
    _say(found, aligned=align)
    for path in written:
        typer.echo(str(path))


def _say(found: AgreementResult, *, aligned: bool) -> None:
    pairs = sum(each.pairs for each in found.recordings)
    typer.echo(f"A: {found.a}\nB: {found.b}")
    typer.echo(
        f"{count(len(found.recordings), 'recording')}, {count(pairs, 'pair')} of faces at the same time"
        + (f"; 95 % intervals over {found.intervals}" if found.intervals else "")
    )
    _say_frames(found)
    _say_shift(found, aligned=aligned)
    for labels in found.labels:
        order = f", weighted {labels.weighted}" if labels.weighted else ""
        typer.echo(
            f"\n{labels.column}: kappa {labels.kappa}{order}; the same in"
            f" {_percent(labels)} of {count(labels.pairs, 'pair')}"
        )
        if labels.column == "expression":
            _print_confusion(labels)
    if found.numbers:
        typer.echo("")
        _print_numbers(found)
    for line in found.remarks:
        typer.echo(f"note: {line}")


def _say_frames(found: AgreementResult) -> None:
    a, b, common = (
        sum(getattr(each, name) for each in found.recordings)
        for name in ("frames_a", "frames_b", "common_frames")
    )
    shares = " and ".join(f"{100 * common / many:.1f} %" for many in (a, b))
    typer.echo(f"frames with a face: {a:,} of A, {b:,} of B; {common:,} are in both, {shares} of them")


def _percent(labels: Labels) -> str:
    return "none" if labels.observed.value is None else f"{100 * labels.observed.value:.1f} %"


def _say_shift(found: AgreementResult, *, aligned: bool) -> None:
    late: list[Compared] = [each for each in found.recordings if each.shift]
    if not late or found.shift_s is None:
        typer.echo("shift in time: none could be told")
        return
    before, after = (
        sum(getattr(each.shift, name) for each in late) / len(late) for name in ("before", "after")
    )
    which = "later" if found.shift_s > 0 else "earlier"
    if abs(found.shift_s) < _TOLD_SHIFT_S or after - before < _TOLD_GAIN:
        typer.echo(f"shift in time: negligible ({found.shift_s:+.3f} s)")
        return
    done = "was taken out" if aligned else "is left in; --align takes it out"
    typer.echo(
        f"shift in time: B is {abs(found.shift_s):.3f} s {which} than A (correlation {before:.2f} as they"
        f" are, {after:.2f} without the shift); it {done}"
    )


def _print_confusion(labels: Labels) -> None:
    width = max(9, *(len(each) + 1 for each in labels.labels))
    names = [each[: width - 1] for each in labels.labels]
    typer.echo("A down, B across".ljust(18) + "".join(each.rjust(width) for each in names))
    for name, row in zip(names, labels.counts, strict=True):
        typer.echo(name.ljust(18) + "".join(f"{each:{width},}" for each in row))


def _print_numbers(found: AgreementResult) -> None:
    from rich.console import Console
    from rich.table import Table

    from mien.agreement.report import with_unit

    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for name in ("pairs", "ICC(2,1)", "ICC(3,1)", "Lin's CCC", "bias A - B", "limits of agreement"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in found.numbers:
        places = _places(each.deviation.value)
        bias, low, high = (_fixed(value.value, places) for value in (each.bias, each.low, each.high))
        table.add_row(
            with_unit(each.column), f"{each.pairs:,}", str(each.icc_2_1), str(each.icc_3_1),
            _fixed(each.concordance.value, 2), bias, f"{low} to {high}",
        )  # fmt: skip
    Console(width=120, highlight=False, markup=False).print(table)


def _places(deviation: float | None) -> int:
    """Return how many decimals tell a bias and its limits: three figures of how far differences spread."""
    return min(6, max(0, 2 - math.floor(math.log10(deviation)))) if deviation else 2


def _fixed(value: float | None, places: int) -> str:
    return "not known" if value is None else f"{value:z,.{places}f}"
