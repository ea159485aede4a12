from __future__ import annotations

import json
import re
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from cli.helpers import Run
from mien.expression.network import built_in_networks
from mien.fetch import OPTIONAL_MODELS
from patience import LIMIT_S


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_list_names_all_and_their_state(run: Run) -> None:
    ran = run("models", "list")
    assert ran.code == 0
    assert ran.out == run("models").out
    for name in built_in_networks():
        assert re.search(rf"^{name} +built in", ran.out, re.MULTILINE)
    assert re.search(r"^yunet +not fetched", ran.out, re.MULTILINE)


def test_list_as_json(run: Run) -> None:
    models = json.loads(run("models", "list", "--json").out)
    assert [model["name"] for model in models] == [*built_in_networks(), *OPTIONAL_MODELS]
    assert all(len(model["sha256"]) == 64 for model in models)


def test_show_says_the_facts(run: Run, tiny_network: Path) -> None:
    ran = run("models", "show", tiny_network)
    assert ran.code == 0
    assert "happiness" in ran.out
    facts = json.loads(run("models", "show", tiny_network, "--json").out)
    assert facts == json.loads(tiny_network.with_suffix(".json").read_text())


def test_show_an_unknown_one(run: Run) -> None:
    ran = run("models", "show", "gone")
    assert (ran.code, ran.out, len(ran.errors)) == (1, "", 1)
    assert "gone" in ran.errors[0]


def test_fetch_an_unknown_one(run: Run) -> None:
    ran = run("models", "fetch", "gone")
    assert (ran.code, ran.out) == (1, "")
    assert "yunet" in ran.errors[0]


def test_fetch_refuses_another_file(run: Run, cache: Path) -> None:
    class Wrong(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"not a network")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Wrong) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        ran = run("models", "fetch", "yunet", "--url", f"http://127.0.0.1:{server.server_port}/yunet.onnx")
        thread.join(LIMIT_S)
    assert (ran.code, len(ran.errors)) == (1, 1)
    assert not [path for path in cache.rglob("*") if path.is_file()]
