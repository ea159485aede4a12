"""`mien demo`: the whole way on the built-in portrait, without a camera and without a file."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

import typer

from mien.analysis.batch import analyse_all
from mien.analysis.partial import Wanted
from mien.analysis.task import PORTRAIT
from mien.cli.analyze import print_reading
from mien.cli.console import progress_bar
from mien.cli.options import DetectorOption, NetworkOption, PriorOption
from mien.config import Settings, load_settings
from mien.install import extras_command
from mien.live.sensors import shown_address
from mien.live.session import LiveSession
from mien.source import open_live
from mien.store.store import Store

CODE: Final = "SIMULATED-1"
"""Of the made-up person."""

VENUE: Final = "restaurant"
"""The made-up venue."""

BOARD: Final = "board:synthetic"
"""The made-up body."""


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")] = Path("mien-demo"),
    detector: DetectorOption = None,
    network: NetworkOption = None,
    prior: PriorOption = None,
    page: Annotated[
        bool, typer.Option("--page/--no-page", help="Also show it live on a page, if run at a terminal.")
    ] = True,
) -> None:
    """Show everything on a built-in portrait and an invented record.

    Writes a table, a clip with the face marked, and a plot; the record of an invented person over twelve
    weeks, with its report; and eight weeks of an invented restaurant, with a report of the last one. At a
    terminal it then shows all of it on a page until you press Ctrl-C, with the made-up signals of a body
    beside the face; that needs the extras `web` and `signals` (see `mien doctor`). The portrait is
    matplotlib's photograph of Grace Hopper, which is in the public domain, slowly panned, zoomed and turned.

    Example: mien demo
    """
    settings = load_settings(detector=detector, network=network, prior=prior)
    with progress_bar("reading", 1) as progress:
        result = analyse_all([PORTRAIT], settings, out, wanted=Wanted(annotate=True), progress=progress)
    print_reading(result)
    record = out / "record.sqlite"
    _simulate(record, out / "report")
    _simulate_venue(record, out / "venue")
    if page and sys.stdin.isatty() and sys.stdout.isatty():
        _show_live(settings, record)


def _simulate(record: Path, report: Path) -> None:
    """Make up a person's twelve weeks, and write their report."""
    from mien.record.simulated import write_demonstration
    from mien.report import save_report

    for left in record.parent.glob(f"{record.name}*"):
        left.unlink()
    with Store(record) as store, progress_bar("simulating", 1) as progress:
        subject = write_demonstration(store, CODE, progress=progress)
        endings = (".html", ".pdf") if find_spec("typst") else (".html",)
        files = [save_report(store, subject, report.with_suffix(each)) for each in endings]
    typer.echo(f"{CODE}, a simulated person over twelve weeks: {record}, {', '.join(map(str, files))}")


def _simulate_venue(record: Path, report: Path) -> None:
    """Make up a restaurant's eight weeks, and write the report of the last one."""
    from mien.places.simulated_venue import write_simulated_venue
    from mien.places.venue_report import save_venue_report

    with Store(record) as store:
        write_simulated_venue(store, VENUE)
        endings = (".html", ".pdf") if find_spec("typst") else (".html",)
        files = [save_venue_report(store, VENUE, report.with_suffix(each)) for each in endings]
    typer.echo(f"{VENUE}, a simulated venue over eight weeks: {', '.join(map(str, files))}")


def _show_live(settings: Settings, record: Path) -> None:
    if find_spec("fastapi") is None:
        typer.echo(f"To see it live on a page: {extras_command('web')}")
        return
    from mien.web.serve import run_page
    from mien.web.settings import WebSettings

    with LiveSession(settings) as session:
        where = PORTRAIT.where
        session.add(where, lambda: open_live(where), where=where)
        _add_board(session)
        # Any free port: a page that runs already must not stop the demo.
        run_page(session, WebSettings(port=0), store=str(record))


def _add_board(session: LiveSession) -> None:
    """Put a made-up body beside the portrait."""
    if find_spec("brainflow") is None or find_spec("neurokit2") is None:
        typer.echo(f"To see a made-up body beside the face: {extras_command('signals')}")
        return
    from mien.signals.stream.address import check_address

    opened = check_address(BOARD)
    typer.echo("The signals beside the face are made up by BrainFlow's synthetic board: nobody's body.")
    session.add_signals("made-up body", lambda: opened(session.machine_clock()), where=shown_address(BOARD))
