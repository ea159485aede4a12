"""Recording for a subject from the live page: begun, ended, and told of, unmistakably."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, FastAPI, HTTPException, Request

from mien.errors import StoreError
from mien.live.session import LiveSession
from mien.record.origin import source_words
from mien.web.api.record_models import RecordingNow, RecordingNowOut, WriterStatus
from mien.web.api.record_requests import ChosenFace, NewRecording
from mien.web.security.access import USER, Reader, Records, Visitor, require_person_is_known

if TYPE_CHECKING:
    from mien.live.recorder import Recorder

FINISH_S: Final = 5.0
"""When the server ends, what is left to write gets so long; the rest is done when the store is opened."""


class LiveRecordings:
    """Begins and ends recordings in a live session.

    Args:
        live_session: whose sources are recorded.
        records: the store.
        owner_of: gives the name of the user whose browser's camera a source is, None where it is nobody's.
    """

    def __init__(
        self, live_session: LiveSession, records: Records, owner_of: Callable[[str], str | None]
    ) -> None:
        self._live_session = live_session
        self._records = records
        self._owner_of = owner_of
        self._begun: Recorder | None = None

    def begin(self, wanted: NewRecording, who: Reader) -> None:
        """Begin to keep a subject's readings of one source.

        Raises:
            StoreError: the subject has not agreed, or is simulated.
            HTTPException: no such subject or source; or something else is being recorded.
        """
        from mien.analysis.summary import describe_models
        from mien.live.recorder import Recorder

        subject = who.subject(wanted.subject)
        if not self._is_there(wanted.source, who):
            raise HTTPException(404, "there is no such source; start it first")
        require_person_is_known()
        now = self._live_session.recorder
        if now is not None and now.source is not None:
            whom = now.subject.code if who.sees(now.subject) else "someone else"
            raise HTTPException(409, f"{whom} is being recorded: stop that first")
        settings = self._live_session.settings
        self._begun = Recorder(
            who.store, subject, models=describe_models(settings), settings=settings.model_dump(mode="json"),
            only=wanted.source,
        )  # fmt: skip
        self._live_session.record(self._begun)

    def end(self, who: Reader) -> None:
        """End the recording; what is left to write is written meanwhile."""
        if self._live_session.recorder is not None:
            self._require_seen(who)
            self._live_session.record(None)

    def choose(self, face: ChosenFace, who: Reader) -> None:
        """Choose which face is the subject's."""
        self._require_seen(who)
        self._live_session.choose(face.source, face.track)

    def close(self) -> None:
        """End what was begun here, and wait for it a while."""
        if self._begun is not None:
            self._begun.close(FINISH_S)

    def told(self, name: str | None) -> RecordingNowOut:
        """Return what is being recorded, without opening the store.

        Args:
            name: of the user who asks; whom and from where, is told to clinicians, to the subject, and to
                everyone while the store has no users. To the others: that something is recorded.
        """
        recorder = self._live_session.recorder
        if recorder is None or (recorder.source is None and recorder.status is None):
            return RecordingNowOut(recording=None)
        status = recorder.status
        known = self._may_know(name, recorder)
        now = RecordingNow(active=recorder.source is not None)
        if known:
            now.source = recorder.source
            now.origin = source_words(status.source if status else recorder.source or "")
            now.subject = recorder.subject.code
            now.refused = recorder.refused
            now.status = WriterStatus(**status.as_dict()) if status is not None else None
        return RecordingNowOut(recording=now)

    def _is_there(self, source: str, who: Visitor) -> bool:
        """Whether there is such a source for somebody: to a subject only the camera of their own browser."""
        if who.role == "self" and (who.user is None or self._owner_of(source) != who.user.name):
            return False
        return source in {status.name for status in self._live_session.statuses()}

    def _require_seen(self, who: Visitor) -> None:
        recorder = self._live_session.recorder
        if recorder is not None and not who.sees(recorder.subject):
            raise HTTPException(404, "nothing of yours is being recorded")

    def _may_know(self, name: str | None, recorder: Recorder) -> bool:
        """Whether somebody may know who is recorded; the store is open, as something is."""
        try:
            who = self._records.visitor(name)
        except (StoreError, HTTPException):
            return False
        return who.sees(recorder.subject)


def add_to(
    api: FastAPI, live_session: LiveSession, records: Records, owner_of: Callable[[str], str | None]
) -> LiveRecordings:
    """Add the routes to the API.

    Args:
        api: of the page.
        live_session: whose sources are recorded.
        records: the store; its owner closes it, after what this gives.
        owner_of: as `LiveRecordings` takes it.
    """
    router, live = APIRouter(tags=["record"]), LiveRecordings(live_session, records, owner_of)

    @router.get("/recording")
    def recording(request: Request) -> RecordingNowOut:
        """Return whether readings are being kept now: of whom, from what, how many."""
        return live.told(request.scope.get(USER))

    @router.post("/recording", status_code=201)
    def begin(wanted: NewRecording, who: Reader, request: Request) -> RecordingNowOut:
        """Keep a subject's readings of one live source from now on, if they have agreed."""
        live.begin(wanted, who)
        return live.told(request.scope.get(USER))

    @router.delete("/recording", status_code=204)
    def end(who: Reader) -> None:
        """Keep no more readings; the source goes on."""
        live.end(who)

    @router.post("/recording/face", status_code=204)
    def choose(face: ChosenFace, who: Reader) -> None:
        """Choose which face is the subject's."""
        live.choose(face, who)

    api.include_router(router)
    return live
