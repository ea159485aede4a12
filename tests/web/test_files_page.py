"""The files view within the whole server: guard, login, page, and what happens at the end."""

from __future__ import annotations

import html
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mien.expression.network import built_in_networks
from mien.prior import NAMES
from mien.source.inputs import PHOTOGRAPHS, VIDEOS
from mien.web.app import build_app, build_backend
from mien.web.pages import STATIC
from mien.web.uploads.jobs import Uploads
from mien.web.uploads.networks import IN_FIVE_WORDS
from mien.web.uploads.routes import add_uploads
from web.backend import LOCAL, ORIGIN, PASSWORD, FakeLiveSession, TestClient, client, settings

FILES = "/api/v1/files"
NAME = {"X-Mien-Name": "x.jpg", "Origin": ORIGIN}


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def serve(live_session: FakeLiveSession, **choices: Any) -> tuple[TestClient, Uploads]:
    chosen = settings(**choices)
    app = build_backend(live_session, chosen)  # type: ignore[arg-type]
    uploads = add_uploads(app, live_session, chosen)  # type: ignore[arg-type]
    return client(app, address=LOCAL), uploads


@pytest.fixture
def visitor(temporary: Path, live_session: FakeLiveSession) -> Iterator[TestClient]:
    visitor, _ = serve(live_session, max_upload_mb=1)
    with visitor:
        yield visitor


def test_files_go_through_the_guard(visitor: TestClient) -> None:
    assert visitor.post(FILES, content=b"data", headers=NAME).status_code == 202
    foreign = visitor.post(FILES, content=b"data", headers=NAME | {"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    rebound = visitor.get(FILES, headers={"Host": "evil.example"})
    assert rebound.status_code == 421
    assert visitor.post(FILES, content=bytes(1_000_001), headers=NAME).status_code == 413
    assert visitor.get(FILES).headers["cache-control"] == "no-store"


def test_the_description_of_the_api_has_them(visitor: TestClient) -> None:
    paths = visitor.get("/api/v1/openapi.json").json()["paths"]
    assert {"get", "post", "delete"} <= set(paths["/files"])
    assert "/files/{key}/table.csv" in paths


def test_everything_is_deleted_when_the_server_ends(temporary: Path, live_session: FakeLiveSession) -> None:
    visitor, _ = serve(live_session)
    with visitor:
        visitor.post(FILES, content=b"data", headers=NAME)
        assert len(list(temporary.iterdir())) == 1
    assert list(temporary.iterdir()) == []


def test_what_somebody_sent_is_deleted_when_they_log_out(
    temporary: Path, live_session: FakeLiveSession
) -> None:
    visitor, uploads = serve(live_session, password=PASSWORD)
    with visitor:
        assert visitor.post(FILES, content=b"data", headers=NAME).status_code == 401
        visitor.post("/login", data={"password": PASSWORD}, headers={"Origin": ORIGIN})
        key = visitor.post(FILES, content=b"data", headers=NAME).json()["id"]
        assert uploads.find(key) is not None
        visitor.post("/logout", headers={"Origin": ORIGIN})
        assert uploads.find(key) is None


def page(live_session: FakeLiveSession, **choices: Any) -> str:
    with client(build_app(live_session, settings(**choices))) as visitor:  # type: ignore[arg-type]
        return visitor.get("/files").text


def test_the_page_opens_though_the_users_network_is_gone(
    temporary: Path, live_session: FakeLiveSession
) -> None:
    live_session.settings = live_session.settings.model_copy(update={"network": str(temporary / "gone.onnx")})
    assert '<option value="">gone</option>' in page(live_session)


def test_the_page_has_what_its_script_needs(temporary: Path, live_session: FakeLiveSession) -> None:
    markup = page(live_session, max_upload_mb=7)
    found = re.search(r"data-config='([^']*)'", markup)
    assert found is not None
    config = json.loads(html.unescape(found[1]))
    assert config["max_mb"] == 7
    assert config["network"] == "mien"
    assert set(config["suffixes"]) == PHOTOGRAPHS | VIDEOS
    assert "Up to 7 MB each" in markup
    networks, priors = re.findall(r"<select.*?</select>", markup, re.DOTALL)[:2]
    assert re.findall(r'<option value="([a-z]*)">', priors) == ["", *NAMES]
    options = re.findall(r'<option value="([a-z]*)">([a-z]+): [^<]{10,}</option>', networks)
    assert options[0] == ("", "mien")
    assert sorted(name for _, name in options) == built_in_networks()
    for name, words in re.findall(r">([a-z]+): ([^<]+)</option>", networks):
        assert 2 <= len(words.split()) <= 5, name
        assert IN_FIVE_WORDS[name] == html.unescape(words)
    parts = set(re.findall(r'data-part="([a-z-]+)"', markup))
    scripts = "".join(
        (STATIC / name).read_text(encoding="utf-8") for name in ("files.js", "file_to_record.js")
    )
    wanted = set(re.findall(r'[pP]arts?\("([a-z-]+)"\)', scripts))
    assert wanted <= parts
    for part in re.findall(r'aria-(?:labelledby|describedby)="([a-z-]+)"', markup):
        assert f'id="{part}"' in markup
