"""Photographs for the API, read in child processes that end when the server does."""

from __future__ import annotations

from threading import Lock
from typing import Any, Final

from mien.config import Settings
from mien.web.files.sandbox import AnalysisRequest, Job, Limits, analyse_upload

LIMITS: Final = Limits(memory_mb=2048, seconds=60.0)
"""What the child of one photograph may use."""


class Analyses:
    """Reads photographs in child processes; safe from any thread.

    Args:
        settings: what to find and with which networks.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._jobs: set[Job] = set()
        self._closed = False

    def __call__(self, data: bytes, request: AnalysisRequest) -> dict[str, Any]:
        """Read the faces in one photograph, or say why they are read as they are.

        Args:
            data: the file's bytes.
            request: what to do, and by which network.

        Raises:
            SourceError: it is no photograph, can't be read within the limits, or the server ends.
        """
        started: list[Job] = []

        def begins(job: Job) -> None:
            started.append(job)
            with self._lock:
                self._jobs.add(job)
                closed = self._closed
            if closed:
                job.cancel()

        try:
            return analyse_upload(
                data, settings=self._settings, limits=LIMITS, begins=begins, request=request
            )
        finally:
            with self._lock:
                self._jobs.difference_update(started)

    def close(self) -> None:
        """End what is being read, so that nothing of it is left; safe twice."""
        with self._lock:
            self._closed = True
            jobs = list(self._jobs)
        for job in jobs:
            job.cancel()
