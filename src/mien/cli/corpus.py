"""`mien corpus`: thousands of inputs read by many workers, each exactly once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mien.cli.commands import group
from mien.cli.console import Interrupted, print_error, print_json
from mien.cli.options import (
    DetectorOption,
    EveryOption,
    FpsOption,
    JsonOption,
    MinFaceOption,
    NetworkOption,
    PriorOption,
)
from mien.config import load_settings
from mien.wording import count

if TYPE_CHECKING:  # the network's library, which the help should not wait for
    from mien.corpus.corpus import Status

app = group("Read a corpus: thousands of inputs, by many workers or a cluster, each exactly once.")

CorpusArgument = Annotated[str, typer.Argument(metavar="CORPUS", help="Its folder or address.")]
EngineOption = Annotated[
    Literal["local", "ray"],
    typer.Option(help="Who reads: processes of this machine, or a cluster of Ray."),
]
WorkersOption = Annotated[
    int, typer.Option(help="How many inputs to read at once; 0 for one per core.", metavar="N", min=0)
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        help="The cluster: auto, HOST:6379, or ray://HOST:10001 [one on this machine].", metavar="RAY"
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]

_EVERY_S = 30.0
"""A file that progress goes to gets a line this often; a terminal shows each change."""


@app.command()
def analyze(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Photographs, videos and folders; also at s3://, gs://, sftp://, http://.",
        ),
    ],
    out: Annotated[
        str, typer.Option("--out", "-o", help="The corpus: a folder or an address.", metavar="CORPUS")
    ] = "mien-corpus",
    engine: EngineOption = "local",
    workers: WorkersOption = 0,
    address: AddressOption = None,
    measures: Annotated[
        bool, typer.Option("--measures", help="Write head pose, eyes, brows and mouth to the tables too.")
    ] = False,
    landmarks: Annotated[
        bool, typer.Option("--landmarks", help="Write the 68 points of each face to the tables too.")
    ] = False,
    part_minutes: Annotated[
        float,
        typer.Option(
            help="Read a film of at least twice so many minutes in parts, parted at its cuts, by several"
            " workers; the table is the same. 0 reads each film as a whole.",
            metavar="MINUTES",
            min=0,
        ),
    ] = 60,
    detector: DetectorOption = None,
    network: NetworkOption = None,
    prior: PriorOption = None,
    min_face: MinFaceOption = None,
    every: EveryOption = None,
    fps: FpsOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Read what is missing of some inputs into a corpus.

    Run it again after whatever happened: only what is missing is read. An input that can't be read becomes an
    error, and the others go on. Another network or setting makes a new version beside the old one. The exit
    status is 1 where one of these inputs isn't there or could not be read, now or earlier.

    Example: mien corpus analyze s3://bucket/interviews --out s3://bucket/readings --engine ray --address auto
    """
    from mien.corpus.corpus import Corpus

    settings = load_settings(
        detector=detector, network=network, prior=prior, min_face_px=min_face, every=every, fps=fps
    )
    with _shown(quiet, f"run the same command again to continue into {out}") as progress:
        status = Corpus(out).analyze(
            inputs, engine=engine, workers=workers, address=address, measures=measures, landmarks=landmarks,
            part_s=60 * part_minutes, progress=progress, **settings.model_dump(exclude_none=True),
        )  # fmt: skip
    _end(status, out, as_json=as_json, quiet=quiet)


@app.command()
def retry(
    corpus: CorpusArgument,
    engine: EngineOption = "local",
    workers: WorkersOption = 0,
    address: AddressOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Read again the inputs that failed, and those that are left, with the same network and settings.

    Example: mien corpus retry readings
    """
    from mien.corpus.corpus import Corpus

    with _shown(quiet, "run the same command again to continue") as progress:
        status = Corpus(corpus).retry(engine=engine, workers=workers, address=address, progress=progress)
    _end(status, corpus, as_json=as_json, quiet=quiet)


@app.command()
def status(corpus: CorpusArgument, as_json: JsonOption = False) -> None:
    """Show how many inputs are read, failed and left, and what errors there were.

    Example: mien corpus status readings
    """
    from mien.corpus.corpus import Corpus

    found = Corpus(corpus).status()
    if as_json:
        print_json(found)
    else:
        _say(found)


@app.command()
def errors(corpus: CorpusArgument, as_json: JsonOption = False) -> None:
    """Show which inputs could not be read, and why.

    Example: mien corpus errors readings
    """
    from mien.corpus.corpus import Corpus

    found = Corpus(corpus).errors().to_dict("records")
    if as_json:
        print_json(found)
        return
    for each in found:
        typer.echo(f"{each['source']}: {each['kind']}: {each['error']}")
    if not found:
        typer.echo("no errors")


@app.command()
def table(
    corpus: CorpusArgument,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The file, in .csv or .parquet.", metavar="FILE")
    ] = Path("table.parquet"),
) -> None:
    """Write the readings of all inputs as one table, as `mien analyze` would have.

    Example: mien corpus table readings --out table.parquet
    """
    from mien.corpus.corpus import Corpus

    Corpus(corpus).save(out)
    typer.echo(f"table    {out}")


@contextmanager
def _shown(quiet: bool, remedy: str) -> Iterator[Callable[[Status], None]]:
    """Show how far it is on standard error, and what to do when it is interrupted."""
    last = 0.0
    terminal = sys.stderr.isatty()

    def show(now: Status) -> None:
        nonlocal last
        if now.run_inputs == 0 and now.new_version:
            print(f"mien: another network or setting than before: new version {now.version}", file=sys.stderr)
        if quiet or (not terminal and monotonic() - last < _EVERY_S):
            return
        last = monotonic()
        line = f"mien: {_progress(now)}"
        print(
            f"\r\x1b[K{line}" if terminal else line, end="" if terminal else "\n", file=sys.stderr, flush=True
        )

    try:
        yield show
    except KeyboardInterrupt as error:
        raise Interrupted(f"interrupted; {remedy}") from error
    finally:
        if terminal and not quiet:
            print(file=sys.stderr)


def _progress(now: Status) -> str:
    said = [_counts(now)]
    if now.run_inputs:
        said.append(f"{60 * now.run_inputs / now.run_s:.1f} inputs a minute")
    if now.left and now.time_left_s is not None:
        said.append(f"{_hours(now.time_left_s)} left")
    return "; ".join(said)


def _counts(now: Status) -> str:
    return (
        f"{now.done} of {count(now.inputs, 'input')} read, {now.failed} failed, {now.left} left;"
        f" {_hours(now.video_s)} of video, {count(now.faces, 'face')}"
    )


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"


def _say(found: Status) -> None:
    typer.echo(f"version  {found.version}")
    typer.echo(_counts(found))
    for kind, many in found.errors.items():
        typer.echo(f"{many} {kind}")


def _end(status: Status, corpus: str, *, as_json: bool, quiet: bool) -> None:
    for each in status.not_found:
        print_error(each)
    if as_json:
        print_json(status)
    elif not quiet:
        _say(status)
    if status.failed:
        print_error(f"{count(status.failed, 'input')} could not be read: mien corpus errors {corpus}")
    if status.run_failed or status.not_found:
        raise typer.Exit(1)
