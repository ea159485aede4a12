"""The REST API under `/api/v1`; its description is at `/api/v1/openapi.json`."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, Response
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect

import mien
from mien.errors import ConfigError, MienError, SourceError
from mien.live.purpose import MEANINGS, REFUSED, choose_purpose, read_purpose
from mien.live.session import LiveSession
from mien.source import open_live
from mien.source.address import without_secrets
from mien.web.answers import Answer, answer_plainly
from mien.web.cameras import check_addable, found_cameras
from mien.web.fields import Where
from mien.web.files.sandbox import AnalysisRequest
from mien.web.models import (
    Analysis,
    CameraOut,
    Explained,
    Health,
    LearnNeutral,
    NeutralOut,
    NewSource,
    Point,
    Problem,
    PurposeIn,
    PurposeOut,
    ReadingOut,
    StatusOut,
)
from mien.web.networks import Expected, Network
from mien.web.prometheus import CONTENT_TYPE, make_registry, metrics_text
from mien.web.record_access import deciding, watching
from mien.web.settings import WebSettings, is_loopback

PREFIX: Final = "/api/v1"

LATEST_S: Final = 1e12
"""No source's clock is further; a browser's counts from when its page was opened."""

Analyse = Callable[[bytes, AnalysisRequest], dict[str, Any]]
"""Does with a photograph's bytes what is wished, somewhere safe; raises SourceError where it can't."""

_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    code: {"model": Problem} for code in (400, 403, 404, 409, 413, 422, 503)
}


def build_api(
    live_session: LiveSession,
    settings: WebSettings,
    analyse: Analyse,
    threads: ThreadPoolExecutor,
) -> FastAPI:
    """Make the API, to be mounted at `PREFIX`.

    Args:
        live_session: whose sources and readings it tells of.
        settings: what may be done through it.
        analyse: reads a photograph, or explains it.
        threads: in which it is called, as many as `max_uploads`; their owner ends them. What decodes the
            cameras' pictures must not wait for it.
    """
    api = FastAPI(
        title="Mien",
        version=mien.__version__,
        summary="Expressions on faces, read on your own machine.",
        docs_url=None,  # their scripts would come from elsewhere
        redoc_url=None,
        responses=_PROBLEMS,
        default_response_class=Answer,
    )
    answer_plainly(api)
    api.add_exception_handler(MienError, _explain)
    api.include_router(_about(live_session))
    api.include_router(_purpose())
    api.include_router(_sources(live_session, settings))
    api.include_router(_readings(live_session))
    api.include_router(_photographs(settings, analyse, threads))
    return api


async def _explain(request: Request, error: Exception) -> Response:
    """Tell an error that was raised on purpose; its line names the thing and the remedy."""
    code = 400 if isinstance(error, ConfigError) else 422 if isinstance(error, SourceError) else 500
    return Answer({"detail": str(error)}, code)


def _about(live_session: LiveSession) -> APIRouter:
    router = APIRouter(tags=["server"])
    registry, start_s = make_registry(live_session), time.monotonic()

    @router.get("/health")
    def health() -> Health:
        """Say that the server is there."""
        return Health(version=mien.__version__, uptime_s=round(time.monotonic() - start_s, 3))

    @router.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {CONTENT_TYPE: {}}}},
        dependencies=[Depends(watching)],  # the sources stand in it by name
    )
    def metrics() -> Response:
        """Give figures for Prometheus."""
        return Response(metrics_text(registry), headers={"Content-Type": CONTENT_TYPE})

    return router


def _purpose() -> APIRouter:
    router = APIRouter(tags=["purpose"])

    @router.get("/purpose")
    def purpose() -> PurposeOut:
        """Say what Mien is used for here, and what it may be used for."""
        return PurposeOut(purpose=read_purpose(), choices=dict(MEANINGS), refused=dict(REFUSED))

    @router.post("/purpose")
    def choose(chosen: PurposeIn, decides: Annotated[bool, Depends(deciding)]) -> PurposeOut:
        """Choose what Mien is used for; supervision at work and at school is refused."""
        if chosen.purpose in REFUSED:
            raise HTTPException(403, REFUSED[chosen.purpose])
        if not decides and read_purpose() not in (None, chosen.purpose):
            raise HTTPException(
                403, "the purpose applies to everyone: only a clinician or an admin may change it"
            )
        choose_purpose(chosen.purpose)
        return purpose()

    return router


def _sources(live_session: LiveSession, settings: WebSettings) -> APIRouter:
    router = APIRouter(tags=["sources"], dependencies=[Depends(watching)])

    @router.get("/sources", response_model=list[StatusOut])
    def sources() -> list[dict[str, Any]]:
        """Say how each source is doing."""
        return [status.as_dict() for status in live_session.statuses()]

    @router.get("/cameras", response_model=list[CameraOut])
    def cameras() -> list[dict[str, str]]:
        """List the cameras of the server's machine, as far as the system names them."""
        return found_cameras()

    @router.post("/sources", status_code=201, response_model=StatusOut)
    def add(wanted: NewSource, request: Request) -> dict[str, Any]:
        """Add a camera of the server's machine, or a stream; only from a browser on that machine."""
        _check_may_change(request, settings)
        if read_purpose() is None:
            raise HTTPException(409, "choose first what Mien is used for")
        where = check_addable(wanted.where)
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
        _check_may_change(request, settings)
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


def _check_may_change(request: Request, settings: WebSettings) -> None:
    if not settings.allow_sources:
        raise HTTPException(403, "sources can't be changed here: they are chosen when mien live is started")
    if request.client is None or not is_loopback(request.client.host):
        raise HTTPException(403, "sources can be changed only from the server's own machine")


def _readings(live_session: LiveSession) -> APIRouter:
    router = APIRouter(tags=["readings"], dependencies=[Depends(watching)])

    @router.get("/readings/latest", response_model=list[ReadingOut])
    def latest() -> list[dict[str, Any]]:
        """Give the newest reading of each source."""
        return [reading.as_dict() for reading in live_session.broadcaster.latest().values()]

    @router.get(
        "/readings/{source:path}.csv",
        response_class=Response,
        responses={200: {"content": {"text/csv": {}}}},
    )
    def table(source: Where) -> Response:
        """Give the last minutes of a source as a table; readings, never pictures."""
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
        """Give the timeline of a source after a time, at most a few points a second."""
        points = live_session.history.points(source, since_s)
        if not points:
            _check_known(live_session, source)
        return points

    return router


def _check_known(live_session: LiveSession, source: str) -> None:
    if source not in {status.name for status in live_session.statuses()}:
        raise HTTPException(404, "there is no such source")


async def _photograph(request: Request) -> bytes:
    """Give the photograph that a request brings; what it is called means nothing here."""
    try:
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            async with request.form(max_files=1, max_fields=1) as form:
                file = form.get("file")
                data = await file.read() if isinstance(file, UploadFile) else b""
        else:
            data = await request.body()
    except ClientDisconnect as error:
        raise HTTPException(400, "the connection ended before the whole photograph had arrived") from error
    if not data:
        raise HTTPException(422, "expected a photograph as the body, or as the field `file` of a form")
    return data


def _photographs(settings: WebSettings, analyse: Analyse, threads: ThreadPoolExecutor) -> APIRouter:
    router = APIRouter(tags=["photographs"])
    at_once = asyncio.Semaphore(settings.max_uploads)
    binary = {"schema": {"type": "string", "format": "binary"}}
    form = {"schema": {"type": "object", "properties": {"file": binary["schema"]}, "required": ["file"]}}
    body = {"required": True, "content": {"image/*": binary, "multipart/form-data": form}}

    async def run(data: bytes, request: AnalysisRequest) -> dict[str, Any]:
        if at_once.locked():
            detail = "too many photographs at once; try again in a few seconds"
            raise HTTPException(503, detail, {"Retry-After": "5"})
        async with at_once:
            return await asyncio.get_running_loop().run_in_executor(threads, analyse, data, request)

    @router.post("/analyse", response_model=Analysis, openapi_extra={"requestBody": body})
    async def analyse_photograph(
        data: Annotated[bytes, Depends(_photograph)], network: Network = None, prior: Expected = None
    ) -> dict[str, Any]:
        """Read the faces in one photograph, which is sent as the body or as the field `file` of a form."""
        return await run(data, AnalysisRequest(network=network, prior=prior))

    @router.post("/explain", response_model=Explained, openapi_extra={"requestBody": body})
    async def explain_photograph(
        data: Annotated[bytes, Depends(_photograph)],
        network: Network = None,
        prior: Expected = None,
        label: Annotated[
            str | None,
            Query(max_length=20, description="The label to explain; by default each face's most likely one."),
        ] = None,
    ) -> dict[str, Any]:
        """Say which regions of each face in one photograph carried its label; it is sent as for analyse."""
        return await run(data, AnalysisRequest("explain", network, label, prior))

    return router
