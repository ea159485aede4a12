"""`mien venue run`: count visits at stations, and show the page."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.options import DetectorOption, FpsOption, NetworkOption, StoreOption
from mien.cli.serving import (
    AllowHostsOption,
    BrowserOption,
    HostOption,
    PageOption,
    PasswordFileOption,
    PortOption,
    StopAfterOption,
    TlsCertOption,
    TlsKeyOption,
    run_for,
    web_settings,
)
from mien.cli.times import shown
from mien.config import load_settings
from mien.errors import ConfigError
from mien.live.purpose import MEANINGS, choose_purpose, read_purpose
from mien.store.store import Store

if TYPE_CHECKING:
    from mien.places.station import StationStatus
    from mien.places.venue_runner import Sink
    from mien.places.waiting_cells import Cell

_PURPOSE = "venue"


def run(
    venues: Annotated[
        list[str] | None, typer.Argument(metavar="[VENUE]...", help="Whose stations to run [all].")
    ] = None,
    stations: Annotated[
        list[str] | None,
        typer.Option("--station", help="Run these stations only; may be repeated.", metavar="NAME"),
    ] = None,
    page: PageOption = True,
    browser: BrowserOption = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print closed cells and states as lines of JSON.")
    ] = False,
    purpose: Annotated[
        str | None,
        typer.Option(help="Say once that this is what you use Mien for: venue.", metavar="venue"),
    ] = None,
    mqtt: Annotated[
        str | None,
        typer.Option(help="Publish closed cells to a broker.", metavar="mqtt://HOST", envvar="MIEN_MQTT"),
    ] = None,
    webhook: Annotated[
        str | None,
        typer.Option(
            help="Post closed cells to this address; signed, where MIEN_WEBHOOK_SECRET is set.",
            metavar="URL",
            envvar="MIEN_WEBHOOK",
        ),
    ] = None,
    detector: DetectorOption = None,
    network: NetworkOption = None,
    fps: FpsOption = None,
    store: StoreOption = None,
    host: HostOption = None,
    port: PortOption = None,
    password_file: PasswordFileOption = None,
    tls_cert: TlsCertOption = None,
    tls_key: TlsKeyOption = None,
    allow_hosts: AllowHostsOption = None,
    stop_after: StopAfterOption = None,
) -> None:
    """Count visits at stations whose notice is confirmed, and open the page of the venue.

    What is stored are sums over at least ten visits; what is not closed yet is held in memory, and lost if
    the program is killed. Closed sums wait on this computer's disk while a server is away. No picture is
    stored, and none leaves the machine. Stations follow what is set on the page and by other commands within
    a second.

    Example: mien venue run cafe
    """
    given = {"detector": detector, "network": network, "fps": fps}
    settings = load_settings(**{name: value for name, value in given.items() if value is not None})
    pages = web_settings(host, port, password_file, tls_cert, tls_key, allow_hosts) if page else None
    _settle_purpose(purpose)
    from mien.expression.network import load_network
    from mien.live.ending import told_to_end
    from mien.live.session import LiveSession, SharedNetwork
    from mien.places.equipment import Equipment
    from mien.places.venue_runner import VenueRunner
    from mien.record.spool import spool_folder

    with ExitStack() as stack:
        # Outermost, so that a second Ctrl-C does not cost the cells that are being closed.
        told = stack.enter_context(told_to_end())
        opened = stack.enter_context(Store(store, create=page))
        _check_known(opened, venues or (), stations or (), empty_is_fine=page)
        loaded = stack.enter_context(closing(load_network(settings.network, settings.thread_count)))
        loaded.warm_up()
        shared = SharedNetwork(loaded)
        sinks: list[Sink] = [_Printer(as_json=as_json), *_sinks(mqtt, webhook)]
        running = stack.enter_context(
            VenueRunner(
                opened, Equipment(settings, shared), venues=venues or None, stations=stations or None,
                sinks=sinks, waiting=spool_folder(opened),
            )
        )  # fmt: skip
        if pages is None:
            told.wait(stop_after)
            return
        from mien.web.serve import run_page

        session = LiveSession(settings, network=shared)
        run_for(stop_after, lambda: run_page(session, pages, browser, store=store, running=running))


def _settle_purpose(purpose: str | None) -> None:
    """See to it that Mien is set up for counting visitors, before the first picture is taken.

    Raises:
        ConfigError: it is not.
    """
    if purpose is not None:
        if purpose != _PURPOSE:
            raise ConfigError(f"stations count with the purpose venue alone, received {purpose!r}")
        choose_purpose(purpose)
        return
    known = read_purpose()
    if known == _PURPOSE:
        return
    if known is not None:
        raise ConfigError(
            f"Mien is set up here for another purpose: {known} ({MEANINGS[known]}). If it is to count"
            " visitors now, say so once: mien venue run --purpose venue"
        )
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigError(f"say once what you use this for: --purpose venue ({MEANINGS[_PURPOSE]})")
    typer.echo("Mien reads the pictures in memory. None is stored, and none leaves this machine.", err=True)
    typer.confirm(f"Do you use it for {MEANINGS[_PURPOSE]}, and not to watch staff?", abort=True, err=True)
    choose_purpose(_PURPOSE)


def _check_known(
    store: Store, venues: Sequence[str], stations: Sequence[str], *, empty_is_fine: bool
) -> None:
    """Raise where what is asked for is not there, or nothing is."""
    found = store.venues.stations()
    if not found and not venues and not stations and not empty_is_fine:
        raise ConfigError("there is no station yet: mien venue add VENUE STATION --camera SOURCE")
    for what, asked, there in (
        ("venue", venues, {each.venue for each in found}),
        ("station", stations, {each.name for each in found if not venues or each.venue in venues}),
    ):
        if unknown := [each for each in asked if each not in there]:
            raise ConfigError(f"there is no {what} {unknown[0]}: mien venue list")


def _sinks(mqtt: str | None, webhook: str | None) -> list[Sink]:
    sinks: list[Sink] = []
    if webhook is not None:
        from mien.places.webhook import Webhook

        sinks.append(Webhook(webhook, secret=os.environ.get("MIEN_WEBHOOK_SECRET")))
    if mqtt is not None:
        from mien.places.venue_mqtt import VenueMqtt

        sinks.append(VenueMqtt(mqtt))
    return sinks


class _Printer:
    """A `Sink` that prints: closed cells, and how a station is doing when that changes."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._last: dict[tuple[str, str], str] = {}

    def cells(self, cells: Sequence[Cell]) -> None:
        """Print closed cells."""
        from mien.places.venue_messages import kind_of, told

        for cell in cells:
            known = told(cell)
            if self._as_json:
                self._print(json.dumps({"kind": kind_of(cell), **known}))
                continue
            figures = (
                f"{known['visits']} visits, {known['smiling']:.0%} smiling, valence {known['valence']:+z.2f}"
                if kind_of(cell) == "visits"
                else f"{known['answers']} answers, mean {known['mean']:.1f}"
            )
            self._print(
                f"{cell.venue}/{cell.station}  {shown(cell.start)} to {shown(cell.end)[-5:]}  {figures}"
            )

    def states(self, statuses: Sequence[StationStatus]) -> None:
        """Print those that are doing something else than before."""
        for each in statuses:
            names = each.venue, each.station
            if self._last.get(names) == each.words:
                continue
            self._last[names] = each.words
            if self._as_json:
                self._print(json.dumps({"kind": "state", **each.as_dict()}))
            else:
                print(f"mien: {'/'.join(names)}: {each.words}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Nothing to let go."""

    @staticmethod
    def _print(line: str) -> None:
        try:
            print(line, flush=True)
        except BrokenPipeError:  # who read it has gone; the stations count on
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
