"""The API: how it is put together, whether the server is there, and what Mien is used for."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response

import mien
from mien.errors import ConfigError, MienError, SourceError
from mien.live.purpose import MEANINGS, REFUSED, choose_purpose, read_purpose
from mien.live.session import LiveSession
from mien.web.answers import Answer, answer_plainly, file_of
from mien.web.api.live import reading_routes, source_routes
from mien.web.api.live_signals import signal_routes
from mien.web.api.metrics import CONTENT_TYPE, make_registry, metrics_text
from mien.web.api.models import Health, Problem, PurposeIn, PurposeOut
from mien.web.security.access import may_decide, require_watcher
from mien.web.settings import WebSettings

PREFIX: Final = "/api/v1"

_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    code: {"model": Problem} for code in (400, 403, 404, 409, 413, 422, 503)
}


def build_api(live_session: LiveSession, settings: WebSettings) -> FastAPI:
    """Make the API, to be mounted at `PREFIX`; routes for the record and for uploads are added to it.

    Args:
        live_session: whose sources and readings it tells of.
        settings: what may be done through it.
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
    for routes in (
        _server_routes(live_session),
        _purpose_routes(),
        source_routes(live_session, settings),
        reading_routes(live_session),
        signal_routes(live_session, settings),
    ):
        api.include_router(routes)
    return api


async def _explain(request: Request, error: Exception) -> Response:
    """Answer with an error that was raised on purpose; its line names the thing and the remedy."""
    code = 400 if isinstance(error, ConfigError) else 422 if isinstance(error, SourceError) else 500
    return Answer({"detail": str(error)}, code)


def _server_routes(live_session: LiveSession) -> APIRouter:
    router = APIRouter(tags=["server"])
    registry, start_s = make_registry(live_session), time.monotonic()
    started_at = datetime.now(UTC)

    @router.get("/health")
    def health() -> Health:
        """Return that the server is there, and since when."""
        uptime_s = round(time.monotonic() - start_s, 3)
        return Health(version=mien.__version__, started_at=started_at, uptime_s=uptime_s)

    @router.get(
        "/metrics",
        response_class=Response,
        responses=file_of(CONTENT_TYPE),
        dependencies=[Depends(require_watcher)],  # the sources stand in it by name
    )
    def metrics() -> Response:
        """Return figures for Prometheus."""
        return Response(metrics_text(registry), headers={"Content-Type": CONTENT_TYPE})

    return router


def _purpose_routes() -> APIRouter:
    router = APIRouter(tags=["purpose"])

    @router.get("/purpose")
    def purpose() -> PurposeOut:
        """Return what Mien is used for here, and what it may be used for."""
        return PurposeOut(purpose=read_purpose(), choices=dict(MEANINGS), refused=dict(REFUSED))

    @router.post("/purpose")
    def choose(chosen: PurposeIn, decides: Annotated[bool, Depends(may_decide)]) -> PurposeOut:
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
