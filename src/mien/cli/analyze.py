"""`mien analyze`: photographs, folders and videos into a table."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from mien.analysis.api import prepare
from mien.analysis.batch import Result
from mien.analysis.task import passed_over
from mien.cli.console import Interrupted, print_error, print_json, progress_bar
from mien.cli.options import (
    BoardOption,
    DetectorOption,
    EveryOption,
    FpsOption,
    KindOption,
    MinFaceOption,
    NetworkOption,
    PriorOption,
    StoreOption,
    TimeUnitOption,
    parse_kinds,
)
from mien.config import load_settings
from mien.errors import ConfigError
from mien.labels import UNCERTAIN
from mien.wording import count

MOST_LINES = 20
"""With more recordings than this, only their sum is printed."""

LEAST_SHARE = 0.05
"""An expression that is rarer than this in a recording is not printed."""

_KINDS = {".png": "plot", ".mp4": "clip", ".jpg": "picture"}


def analyze(
    context: typer.Context,
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Photographs, videos, and folders of them.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the results. Earlier results in it are replaced.")
    ] = Path("mien-results"),
    table_format: Annotated[
        Literal["csv", "parquet"], typer.Option("--format", help="Format of the table.")
    ] = "csv",
    annotate: Annotated[
        bool, typer.Option("--annotate", help="Write a copy of each input with the faces marked.")
    ] = False,
    measures: Annotated[
        bool, typer.Option("--measures", help="Write head pose, eyes, brows and mouth to the table too.")
    ] = False,
    landmarks: Annotated[
        bool, typer.Option("--landmarks", help="Write the 68 points of each face to the table too.")
    ] = False,
    pulse: Annotated[
        bool,
        typer.Option(
            "--pulse", help="Write the pulse in each face of a video, once a second, where it can be read."
        ),
    ] = False,
    signals: Annotated[
        Path | None,
        typer.Option(
            help="What sensors on the body recorded beside one video: EDF, XDF, WFDB, BrainVision, CSV, or an"
            " Empatica E4's folder or zip. Writes their figures on the video's clock.",
            metavar="FILE",
        ),
    ] = None,
    signals_start: Annotated[
        str | None,
        typer.Option(
            help="When the signals begin: a time with its zone, or seconds of the video [start times of both"
            " files, else the pulse of the face].",
            metavar="TIME|SECONDS",
        ),
    ] = None,
    signals_mark: Annotated[
        list[str] | None,
        typer.Option(
            help="A mark of the signals, by its text or as #2 by its number, and when it is seen in the"
            " video; may be repeated: two tell how the clocks drift apart, too.",
            metavar="MARK=SECONDS",
        ),
    ] = None,
    kind: KindOption = None,
    time_unit: TimeUnitOption = None,
    board: BoardOption = None,
    signals_window: Annotated[
        float, typer.Option(help="Seconds of a window of the signals, 10 to 3600.", metavar="SECONDS")
    ] = 60,
    rest: Annotated[
        str | None,
        typer.Option(
            help="When the person rested, in seconds of the video; arousal is measured against it [the first"
            " five windows].",
            metavar="FROM-TO",
        ),
    ] = None,
    plot: Annotated[bool, typer.Option(help="Draw a timeline of each video.")] = True,
    detector: DetectorOption = None,
    network: NetworkOption = None,
    prior: PriorOption = None,
    min_face: MinFaceOption = None,
    crops: Annotated[
        bool, typer.Option("--crops", help="The images are face crops: each whole image is a face.")
    ] = False,
    every: EveryOption = None,
    fps: FpsOption = None,
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs",
            "-j",
            min=0,
            help="How many inputs to read at once; 0 for automatic, up to one per core.",
        ),
    ] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue an interrupted run into the same folder.")
    ] = False,
    subject: Annotated[
        str | None,
        typer.Option(
            help="Also store the readings in this subject's record; they must have consented.", metavar="CODE"
        ),
    ] = None,
    face: Annotated[
        str | None,
        typer.Option(
            help="Which face is the subject's, or has the signals: the largest, or tracks by number.",
            metavar="largest|0,3",
        ),
    ] = None,
    recorded_at: Annotated[
        str | None,
        typer.Option(
            help="When it was recorded, if the file gives the wrong time.", metavar="2026-05-01T09:30"
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Store it again if it is already in the record.")
    ] = False,
    store: StoreOption = None,
    neutral: Annotated[
        str | None,
        typer.Option(
            help="Read the person against their own neutral face: learnt from a video's first seconds, from a"
            " photograph, or found in the video where that is certain enough [the subject's stored one,"
            " else off].",
            metavar="first:10s|PHOTO|auto|off",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Read photographs, folders and videos into a table.

    Writes table.csv, summary.json, and a timeline of each video. One row per face per frame; of videos also
    tracks.csv, one row per followed face, and recordings.csv. The columns are in docs/table.md. If an input
    can't be read, it is named and the others are still read. The same inputs and settings give the same
    table, on one core or on many.

    Example: mien analyze holiday/ session.mp4 --annotate --out results

    Example: mien analyze session.mp4 --signals session.edf --signals-start 2026-05-01T09:30:00+02:00
    """
    if subject is None and (store or again or (signals is None and (face or recorded_at))):
        raise ConfigError("--store, --face, --recorded-at and --again need --subject")
    beside = {
        "--signals-start": signals_start, "--signals-mark": signals_mark, "--kind": kind,
        "--time-unit": time_unit, "--board": board, "--rest": rest,
    }  # fmt: skip
    if signals is None and any(beside.values()):
        raise ConfigError(f"{', '.join(name for name, given in beside.items() if given)}: need --signals")
    settings = load_settings(
        detector=detector, network=network, prior=prior, min_face_px=min_face, crops=crops or None,
        every=every, fps=fps,
    )  # fmt: skip
    prepared = prepare(
        paths, out, settings,
        annotate=annotate, plots=plot, measures=measures, landmarks=landmarks, pulse=pulse, signals=signals,
        signals_start=signals_start, signals_marks=parse_marks(signals_mark),
        signals_kinds=parse_kinds(kind) or None, signals_time_unit=time_unit, signals_board=board,
        signals_window_s=signals_window, rest=rest,
        table_format=table_format, jobs=jobs, resume=resume, subject=subject, store=store, face=face,
        recorded_at=recorded_at, again=again, neutral=neutral,
    )  # fmt: skip
    for failure in prepared.failures:
        print_error(failure.error)
    if prepared.skipped and not quiet:
        print(f"mien: {passed_over(prepared.skipped)}", file=sys.stderr)
    if not prepared.tasks:
        raise typer.Exit(1)
    try:
        with progress_bar("reading", len(prepared.tasks), wanted=not quiet) as progress:
            result = prepared.run(progress)
    except KeyboardInterrupt as error:
        raise Interrupted(
            f"interrupted; run the same command with --resume to continue into {out}"
        ) from error
    _report(result, len(prepared.failures), as_json=as_json, quiet=quiet, debug=context.obj["debug"])
    if result.failures:
        raise typer.Exit(1)


def parse_marks(told: list[str] | None) -> dict[str, float] | None:
    """Return the second of the video by the mark, of MARK=SECONDS.

    Raises:
        ConfigError: one is none such, or is given twice.
    """
    if not told:
        return None
    from mien.analysis.signals_choice import parse_mark

    marks = dict(parse_mark(each) for each in told)
    if len(marks) < len(told):
        raise ConfigError("--signals-mark: a mark is given twice")
    return marks


def _report(result: Result, reported: int, *, as_json: bool, quiet: bool, debug: bool) -> None:
    for failure in result.failures[reported:]:
        print_error(failure.error)
        if failure.trace and debug:
            print(failure.trace, file=sys.stderr)
    if result.failures:
        read = len(result.summary["recordings"])
        earlier = "" if result.written else f"; the earlier results in {result.folder} were kept"
        print(f"mien: {read} of {read + len(result.failures)} inputs were read{earlier}", file=sys.stderr)
    if as_json:
        print_json(result.summary)
    elif result.written and not quiet:
        print_reading(result)


def print_reading(result: Result) -> None:
    """Print what was read, a line for each recording, and where the results are."""
    recordings = result.summary["recordings"]
    if len(recordings) <= MOST_LINES:
        for recording in recordings:
            typer.echo(_line(recording))
            for line in signals_lines(recording.get("signals")):
                typer.echo(f"  {line}")
    totals = result.summary
    counts = f"{count(totals['rows'], 'row')} from {count(totals['frames_analysed'], 'frame')}"
    typer.echo(f"{counts} in {totals['seconds']['wall']:.1f} s")
    if totals["rows"] and totals["seldom_found"]:
        typer.echo(totals["seldom_found"])
    typer.echo(f"table      {result.table}")
    for path in result.tables:
        typer.echo(f"{path.stem:10} {path}")
    typer.echo(f"summary    {result.folder / 'summary.json'}")
    for picture in result.pictures[:MOST_LINES]:
        kind = _KINDS.get(picture.suffix) or picture.suffixes[-2][1:]
        typer.echo(f"{kind:10} {picture}")
    if len(result.pictures) > MOST_LINES:
        typer.echo(f"and {len(result.pictures) - MOST_LINES} more pictures in {result.folder}")


def _expressions(recording: dict[str, Any]) -> str:
    """Return how many of a photograph's faces have each expression, or in which share of a video's rows."""
    rows, found = recording["rows"], recording["expressions"]
    if recording["kind"] == "photograph" and rows == 1:
        return f"1 face: {next(iter(found))}"
    if recording["kind"] == "photograph":
        return f"{count(rows, 'face')}: " + ", ".join(f"{label} {number}" for label, number in found.items())
    shares = {label: number / rows for label, number in found.items()}
    listed = ", ".join(f"{label} in {share:.0%}" for label, share in shares.items() if share >= LEAST_SHARE)
    return f"labelled {listed} of rows"


def _line(recording: dict[str, Any]) -> str:
    if not recording["rows"]:
        found = "no face"
    else:
        found = _expressions(recording)
        if recording["kind"] == "video" or next(iter(recording["expressions"])) == UNCERTAIN:
            means = recording["mean_probabilities"]
            likeliest = sorted(means, key=means.__getitem__, reverse=True)[:2]
            found += "; mean probability " + ", ".join(f"{label} {means[label]:.0%}" for label in likeliest)
    if recording["kind"] == "video":
        found += f" (face in {recording['frames_with_face']} of {recording['frames_analysed']} frames)"
    if kept := recording.get("subject"):
        found += (
            f"; {kept['code']} in {kept['frames_with_subject']} of {kept['frames']} frames, {_stored(kept)}"
        )
    if smiles := recording.get("smiles"):
        found += f"; {count(smiles['smiles'], 'smile')}, {smiles['measured']} measured"
    if pulse := recording.get("pulse"):
        found += f"; {_pulse(pulse)}"
    if neutral := recording.get("neutral"):
        found += f"; {neutral_line(neutral)}"
    note = f"; {recording['note']}" if recording["note"] else ""
    return f"{recording['source']}: {found}{note}"


def _pulse(pulse: dict[str, Any]) -> str:
    if not pulse["readings"]:
        return "pulse: no reading"
    rate, many = pulse["median_rate_bpm"], pulse["readings"]
    return f"pulse {rate:.0f} a minute (median of {count(many, 'reading')}, {pulse['rows'] - many} without)"


def signals_lines(signals: dict[str, Any] | None) -> Iterator[str]:
    """Yield what the body's signals say beside the face, and how they came to the video's clock."""
    if signals is None:
        return
    from mien.analysis.signals_choice import clock_words

    yield f"signals {clock_words(signals['clock'])}"
    aroused = signals["arousal"]
    rest = "its opening" if aroused["rest"] == "opening" else "the rest"
    if most := aroused["highest"]:
        start, end = aroused["rest_s"]
        yield (
            f"arousal (0 rest, 1 task) in {aroused['windows']} of {count(signals['windows'], 'window')}:"
            f" median {aroused['median']:.2f}, highest {most['value']:.2f} [{most['low']:.2f},"
            f" {most['high']:.2f}] at {most['start_s']:.0f}-{most['end_s']:.0f} s, against {rest} at"
            f" {start:.0f}-{end:.0f} s"
        )
    else:
        yield "arousal: not known; it needs pulse, skin conductance and five windows of rest"
    for each in signals["together"]:
        yield (
            f"{each['face']} and {each['body'].replace('_', ' ')}: r {each['correlation']:+z.2f}, the body"
            f" {each['lag_s']:+z.0f} s behind, p {each['p']:.3f} (quality {each['quality']:.2f})"
        )
    if not signals["together"]:
        yield "face and body together: no reading; it needs two minutes of both, and change in both"
    for each in signals["after_onsets"]:
        sure = "too short to tell from chance" if each["p"] is None else f"p {each['p']:.3f}"
        yield (
            f"{each['body'].replace('_', ' ')} after {count(each['onsets'], 'onset')} of {each['face']}:"
            f" {each['mean']:+z.2f} {each['unit']}, {sure}"
        )
    for note in signals["notes"]:
        yield f"note: {note}"


def neutral_line(neutral: dict[str, Any]) -> str:
    """Return in a few words by which neutral face an input was read."""
    person = neutral["person"] or next(iter(neutral.get("tracks", {}).values()), None)
    if person is None:
        return str(neutral["note"])
    own = sum(many for origin, many in neutral["readings"].items() if origin != "average")
    [(label, p)] = person["read_without"].items()
    said = f"own neutral face ({neutral['from']}, {person['seconds']:g} s) in {count(own, 'reading')}"
    if label == "neutral":
        return said
    return f"{said}. On its own, that face reads as {label} ({p:.0%}): was it neutral?"


def _stored(kept: dict[str, Any]) -> str:
    why = (
        " (when the file was last changed; set another time with --recorded-at)"
        if kept["by_file_date"]
        else ""
    )
    rarely = f"; {kept['read_too_rarely']}" if kept.get("read_too_rarely") else ""
    body = f", with {' and '.join(kept['signals'])}" if kept.get("signals") else ""
    refused = f"; {kept['signals_refused']}" if kept.get("signals_refused") else ""
    at = f"{datetime.fromisoformat(kept['recorded_at']):%Y-%m-%d %H:%M}"
    return f"stored as of {at}{why}{body}{rarely}{refused}"
