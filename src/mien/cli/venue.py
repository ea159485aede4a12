"""`mien venue`: stations that count visits, how they are set, and that their notice hangs."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from mien.cli.commands import group
from mien.cli.console import print_json
from mien.cli.options import JsonOption, StoreOption, number_argument
from mien.cli.times import read_end, read_moment, shown, shown_end
from mien.cli.venue_notice import notice
from mien.cli.venue_report import compare, export, report
from mien.cli.venue_run import run
from mien.errors import ConfigError, MissingError
from mien.store.store import Store
from mien.store.venue_types import LEAST_VISITS, Hours, Station, VenueMark, Zone

app = group("Stations that count a venue's visitors, in groups of at least ten, and know nobody.")

VenueArgument = Annotated[str, typer.Argument(metavar="VENUE", help="The venue's name.")]
StationArgument = Annotated[str, typer.Argument(metavar="STATION", help="The station's name.")]
CameraOption = Annotated[
    str | None,
    typer.Option(
        help="camera:0, rtsp://..., http://..., or a film. Without one, only the kiosk counts.",
        metavar="SOURCE",
    ),
]
LeastOption = Annotated[
    int | None, typer.Option("--least", help="Fewest visits of a cell; at least 10.", metavar="N")
]
_ZONE: str = '"count 0.1,0.2 0.9,0.2 0.9,1" or "ignore ...": corners as shares of the picture\'s sides.'
_HOURS: str = '"mon-fri 11:00-14:30" or "18:00-24:00".'


@app.command()
def add(
    venue: VenueArgument,
    station: StationArgument,
    camera: CameraOption = None,
    zones: Annotated[
        list[str] | None,
        typer.Option("--zone", help=f"{_ZONE} May be repeated; easier on the page.", metavar="ZONE"),
    ] = None,
    hours: Annotated[
        list[str] | None,
        typer.Option("--hours", help=f"{_HOURS} May be repeated [always].", metavar="HOURS"),
    ] = None,
    least: LeastOption = None,
    where: StoreOption = None,
) -> None:
    """Add a station, and its venue where it is the first. It reads nothing before its notice is confirmed.

    Example: mien venue add cafe till-1 --camera camera:0 --hours "mon-sat 8:00-18:00"
    """
    made = Station(
        venue,
        station,
        camera or "",
        zones=tuple(map(Zone.parse, zones or ())),
        hours=tuple(map(Hours.parse, hours or ())),
        least=LEAST_VISITS if least is None else least,
    )
    _check_camera(made)
    with Store(where) as store:
        store.venues.add(made)
    typer.echo(f"{venue}/{station}: added")
    if made.source:
        typer.echo(
            f"It reads nothing yet. Print its notice (mien venue notice {venue} {station} --contact ...),"
            f" hang it, and confirm that: mien venue confirm-notice {venue} {station}",
            err=True,
        )


@app.command("list")
def list_stations(
    venue: Annotated[str | None, typer.Argument(metavar="[VENUE]", help="Of this venue only.")] = None,
    where: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the stations of all venues, or of one.

    Example: mien venue list
    """
    with Store(where, create=False) as store:
        stations = store.venues.stations(venue)
        if venue is not None and not stations:
            raise MissingError(f"there is no venue {venue}: mien venue list")
    if as_json:
        print_json([_described(each) for each in stations])
        return
    for each in stations:
        typer.echo(f"{each.venue}/{each.name:16}  {_shown_source(each):24}  {_readiness(each)}")


@app.command()
def show(
    venue: VenueArgument, station: StationArgument, where: StoreOption = None, as_json: JsonOption = False
) -> None:
    """Show how a station is set.

    Example: mien venue show cafe till-1
    """
    with Store(where, create=False) as store:
        found = store.venues.station(venue, station)
    if as_json:
        print_json(_described(found))
        return
    typer.echo(f"{found.venue}/{found.name}: {_readiness(found)}")
    typer.echo(f"camera  {_shown_source(found)}")
    typer.echo(f"least   {found.least} visits in a cell")
    for zone in found.zones or ("count everywhere",):
        typer.echo(f"zone    {zone}")
    for hours in found.hours or ("always",):
        typer.echo(f"hours   {hours}")


@app.command()
def change(
    venue: VenueArgument,
    station: StationArgument,
    camera: CameraOption = None,
    least: LeastOption = None,
    on: Annotated[
        bool | None, typer.Option("--on/--off", help="Switch it on or off, within a second.")
    ] = None,
    where: StoreOption = None,
) -> None:
    """Change a station's camera or its least number of visits, or switch it on or off.

    Example: mien venue change cafe till-1 --off
    """
    if camera is None and least is None and on is None:
        raise ConfigError("nothing to change: give --camera, --least, --on or --off")
    with Store(where, create=False) as store, store.transaction():
        found = store.venues.station(venue, station)
        changed = replace(
            found,
            source=found.source if camera is None else camera,
            least=found.least if least is None else least,
        )
        _check_camera(changed)
        if changed != found:
            store.venues.change(changed)
        if on is not None:
            changed = store.venues.switch(venue, station, on=on)
    typer.echo(f"{venue}/{station}: {_readiness(changed)}")


@app.command()
def remove(
    venue: VenueArgument,
    station: StationArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    where: StoreOption = None,
) -> None:
    """Remove a station and all that was counted there. This can't be undone.

    Example: mien venue remove cafe till-1 --yes
    """
    with Store(where, create=False) as store:
        store.venues.station(venue, station)
        if not yes:
            typer.confirm(f"Remove {venue}/{station} and all that was counted there?", abort=True, err=True)
        store.venues.remove(venue, station)
    typer.echo(f"{venue}/{station}: removed")


@app.command()
def zone(
    venue: VenueArgument,
    station: StationArgument,
    zones: Annotated[list[str] | None, typer.Argument(metavar="[ZONE]...", help=_ZONE)] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Take all zones away.")] = False,
    where: StoreOption = None,
) -> None:
    """Replace the zones of a station, or list them. They are drawn more easily on the page.

    Example: mien venue zone cafe till-1 "count 0,0 0.6,0 0.6,1 0,1" "ignore 0.6,0 1,0 1,1 0.6,1"
    """
    chosen = tuple(map(Zone.parse, zones or ()))
    if chosen and clear:
        raise ConfigError("give zones or --clear, not both")
    with Store(where, create=False) as store:
        found = store.venues.station(venue, station)
        if chosen or clear:
            found = store.venues.change(replace(found, zones=chosen))
    for each in found.zones or ("count everywhere",):
        typer.echo(str(each))


@app.command()
def hours(
    venue: VenueArgument,
    station: StationArgument,
    stretches: Annotated[list[str] | None, typer.Argument(metavar="[HOURS]...", help=_HOURS)] = None,
    always: Annotated[bool, typer.Option("--always", help="Count at all hours.")] = False,
    where: StoreOption = None,
) -> None:
    """Replace the hours in which a station counts, or list them; by the clock of the machine that runs it.

    Example: mien venue hours cafe till-1 "mon-fri 11:00-14:30" "fri,sat 18:00-24:00"
    """
    chosen = tuple(map(Hours.parse, stretches or ()))
    if chosen and always:
        raise ConfigError("give hours or --always, not both")
    with Store(where, create=False) as store:
        found = store.venues.station(venue, station)
        if chosen or always:
            found = store.venues.change(replace(found, hours=chosen))
    for each in found.hours or ("always",):
        typer.echo(str(each))


@app.command("confirm-notice")
def confirm_notice(
    venue: VenueArgument,
    station: StationArgument,
    taken_down: Annotated[
        bool, typer.Option("--taken-down", help="It hangs there no longer: stop counting.")
    ] = False,
    where: StoreOption = None,
) -> None:
    """Confirm that the notice hangs where guests see it before the camera sees them.

    Until then a station reads nothing (Article 50(3) of Regulation (EU) 2024/1689; this is not legal advice).

    Example: mien venue confirm-notice cafe till-1
    """
    with Store(where, create=False) as store:
        found = store.venues.confirm_notice(venue, station, None if taken_down else store.now())
    typer.echo(f"{venue}/{station}: {_readiness(found)}")


@app.command()
def mark(
    venue: VenueArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help='What was changed, such as "new menu".')],
    at: Annotated[
        str | None, typer.Option("--from", help="From when on: 14:30 or 2026-05-03 [now].", metavar="TIME")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Its last day or moment [it stays].", metavar="TIME")
    ] = None,
    where: StoreOption = None,
) -> None:
    """Note something that was changed in a venue, so that reports can say what differs since.

    Example: mien venue mark cafe "new menu" --from 2026-05-04
    """
    with Store(where, create=False) as store:
        now = store.now()
        made = VenueMark(
            venue,
            now if at is None else read_moment("--from", at, now),
            text,
            None if until is None else read_end("--until", until, now),
        )
        made = store.venues.add_mark(made)
    typer.echo(f"mark {made.id}, {shown(made.at)}")


@app.command()
def marks(venue: VenueArgument, where: StoreOption = None, as_json: JsonOption = False) -> None:
    """List a venue's marks, by time.

    Example: mien venue marks cafe
    """
    with Store(where, create=False) as store:
        found = store.venues.marks(venue)
    if as_json:
        print_json(found)
        return
    for each in found:
        until = "" if each.until is None else f" to {shown_end(each.until)}"
        typer.echo(f"{each.id:4}  {shown(each.at)}{until}  {each.text}")


@app.command()
def unmark(
    venue: VenueArgument,
    number: Annotated[int, number_argument("The number that `mien venue marks` shows.")],
    where: StoreOption = None,
) -> None:
    """Take a mark away.

    Example: mien venue unmark cafe 3
    """
    with Store(where, create=False) as store:
        store.venues.remove_mark(venue, number)
    typer.echo(f"removed {number}")


app.command()(notice)
app.command()(run)
app.command()(report)
app.command()(compare)
app.command()(export)


def _check_camera(station: Station) -> None:
    """Raise where a station's camera can't be one."""
    from mien.places.equipment import camera_of  # which loads the networks' runtime

    camera_of(station)


def _shown_source(station: Station) -> str:
    from mien.source.address import without_secrets

    return without_secrets(station.source) or "no camera"


def _readiness(station: Station) -> str:
    if not station.source:
        return "kiosk only"
    if not station.enabled:
        return "switched off"
    if station.notice_at is None:
        return "reads nothing: its notice is not confirmed"
    return f"ready, notice confirmed {shown(station.notice_at)}"


def _described(station: Station) -> dict[str, object]:
    return {
        "venue": station.venue,
        "name": station.name,
        "camera": _shown_source(station) if station.source else None,
        "zones": list(map(str, station.zones)),
        "hours": list(map(str, station.hours)),
        "least": station.least,
        "notice_at": station.notice_at,
        "enabled": station.enabled,
    }
