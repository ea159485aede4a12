"""The API's part about live sources: cameras and streams of the server, their readings, own neutral faces."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

from mien.errors import SourceError, StoreError
from mien.live.purpose import read_purpose
from mien.live.session import LiveSession
from mien.source import open_live
from mien.source.address import check_stream, is_address, without_secrets
from mien.web.answers import file_of
from mien.web.api.fields import Where
from mien.web.api.models import CameraOut, LearnNeutral, NeutralOut, NewSource, Point, ReadingOut, StatusOut
from mien.web.security.access import require_watcher
from mien.web.settings import WebSettings, is_loopback

VENUE: Final = "venue"
"""The purpose for which guests are counted in groups."""

LATEST_S: Final = 1e12
"""No source's clock is further; a browser's counts from when its page was opened."""

_CAMERA: Final = re.compile(r"camera:[0-9]{1,2}")
_FOLDER: Final = Path("/sys/class/video4linux")


def source_routes(live_session: LiveSession, settings: WebSettings) -> APIRouter:
    """Make the routes of the sources."""
    router = APIRouter(tags=["sources"], dependencies=[Depends(require_watcher)])

    @router.get("/sources", response_model=list[StatusOut])
    def sources() -> list[dict[str, Any]]:
        """Return how each source is doing."""
        return [status.as_dict() for status in live_session.statuses()]

    @router.get("/cameras", response_model=list[CameraOut])
    def cameras() -> list[dict[str, str]]:
        """List the cameras of the server's machine, as far as the system names them."""
        return found_cameras()

    @router.post("/sources", status_code=201, response_model=StatusOut)
    def add(wanted: NewSource, request: Request) -> dict[str, Any]:
        """Add a camera of the server's machine, or a stream; only from a browser on that machine."""
        check_may_change(request, settings)
        if read_purpose() is None:
            raise HTTPException(409, "choose first what Mien is used for")
        where = check_addable(wanted.where)
        if read_purpose() == VENUE:
            _check_no_station(request, where)
        name = wanted.name or without_secrets(where)
        live_session.add(
            name,
            lambda: open_live(where, name=name, size_wh=wanted.size_wh, rate_hz=wanted.rate_hz),
            where=without_secrets(where),
        )
        return next(status.as_dict() for status in live_session.statuses() if status.name == name)

    @router.delete("/sources/{name:path}", status_code=204)
    def remove(name: Where, request: Request) -> None:
        """Take a source away; only from a browser on the server's machine."""
        check_may_change(request, settings)
        if name not in {status.name for status in live_session.statuses()}:
            raise HTTPException(404, "there is no such source")
        live_session.remove(name)

    @router.post("/neutral", status_code=202)
    def learn_neutral(wanted: LearnNeutral) -> NeutralOut:
        """Learn the own neutral face of who is before a source, from the next seconds; they look neutral."""
        neutral = live_session.neutral_of(wanted.source)
        neutral.learn(wanted.seconds)
        return NeutralOut(**neutral.status.as_dict())

    @router.delete("/neutral/{source:path}", status_code=204)
    def forget_neutral(source: Where) -> None:
        """Read who is before a source by everybody's neutral face again."""
        live_session.neutral_of(source).forget()

    return router


def check_may_change(request: Request, settings: WebSettings) -> None:
    """Let cameras be added and taken away only where the settings allow it, from the server's own machine.

    Raises:
        HTTPException: 403.
    """
    if not settings.allow_sources:
        raise HTTPException(403, "sources can't be changed here: they are chosen when mien live is started")
    if request.client is None or not is_loopback(request.client.host):
        raise HTTPException(403, "sources can be changed only from the server's own machine")


def reading_routes(live_session: LiveSession) -> APIRouter:
    """Make the routes of what is read of them."""
    router = APIRouter(tags=["readings"], dependencies=[Depends(require_watcher)])

    @router.get("/readings/latest", response_model=list[ReadingOut])
    def latest() -> list[dict[str, Any]]:
        """Return the newest reading of each source."""
        return [reading.as_dict() for reading in live_session.broadcaster.latest().values()]

    @router.get(
        "/readings/{source:path}.csv",
        response_class=Response,
        responses=file_of("text/csv"),
    )
    def table(source: Where) -> Response:
        """Return the last minutes of a source as a table; readings, never pictures."""
        text = live_session.history.csv(source)
        if text.count("\n") <= 1:  # no more than the header: nothing was read, or there is no such source
            _check_known(live_session, source)
        name = re.sub(r"[^A-Za-z0-9]+", "-", source).strip("-")
        disposition = f'attachment; filename="mien-{name}.csv"'
        return Response(text, media_type="text/csv", headers={"Content-Disposition": disposition})

    @router.get("/history/{source:path}", response_model=list[Point])
    def history(
        source: Where, since_s: Annotated[float, Query(ge=-1, le=LATEST_S)] = -1.0
    ) -> list[dict[str, Any]]:
        """Return the timeline of a source after a time, at most a few points a second."""
        points = live_session.history.points(source, since_s)
        if not points:
            _check_known(live_session, source)
        return points

    return router


def _check_known(live_session: LiveSession, source: str) -> None:
    if source not in {status.name for status in live_session.statuses()}:
        raise HTTPException(404, "there is no such source")


def found_cameras(folder: Path = _FOLDER) -> list[dict[str, str]]:
    """Return the cameras that the system names, without opening them.

    Only Linux tells; elsewhere a camera would have to be opened, which lights it up and may ask for leave.

    Returns:
        For each its address `where` ("camera:0") and its `name`.
    """
    if sys.platform != "linux":
        return []
    names = {int(path.parent.name.removeprefix("video")): path for path in folder.glob("video[0-9]*/name")}
    return [
        {"where": f"camera:{index}", "name": path.read_text(encoding="utf-8", errors="replace").strip()}
        for index, path in sorted(names.items())
    ]


def _check_no_station(request: Request, where: str) -> None:
    """Raise where a camera belongs to a venue's station: its guests are counted, and not shown one by one."""
    with suppress(StoreError):  # without a store there is no station
        for each in request.app.state.records.store().venues.stations():
            if each.source == where:
                raise HTTPException(
                    409,
                    f"this is the camera of {each.venue}/{each.name}: its guests are counted in groups,"
                    " and not shown one by one",
                )


def check_addable(where: str) -> str:
    """Let cameras by number and streams pass, and nothing that could be a path.

    Raises:
        SourceError: it is something else.
    """
    if is_address(where):
        check_stream(where)
    elif not _CAMERA.fullmatch(where):
        raise SourceError("expected a camera as in camera:0, or a stream as in rtsp://host/path")
    return where
