"""The API's part about single photographs: each is read in a child process that ends when the server does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect

from mien.config import Settings
from mien.web.api.models import Analysis, Explained
from mien.web.settings import WebSettings
from mien.web.uploads.networks import Expected, Network
from mien.web.uploads.sandbox import AnalysisRequest, Job, Limits, analyse_upload

Analyse = Callable[[bytes, AnalysisRequest], dict[str, Any]]
"""Does with a photograph's bytes what is requested, somewhere safe; raises SourceError where it can't."""

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


async def _photograph(request: Request) -> bytes:
    """Return the photograph that a request brings; what it is called means nothing here."""
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


def photograph_routes(settings: WebSettings, analyse: Analyse, threads: ThreadPoolExecutor) -> APIRouter:
    """Make the routes that read a photograph, or explain it.

    Args:
        settings: how many may be read at once.
        analyse: reads one.
        threads: in which it is called, as many as `max_uploads`; their owner ends them. What decodes the
            cameras' pictures must not wait for it.
    """
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
        """Explain which regions of each face in one photograph carried its label; sent as for analyse."""
        return await run(data, AnalysisRequest("explain", network, label, prior))

    return router
