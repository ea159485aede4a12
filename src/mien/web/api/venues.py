"""The venues' part of the API: stations and how they are doing, what is changed on them, figures, marks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Final, Literal, Protocol

import cv2
from fastapi import APIRouter, HTTPException, Request, Response

from mien.source.address import without_secrets
from mien.store.venue_types import AnswerCell, Hours, Station, VenueMark, VisitCell, Zone
from mien.types import Image
from mien.web.answers import file_of
from mien.web.api import views
from mien.web.api.fields import Day, Number, PlaceName
from mien.web.api.live import check_addable, check_may_change
from mien.web.api.subjects import asked_moment
from mien.web.api.venue_models import (
    HoursModel,
    MarkOut,
    NewHours,
    NewStation,
    NewVenueMark,
    NewZones,
    Posted,
    StationOut,
    StationState,
    Switch,
    VenueList,
    VenueOut,
    VenueSummaryOut,
    ZoneModel,
)
from mien.web.security.access import Host, Visitor
from mien.web.settings import WebSettings

if TYPE_CHECKING:
    from mien.places.venue_cells import AnswerMaker
    from mien.places.venue_summary import VenueSummary

MOST_DAYS: Final = 366
"""Days of a summary."""

_JPEG: Final = (cv2.IMWRITE_JPEG_QUALITY, 85)


class Running(Protocol):
    """What runs stations in this process, as far as the pages need it."""

    def doing(self, venue: str, station: str) -> tuple[StationState, str] | None:
        """Return how a station is doing, in a word and in a sentence; None where it is not run here."""

    def snapshot(self, station: Station) -> Image:
        """Return what a station's camera sees, in which nobody can be known.

        Raises:
            SourceError: it gives no picture.
        """

    def answers(self, venue: str, station: str) -> AnswerMaker:
        """Return what counts the answers at a station's kiosk.

        Raises:
            MissingError: it is not run here.
        """

    def refresh(self) -> None:
        """Follow what the store says now, without waiting for the next look."""


def venue_routes(running: Running | None, settings: WebSettings) -> APIRouter:
    """Make the routes of the venues.

    Args:
        running: what runs stations here; None where nothing does.
        settings: whether stations may be added.
    """
    router = APIRouter(tags=["venues"], prefix="/venues")
    _add_stations(router, running, settings)
    _add_figures(router)
    _add_marks(router)
    return router


def _add_stations(router: APIRouter, running: Running | None, settings: WebSettings) -> None:
    def told(station: Station) -> StationOut:
        return _station_view(station, running)

    def changed(station: Station) -> StationOut:
        if running is not None:
            running.refresh()
        return told(station)

    @router.get("")
    def venues(who: Host, request: Request) -> VenueList:
        """List the venues with their stations, and how each is doing."""
        with who.store.reading():
            found = [_venue_view(who, name, running) for name in who.store.venues.names()]
        return VenueList(venues=found, may_add=_may_add(request, settings))

    @router.post("/{venue}/stations", status_code=201)
    def add(venue: PlaceName, wanted: NewStation, who: Host, request: Request) -> StationOut:
        """Add a station, and its venue where it is the first; only from a browser on the server's machine."""
        check_may_change(request, settings)
        return changed(
            who.store.venues.add(Station(venue, wanted.name, wanted.source and check_addable(wanted.source)))
        )

    @router.get("/{venue}/stations/{station}")
    def station(venue: PlaceName, station: PlaceName, who: Host) -> StationOut:
        """Return a station: where it looks, when it counts, how it is doing."""
        return told(who.store.venues.station(venue, station))

    @router.get(
        "/{venue}/stations/{station}/picture.jpg", response_class=Response, responses=file_of("image/jpeg")
    )
    def picture(venue: PlaceName, station: PlaceName, who: Host) -> Response:
        """Return what the camera sees, in squares so coarse that nobody can be known; it is kept nowhere."""
        found = who.store.venues.station(venue, station)
        if running is None:
            raise HTTPException(409, "No camera is open here: start it with mien venue run.")
        image = cv2.cvtColor(running.snapshot(found), cv2.COLOR_RGB2BGR)
        data = cv2.imencode(".jpg", image, _JPEG)[1].tobytes()
        return Response(data, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    @router.put("/{venue}/stations/{station}/zones")
    def set_zones(venue: PlaceName, station: PlaceName, wanted: NewZones, who: Host) -> StationOut:
        """Replace the zones; they hold from now on."""
        zones = tuple(Zone(each.use, tuple(each.corners)) for each in wanted.zones)
        return changed(
            who.store.venues.change(replace(who.store.venues.station(venue, station), zones=zones))
        )

    @router.put("/{venue}/stations/{station}/hours")
    def set_hours(venue: PlaceName, station: PlaceName, wanted: NewHours, who: Host) -> StationOut:
        """Replace the opening hours; they hold from now on."""
        hours = tuple(
            Hours(tuple(each.days), time.fromisoformat(each.opens), time.fromisoformat(each.closes))
            for each in wanted.hours
        )
        return changed(
            who.store.venues.change(replace(who.store.venues.station(venue, station), hours=hours))
        )

    @router.post("/{venue}/stations/{station}/notice")
    def confirm(venue: PlaceName, station: PlaceName, wanted: Posted, who: Host) -> StationOut:
        """Confirm that the notice hangs where guests see it; nothing is read before."""
        return changed(who.store.venues.confirm_notice(venue, station, who.store.now()))

    @router.post("/{venue}/stations/{station}/switch")
    def switch(venue: PlaceName, station: PlaceName, wanted: Switch, who: Host) -> StationOut:
        """Turn a station on or off, at once."""
        return changed(who.store.venues.switch(venue, station, on=wanted.on))


def _may_add(request: Request, settings: WebSettings) -> bool:
    try:
        check_may_change(request, settings)
    except HTTPException:
        return False
    return True


def _venue_view(who: Visitor, name: str, running: Running | None) -> VenueOut:
    stations = who.store.venues.stations(name)
    return VenueOut(
        name=name,
        stations=[_station_view(each, running) for each in stations],
        last_day=max(filter(None, (_last_day(who, each) for each in stations)), default=None),
        simulated=any(each.simulated for each in stations),
    )


def _last_day(who: Visitor, station: Station) -> str | None:
    """Return the last day on which a station's cells, of visits or of answers, say anything."""
    from mien.places.venue_figures import place_of

    days = []
    for kind, cells_of in ((VisitCell, who.store.venues.cells), (AnswerCell, who.store.venues.answer_cells)):
        until = who.store.venues.kept_until(station.venue, station.name, kind, who.store.now())
        if until is not None:
            days += [
                place_of(each)[0] for each in cells_of(station.venue, station.name, until - timedelta(1))
            ]
    return max(days).isoformat() if days else None


def _station_view(station: Station, running: Running | None) -> StationOut:
    state, words = _doing(station, running)
    return StationOut(
        venue=station.venue,
        name=station.name,
        source=without_secrets(station.source),
        zones=[ZoneModel(use=each.use, corners=list(each.corners)) for each in station.zones],
        hours=[
            HoursModel(days=list(each.days), opens=f"{each.opens:%H:%M}", closes=f"{each.closes:%H:%M}")
            for each in station.hours
        ],
        least=station.least,
        notice=views.local(station.notice_at) if station.notice_at else None,
        enabled=station.enabled,
        state=state,
        words=words,
    )


def _doing(station: Station, running: Running | None) -> tuple[StationState, str]:
    if station.simulated:
        return "stopped", "It is made up: there is no camera."
    if not station.enabled:
        return "off", "It is turned off: nothing is read."
    doing = running.doing(station.venue, station.name) if running else None
    if doing is not None and not station.source:
        return "stopped", "It has no camera: guests answer at the kiosk."
    if station.source and station.notice_at is None:
        return "unposted", "The notice is not confirmed yet: nothing is read before."
    return doing or ("stopped", "It is not running here: mien venue run")


def _add_figures(router: APIRouter) -> None:
    @router.get("/{venue}/summary")
    def summary(
        venue: PlaceName, who: Host, first: Day, last: Day, station: PlaceName | None = None
    ) -> VenueSummaryOut:
        """Return the figures of some days, each of at least ten visits; hours are those of the last day."""
        from mien.places.venue_summary import read_summary

        _check_days(first, last)
        return _summary_view(read_summary(who.store, venue, first=first, last=last, station=station))

    @router.get(
        "/{venue}/report.{form}",
        response_class=Response,
        responses=file_of("application/pdf", "text/html"),
    )
    def report(
        venue: PlaceName,
        form: Literal["pdf", "html"],
        who: Host,
        last: Day,
        span: Literal["day", "week"] = "week",
        station: PlaceName | None = None,
    ) -> Response:
        """Return the report of a day, or of the seven days up to it."""
        from mien.places.venue_report import read_report
        from mien.report import render_html, render_pdf

        said = read_report(who.store, venue, span=span, last=last, station=station)
        body: str | bytes = render_html(said) if form == "html" else render_pdf(said)
        kind = "text/html; charset=utf-8" if form == "html" else "application/pdf"
        return _file(body, kind, f"{venue}-{span}-{last}.{form}")

    @router.get("/{venue}/figures.csv", response_class=Response, responses=file_of("text/csv"))
    def figures(
        venue: PlaceName,
        who: Host,
        first: Day,
        last: Day,
        by: Literal["day", "hour"] = "day",
        station: PlaceName | None = None,
    ) -> Response:
        """Return the figures of some days as a table, a row a day, or for full hours."""
        from mien.places.venue_export import table_of

        _check_days(first, last)
        table = table_of(who.store, venue, first=first, last=last, by=by, station=station)
        return _file(table.to_csv(index=False), "text/csv", f"{venue}-{first}-{last}.csv")


def _check_days(first: date, last: date) -> None:
    if not 0 <= (last - first).days < MOST_DAYS:
        raise HTTPException(
            422, f"expected up to {MOST_DAYS} days, the first before the last, received {first} to {last}"
        )


def _file(body: str | bytes, kind: str, name: str) -> Response:
    return Response(body, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _summary_view(summary: VenueSummary) -> VenueSummaryOut:
    """Describe a summary; moments are those of the server's clock."""
    from mien.places.venue_words import level_words
    from mien.report.formatting import sentence

    told = summary.as_dict()
    told["levels"]["words"] = [sentence(each) for each in level_words(summary.levels)]
    for shown, each in zip(told["marks"], summary.marks, strict=True):
        shown |= {"at": views.local(each.mark.at), "until": each.mark.until and views.local(each.mark.until)}
    return VenueSummaryOut(**told)


def _add_marks(router: APIRouter) -> None:
    @router.post("/{venue}/marks", status_code=201)
    def add(venue: PlaceName, wanted: NewVenueMark, who: Host) -> MarkOut:
        """Mark what was changed; after some days its effect is told from chance."""
        at = asked_moment(wanted.at) or who.store.now()
        mark = VenueMark(venue, at, wanted.text, asked_moment(wanted.until))
        return _mark_view(who.store.venues.add_mark(mark))

    @router.delete("/{venue}/marks/{number}", status_code=204)
    def remove(venue: PlaceName, number: Number, who: Host) -> None:
        """Take a mark away."""
        who.store.venues.remove_mark(venue, number)


def _mark_view(mark: VenueMark) -> MarkOut:
    return MarkOut(
        id=mark.id,
        at=views.local(mark.at),
        until=views.local(mark.until) if mark.until else None,
        text=mark.text,
    )
