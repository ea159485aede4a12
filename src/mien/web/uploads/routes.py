"""The part of the API that takes files in and gives out what was found in them."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar
from urllib.parse import unquote

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse

from mien.errors import SourceError
from mien.live.session import LiveSession
from mien.source import Kind
from mien.table import COLUMNS, read_rows
from mien.web.answers import file_of
from mien.web.api.fields import Code, Instant, Key, Number
from mien.web.security.access import Reader, Visitor, require_person_is_known
from mien.web.security.guard import announced_bytes
from mien.web.settings import WebSettings
from mien.web.uploads import preview
from mien.web.uploads.jobs import Uploads
from mien.web.uploads.networks import Expected, Network
from mien.web.uploads.upload import State, TooLarge, TooMany, Upload, WrongKind

if TYPE_CHECKING:  # who keeps no record does not wait for a database
    from mien.store.types import StoredRecording, Subject

T = TypeVar("T")

COOKIE: Final = "mien-files"
"""The cookie that says whose uploads are whose: a random word, gone when the browser is closed."""

MOST_ROWS: Final = 200
MOST_FACE: Final = 1_000_000
"""No film has a face of a higher number."""

_RETRY_S: Final = "5"
_OWNER: Final = re.compile(r"[\w-]{22,64}")


class UploadOut(BaseModel):
    """One upload: how far it is, and in short what was found."""

    id: str = Field(description="The end of the file's address; anyone who knows it may see the file.")
    name: str = Field(description="The name given by the client.")
    kind: Kind
    network: str | None = Field(description="The network that reads it; null for the server's own.")
    prior: str | None = Field(description="The expected mix; null for the server's own.")
    state: State
    stage: str | None = Field(description="reading, then copying where browsers can't play the original.")
    progress: float | None = Field(description="Of the stage, 0 to 1.")
    error: str | None = Field(description="What was wrong with it.")
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    frame_rate_hz: float | None = None
    frames_analysed: int | None = None
    frames_with_face: int | None = None
    rows: int | None = None
    tracks: int | None = None
    coverage: float | None = None
    expressions: dict[str, int] | None = Field(None, description="How many rows have each expression.")
    note: str | None = Field(None, description="What was wrong with it, although it could be read.")
    seldom_found: str | None = Field(None, description="Which expressions are rarely found, in words.")


class Rows(BaseModel):
    """Some rows of a table."""

    columns: tuple[str, ...]
    rows: list[tuple[str | int | float | None, ...]]
    total: int


class IntoRecord(BaseModel):
    """Into whose record what was read of a file goes, and whose face that is."""

    model_config = ConfigDict(extra="forbid")

    subject: Code
    at: Instant = Field(description="When it was recorded, in that place's time zone.")
    faces: list[Annotated[int, Field(ge=0, le=MOST_FACE)]] = Field(
        default=[],
        max_length=20,
        description="The subject's tracks; empty for the only face, or clearly the largest.",
    )


class MomentsWanted(BaseModel):
    """How much of a video is to be chosen."""

    model_config = ConfigDict(extra="forbid")

    length: str = Field(
        default="15%", pattern=r"^[0-9]{1,5}(\.[0-9]{1,3})?[sm%]$", description="At most: 60s, 2m, 15%."
    )
    blur_others: bool = Field(default=False, description="Whether all faces but the main one are blurred.")


class MomentOut(BaseModel):
    """One piece of a video, and why it was chosen."""

    start_s: float
    end_s: float
    at_s: float = Field(description="Where it begins in the film of the moments.")
    picture_s: float
    state: str = Field(description="The expression; or that the face is hidden, or partly covered.")
    reason: str
    score: float
    cuts_speech: bool


class Moments(BaseModel):
    """A video's moments: a way into the recording, not its replacement."""

    length_s: float
    pieces: list[MomentOut]
    missing: list[str] = Field(description="Expressions that found no room.")
    notes: list[str]
    about: str
    step_s: float = Field(description="Seconds from one value of the attention to the next.")
    attention: list[float | None] | None = Field(
        description="Share of each second in the sentiment of the whole video; null where nothing tells it."
    )


class Recorded(BaseModel):
    """Where it is now."""

    subject: str
    recording: int
    frames: int
    frames_with_subject: int


def add_uploads(app: FastAPI, live_session: LiveSession, settings: WebSettings) -> Uploads:
    """Add the routes for uploads to an app's API.

    Args:
        app: whose `state.api` is the API that is mounted on it.
        live_session: whose settings say how files are read.
        settings: how much may be sent.

    Returns:
        The table of uploads. What somebody has sent is deleted when they log out, and everything when the app
        shuts down.
    """
    uploads = Uploads(
        live_session.settings,
        max_mb=settings.max_upload_mb,
        most=settings.max_uploads,
        seconds=settings.upload_seconds,
    )

    @asynccontextmanager
    async def deleting_in_the_end(app: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(uploads.close)

    def forget(request: Request) -> None:
        uploads.forget(request.cookies.get(COOKIE, ""))

    app.state.at_logout = [forget]
    app.include_router(APIRouter(lifespan=deleting_in_the_end))
    app.state.api.include_router(upload_routes(uploads))
    return uploads


def upload_routes(uploads: Uploads) -> APIRouter:
    """Make the routes.

    Args:
        uploads: the table that they speak for; its owner closes it.
    """
    router = APIRouter(prefix="/files", tags=["files"])
    _add_table(router, uploads)
    _add_parts(router, uploads)
    _add_moments(router, uploads)
    _add_record(router, uploads)
    return router


def _owner(request: Request, response: Response) -> str:
    """Return the word that says whose uploads are whose; a new one for who has none."""
    owner = request.cookies.get(COOKIE, "")
    if not _OWNER.fullmatch(owner):
        owner = secrets.token_urlsafe(24)
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, owner, httponly=True, samesite="strict", secure=secure)
    return owner


Owner = Annotated[str, Depends(_owner)]


def _add_table(router: APIRouter, uploads: Uploads) -> None:
    body = {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }

    @router.post("", status_code=202, response_model=UploadOut, openapi_extra={"requestBody": body})
    async def send(
        request: Request,
        owner: Owner,
        x_mien_name: Annotated[str, Header(max_length=2000, description="The file's name, percent-encoded.")],
        network: Network = None,
        prior: Expected = None,
    ) -> dict[str, Any]:
        """Send one photograph or video as the body; it is read as soon as there is room."""
        try:
            with uploads.receiving(unquote(x_mien_name), owner, network, prior) as (upload, take):
                uploads.check_size(upload, announced_bytes(request.headers))
                async for piece in request.stream():
                    await run_in_threadpool(take, piece)
        except WrongKind as error:
            raise HTTPException(415, str(error)) from error
        except TooLarge as error:
            raise HTTPException(413, str(error)) from error
        except TooMany as error:
            raise HTTPException(429, str(error), {"Retry-After": _RETRY_S}) from error
        except ClientDisconnect as error:
            raise HTTPException(400, "the connection ended before the whole file had arrived") from error
        except OSError as error:
            raise HTTPException(507, "the server's disk is full; try later") from error
        return upload.as_dict()

    @router.get("", response_model=list[UploadOut])
    def mine(owner: Owner) -> list[dict[str, Any]]:
        """List what this browser has sent, the oldest first."""
        return [upload.as_dict() for upload in uploads.of(owner)]

    @router.delete("", status_code=204)
    def forget(owner: Owner) -> None:
        """Delete all that this browser has sent, and what was made of it."""
        uploads.forget(owner)

    @router.get("/{key}", response_model=UploadOut)
    def status(key: Key) -> dict[str, Any]:
        """Return how far one upload is."""
        return _known(uploads, key).as_dict()

    @router.delete("/{key}", status_code=204)
    def remove(key: Key) -> None:
        """Delete one upload and what was made of it; what reads it is ended."""
        uploads.remove(_known(uploads, key))


def _add_parts(router: APIRouter, uploads: Uploads) -> None:
    @router.get("/{key}/table.csv", response_class=FileResponse, responses=file_of("text/csv"))
    def table(key: Key) -> FileResponse:
        """Return the table: one row per face per frame."""
        return _download(uploads, key, preview.TABLE, "text/csv")

    @router.get("/{key}/summary.json", response_class=FileResponse, responses=file_of("application/json"))
    def summary(key: Key) -> FileResponse:
        """Return the summary: what was read, by which models, settings and versions."""
        return _download(uploads, key, preview.SUMMARY, "application/json")

    @router.get("/{key}/timeline.json", response_class=FileResponse, responses=file_of("application/json"))
    def timeline(key: Key) -> FileResponse:
        """Return the course of a video over time, and what its rows say; a photograph has none."""
        return FileResponse(_part(uploads, key, preview.TIMELINE), media_type="application/json")

    @router.get("/{key}/rows")
    def rows(
        key: Key,
        offset: Number = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 50,
    ) -> Rows:
        """Return some rows of the table."""
        path = _part(uploads, key, preview.TABLE)
        found = list(islice(read_rows(path), offset, offset + limit))
        return Rows(columns=COLUMNS, rows=found, total=_known(uploads, key).result["rows"])

    @router.get("/{key}/annotated", response_class=FileResponse, responses=file_of("image/jpeg", "video/mp4"))
    def annotated(key: Key) -> FileResponse:
        """Return the copy with the faces marked: JPEG, or MP4 (H.264) in which players can jump."""
        path = _part(uploads, key, preview.MARKED_PICTURE, preview.MARKED_CLIP)
        return FileResponse(path, media_type=_media_type(path))

    @router.get("/{key}/why.json", response_class=FileResponse, responses=file_of("application/json"))
    async def why(key: Key) -> FileResponse:
        """Explain why the faces of a photograph were read as they were; found out when first asked."""
        await _find_why(uploads, key)
        return FileResponse(_part(uploads, key, preview.WHY), media_type="application/json")

    @router.get("/{key}/why.png", response_class=FileResponse, responses=file_of("image/png"))
    async def why_picture(key: Key) -> FileResponse:
        """Draw it: each face, the regions that carried its label, and the eight probabilities."""
        await _find_why(uploads, key)
        return FileResponse(_part(uploads, key, preview.WHY_PICTURE), media_type="image/png")

    @router.get("/{key}/moments.mp4", response_class=FileResponse, responses=file_of("video/mp4"))
    def moments_clip(key: Key) -> FileResponse:
        """Return the film of a video's moments, once they are chosen."""
        return _download(uploads, key, preview.MOMENTS_CLIP, "video/mp4")

    @router.get("/{key}/moments.png", response_class=FileResponse, responses=file_of("image/png"))
    def moments_picture(key: Key) -> FileResponse:
        """Return a picture of each of a video's moments with the reasons, once they are chosen."""
        return _download(uploads, key, preview.MOMENTS_PICTURE, "image/png")

    @router.get(
        "/{key}/original",
        response_class=FileResponse,
        responses=file_of("image/jpeg", "video/mp4", "video/webm"),
    )
    def original(key: Key) -> FileResponse:
        """Return the picture or video without marks, as browsers show it: where need be, a copy."""
        upload = _known(uploads, key)
        own = [upload.file.name] if upload.kind == "video" else []
        path = _part(uploads, key, preview.PICTURE, preview.CLIP, *own)
        return FileResponse(path, media_type=_media_type(path))


def _add_moments(router: APIRouter, uploads: Uploads) -> None:
    @router.post("/{key}/moments", status_code=201)
    async def moments(key: Key, wanted: MomentsWanted) -> Moments:
        """Choose a video's moments by what the main face expresses, and cut them into a film."""
        upload = _known(uploads, key)
        if upload.kind != "video":
            raise HTTPException(422, f"{upload.name}: expected a video, received a photograph")
        try:
            choosing = uploads.summarize(upload, wanted.length, blur_others=wanted.blur_others)
        except TooMany as error:
            raise HTTPException(409, str(error)) from error
        return Moments.model_validate(await _done(upload, choosing))


def _add_record(router: APIRouter, uploads: Uploads) -> None:
    @router.post("/{key}/record", status_code=201)
    async def record(key: Key, wanted: IntoRecord, who: Reader) -> Recorded:
        """Put the readings of one face into a subject's record, if they have agreed; the file is not kept."""
        upload = _known(uploads, key)
        subject, signals = await run_in_threadpool(_agreed, who, wanted)
        try:
            reading = uploads.read_for_record(
                upload, subject=subject.code, signals=signals, at=wanted.at.isoformat(), tracks=wanted.faces
            )
        except TooMany as error:
            raise HTTPException(409, str(error)) from error
        told = await _done(upload, reading)
        path = upload.folder / preview.RECORD
        try:
            kept = await run_in_threadpool(_import, who, path, subject)
        except SourceError as error:  # what the process left there is no record
            raise HTTPException(422, f"{upload.name}: cannot be added to the record") from error
        finally:
            path.unlink(missing_ok=True)
        return Recorded(subject=subject.code, recording=kept.id, **told)


def _agreed(who: Visitor, wanted: IntoRecord) -> tuple[Subject, tuple[str, ...]]:
    """Return the subject, and what their consent covers of that time.

    Raises:
        HTTPException: there is no such subject; it is of the future; or nobody's record is kept.
        StoreError: they have not agreed, or are simulated.
    """
    from mien.record.origin import require_person
    from mien.store.types import SIGNALS

    subject = who.subject(wanted.subject)
    require_person_is_known()
    if wanted.at > who.store.now():
        raise HTTPException(422, f"expected a time in the past, received {wanted.at.isoformat()}")
    who.store.consents.require(subject, "expression", wanted.at)
    require_person(who.store, subject)
    return subject, tuple(each for each in SIGNALS if who.store.consents.valid(subject, each, wanted.at))


def _import(who: Visitor, path: Path, subject: Subject) -> StoredRecording:
    from mien.exchange.importing import import_recording

    return import_recording(who.store, path, subject)


def _known(uploads: Uploads, key: str) -> Upload:
    upload = uploads.find(key)
    if upload is None:
        raise HTTPException(404, "there is no such file here; it may have been deleted, send it again")
    return upload


async def _find_why(uploads: Uploads, key: str) -> None:
    """Wait until it is known, without holding a thread: it may stand behind long videos."""
    upload = _known(uploads, key)
    await _done(upload, uploads.find_why(upload))


async def _done(upload: Upload, found: Future[T]) -> T:
    """Return what is found out about an upload, when it is; 422 where it can't be."""
    try:
        # Who goes away ends their own waiting, not that of others.
        return await asyncio.shield(asyncio.wrap_future(found))
    except SourceError as error:
        raise HTTPException(422, str(error)) from error
    except asyncio.CancelledError:
        if not found.cancelled():
            raise
        raise HTTPException(422, f"{upload.name}: stopped") from None


def _part(uploads: Uploads, key: str, *names: str) -> Path:
    path = uploads.part(_known(uploads, key), *names)
    if path is None:
        raise HTTPException(404, "there is nothing of this kind here, or not yet")
    return path


def _download(uploads: Uploads, key: str, part: str, media_type: str) -> FileResponse:
    path = _part(uploads, key, part)
    stem = PurePosixPath(_known(uploads, key).name).stem
    return FileResponse(path, media_type=media_type, filename=f"{stem}.{path.name}")


def _media_type(path: Path) -> str:
    """Return the type of what browsers show; of the originals, only those are given out which they play."""
    return {".jpg": "image/jpeg", ".webm": "video/webm"}.get(path.suffix, "video/mp4")
