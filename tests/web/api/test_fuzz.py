"""Whatever is sent to the API, by its description and against it, none of it is an error of the server."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, strategies
from hypothesis import settings as bounded

from mien.config import Settings
from mien.live.status import SourceStatus
from mien.store.store import Store
from mien.store.venue_types import Station
from mien.web.app import build_backend
from mien.web.security.access import Records
from mien.web.uploads.jobs import Uploads
from mien.web.uploads.routes import upload_routes
from web import record_people as people
from web.backend import ORIGIN, FakeLiveSession, TestClient, client, make_reading, make_signals, settings

EXAMPLES = 6
"""Of each kind, for each operation."""

TAKES_NOTHING = {"POST /simulated", "GET /signals/found"}
"""What nothing in a request can change, and what takes long."""

KNOWN = {
    "code": "P-1", "number": 1, "source": "camera:0", "form": "html", "venue": "cafe", "station": "till-1",
}  # fmt: skip
"""What is there, so that more than the door is tried."""


class _Job:
    """Reads nothing, as this is no test of pictures."""

    def __init__(self, *args: Any, **more: Any) -> None: ...

    def run(self, tell: Any = None) -> dict[str, Any]:
        return {"rows": 0}

    def cancel(self) -> None: ...


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record of one subject with a recording, a mark and a self-report."""
    path = tmp_path_factory.mktemp("record") / "record.sqlite"
    with Store(path, who="tester") as store:
        subject = store.subjects.add("P-1")
        yesterday = datetime.now(UTC) - timedelta(days=1)
        recording = people.record(
            store, subject, yesterday, minutes=1, series=people.readings(30), body=people.body(120)
        )
        store.annotations.add(subject, "note", "here", at=yesterday, recording_id=recording.id)
        store.self_reports.add(subject, "mood", total=5.0)
        store.venues.add(Station("cafe", "till-1", "camera:0"))
    return path


@contextmanager
def served(filled: Path, folder: Path) -> Iterator[TestClient]:
    """Serve the whole API over a copy of the record; an exception behind a route is one here."""
    path = folder / "copy.sqlite"
    shutil.copy(filled, path)
    live_session, store = FakeLiveSession(), Store(path, who="tester")
    uploads = Uploads(Settings(), most=1, make_job=_Job)
    live_session.known["camera:0"] = SourceStatus("camera:0", "camera:0", "running")
    live_session.publish(make_reading("camera:0", 1, 0.1))
    live_session.add_signals("strap", lambda: None, where="ble:x")
    live_session.publish_signals(make_signals("strap", 1_780_000_000.0))
    app = build_backend(
        live_session,  # type: ignore[arg-type]
        settings(),
        analyse=lambda data, request: {"size_wh": [1, 1], "faces": []},
        records=Records(lambda: store),
    )
    app.state.api.include_router(upload_routes(uploads))
    try:
        with client(app) as page:
            yield page
    finally:
        uploads.close()
        live_session.close()
        store.close()


def send(page: TestClient, case: Any) -> tuple[int, bytes, str]:
    """Send what was made up, byte by byte."""
    from requests import Request

    made = Request(**case.as_transport_kwargs(base_url=f"{ORIGIN}/api/v1")).prepare()
    answer = page.request(made.method, made.url, headers=dict(made.headers), content=made.body)
    return answer.status_code, answer.content, answer.headers.get("content-type", "")


def kinds_of(operation: Any) -> Any:
    """Make requests that fit an operation's description, that don't, and that name what is there."""
    from schemathesis import GenerationMode

    known = {each: value for each, value in KNOWN.items() if f"{{{each}" in operation.path}
    kinds = [operation.as_strategy(GenerationMode.POSITIVE, path_parameters=known or None)]
    if list(operation.iter_parameters()) or operation.body:
        kinds += [operation.as_strategy(mode) for mode in GenerationMode]
    return strategies.one_of(kinds)


def order(operation: Any) -> int:
    """Take things away after all else was tried, and ask for names and passwords at last."""
    return 2 if operation.label == "POST /users" else operation.method.upper() == "DELETE"


def test_the_description_says_what_every_answer_holds(filled: Path, tmp_path: Path) -> None:
    """Of each field its type: nowhere "any JSON"; what is no JSON is described by its content type."""
    with served(filled, tmp_path) as page:
        described = page.get("/api/v1/openapi.json").json()
    loose = {
        f"{method} {path}"
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
        for status, answer in operation["responses"].items()
        for kind, content in answer.get("content", {}).items()
        if status.startswith("2") and kind == "application/json" and not content.get("schema")
    }
    assert loose == set()
    untyped = {
        f"{name}.{field}"
        for name, schema in described["components"]["schemas"].items()
        for field, kind in schema.get("properties", {}).items()
        if not {"type", "$ref", "anyOf", "allOf", "enum", "const"} & set(kind)
    }
    assert untyped == {"ValidationError.ctx", "ValidationError.input"} & untyped
    said = [
        answer
        for methods in described["paths"].values()
        for operation in methods.values()
        for status, answer in operation["responses"].items()
        if status in ("200", "201", "202")
    ]
    assert len(said) > 40
    assert all(answer.get("content") for answer in said)


@pytest.mark.exhaustive
def test_no_request_is_an_error_of_the_server(filled: Path, tmp_path: Path, research: None) -> None:
    from schemathesis import openapi
    from schemathesis.config import SchemathesisConfig

    with served(filled, tmp_path) as page:
        described = page.get("/api/v1/openapi.json").json()
        schema = openapi.from_dict(described, config=SchemathesisConfig())
        operations = sorted((each.ok() for each in schema.get_all_operations()), key=order)
        tried = [each for each in operations if each.label not in TAKES_NOTHING]
        for operation in tried:

            @bounded(
                max_examples=3 * EXAMPLES, derandomize=True, deadline=None, database=None,
                phases=[Phase.generate], suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            @given(kinds_of(operation))
            def ask(case: Any) -> None:
                code, body, kind = send(page, case)
                assert code < 500, f"{case.as_curl_command()}: {body[:200]!r}"
                if kind == "application/json" and code != 204:
                    json.loads(body, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))

            ask()
    paths = {f"{verb.upper()} {path}" for path, verbs in described["paths"].items() for verb in verbs}
    assert {each.label for each in tried} == paths - TAKES_NOTHING
