"""Recording for a subject from the live page: begun, ended, and told of, unmistakably."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, FastAPI, HTTPException, Request
from pydantic import BaseModel, ConfigDict

from mien.live.purpose import read_purpose
from mien.live.station import Station
from mien.record.origin import source_words
from mien.web.fields import Code, Number, Where
from mien.web.record_access import USER, Records, Seeing

if TYPE_CHECKING:
    from mien.live.recorder import Recorder

FINISH_S: Final = 5.0
"""When the server ends, what is left to write gets so long; the rest is done when the store is opened."""


class NewRecording(BaseModel):
    """Whose readings are to be kept, from which source."""

    model_config = ConfigDict(extra="forbid")

    subject: Code
    source: Where


class ChosenFace(BaseModel):
    """Which face is the subject's."""

    model_config = ConfigDict(extra="forbid")

    source: Where
    track: Number


class LiveRecordings:
    """Begins and ends recordings in a station.

    Args:
        station: whose sources are recorded.
        records: the store.
    """

    def __init__(self, station: Station, records: Records) -> None:
        self._station = station
        self._records = records
        self._begun: Recorder | None = None

    def begin(self, wanted: NewRecording, who: Seeing) -> None:
        """Begin to keep a subject's readings of one source.

        Raises:
            StoreError: the subject has not agreed, or is simulated.
            HTTPException: no such subject or source; or something else is being recorded.
        """
        from mien.analysis.models import describe_models
        from mien.live.recorder import Recorder

        subject = who.subject(wanted.subject)
        if wanted.source not in {status.name for status in self._station.statuses()}:
            raise HTTPException(404, "there is no such source; start it first")
        if read_purpose() == "venue":
            raise HTTPException(
                409, "a venue counts people whom nobody identifies: choose another purpose first"
            )
        now = self._station.recorder
        if now is not None and now.source is not None:
            raise HTTPException(409, f"{now.subject.code} is being recorded: stop that first")
        settings = self._station.settings
        self._begun = Recorder(
            who.store, subject, models=describe_models(settings), settings=settings.model_dump(mode="json"),
            only=wanted.source,
        )  # fmt: skip
        self._station.record(self._begun)

    def end(self, who: Seeing) -> None:
        """End the recording; what is left to write is written meanwhile."""
        now = self._station.recorder
        if now is not None:
            who.subject(now.subject.code)
            self._station.record(None)

    def close(self) -> None:
        """End what was begun here, and wait for it a while."""
        if self._begun is not None:
            self._begun.close(FINISH_S)

    def told(self, name: str | None) -> dict[str, Any]:
        """Say what is being recorded, without opening the store.

        Args:
            name: of the user who asks; whom, is told to clinicians, and to whoever came in without a name.
        """
        recorder = self._station.recorder
        if recorder is None or (recorder.source is None and recorder.status is None):
            return {"recording": None}
        status = recorder.status
        known = self._records.may_watch(name) or self._is_own(name, recorder)
        return {
            "recording": {
                "active": recorder.source is not None,
                "source": recorder.source,
                "origin": source_words(status.source if status else recorder.source or ""),
                "subject": recorder.subject.code if known else None,
                "refused": recorder.refused,
                "status": status.as_dict() if status is not None and known else None,
            }
        }

    def _is_own(self, name: str | None, recorder: Recorder) -> bool:
        users = self._records.store().users.all()
        return any(user.name == name and user.subject_id == recorder.subject.id for user in users)


def add_to(api: FastAPI, station: Station, records: Records) -> LiveRecordings:
    """Add the routes to the API.

    Args:
        api: of the page.
        station: whose sources are recorded.
        records: the store; its owner closes it, after what this gives.
    """
    router, live = APIRouter(tags=["record"]), LiveRecordings(station, records)

    @router.get("/recording")
    def recording(request: Request) -> dict[str, Any]:
        """Say whether readings are being kept now: of whom, from what, how many."""
        return live.told(request.scope.get(USER))

    @router.post("/recording", status_code=201)
    def begin(wanted: NewRecording, who: Seeing, request: Request) -> dict[str, Any]:
        """Keep a subject's readings of one live source from now on, if they have agreed."""
        live.begin(wanted, who)
        return live.told(request.scope.get(USER))

    @router.delete("/recording", status_code=204)
    def end(who: Seeing) -> None:
        """Keep no more readings; the source goes on."""
        live.end(who)

    @router.post("/recording/face", status_code=204)
    def choose(face: ChosenFace, who: Seeing) -> None:
        """Say which face is the subject's."""
        recorder = station.recorder
        if recorder is not None:
            who.subject(recorder.subject.code)
        station.choose(face.source, face.track)

    api.include_router(router)
    return live
