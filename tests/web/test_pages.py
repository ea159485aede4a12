"""The pages as the server sends them; tests/web/static/test_live_scripts.py has what their scripts do."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import pytest

from mien.expression.network import built_in_networks, find_network
from mien.labels import EMOTIONS, UNCERTAIN
from mien.live.purpose import PURPOSES, REFUSED
from mien.show import palette
from mien.signals.wording import MEASURES
from mien.store.signals import signal_of
from mien.store.types import BODY
from mien.table import COLUMNS
from mien.web.app import build_app
from mien.web.model_cards import card
from mien.web.pages import PAGES, STATIC, TABS, choices
from web.backend import FakeLiveSession, TestClient, client, settings

LEAST_CONTRAST = 4.5
"""Of text on its ground, by WCAG 2.1 AA."""

NAMESPACE = "http://www.w3.org/2000/svg"


@pytest.fixture(scope="module")
def visitor() -> Iterator[TestClient]:
    live_session = FakeLiveSession()
    with client(build_app(live_session, settings())) as visitor:  # type: ignore[arg-type]
        yield visitor
    live_session.close()


def markup(visitor: TestClient, address: str) -> str:
    return visitor.get(address).text


@pytest.mark.parametrize(("name", "address"), TABS)
def test_each_view_has_its_header_and_language(visitor: TestClient, name: str, address: str) -> None:
    answer = visitor.get(address)
    assert answer.status_code == 200
    assert '<html lang="en-US">' in answer.text
    assert f"<title>{name} · Mien</title>" in answer.text
    shown = markup(visitor, address)
    assert [f'href="{there}"' in shown for _, there in TABS] == [True] * len(TABS)
    assert re.findall(r'<a href="([^"]+)" aria-current="page">', shown) == [address]


@pytest.mark.parametrize("address", [address for _, address in TABS])
def test_without_a_password_there_is_no_way_out(visitor: TestClient, address: str) -> None:
    assert "logout" not in markup(visitor, address)


@pytest.mark.parametrize("address", [address for _, address in TABS])
def test_nothing_comes_from_elsewhere(visitor: TestClient, address: str) -> None:
    shown = markup(visitor, address)
    used = re.findall(r"""(?:src|href|action|@import url)\s*[=(]\s*["']([^"']+)""", shown)
    assert used
    assert [each for each in used if urlsplit(each).netloc] == []


def test_our_own_files_name_no_other_host() -> None:
    for path in STATIC.iterdir():
        text = path.read_text(encoding="utf-8").replace(NAMESPACE, "")
        assert re.findall(r"https?://|//[a-z]+\.[a-z]", text) == [], path.name


def test_no_page_needs_what_the_policy_forbids(visitor: TestClient) -> None:
    """Scripts and styles come from files of ours; there is none in the markup."""
    for page in PAGES:
        address = page.path.format(code="P-017", number=1, venue="cafe", station="till-1")
        answer = visitor.get(address)
        assert answer.status_code == 200
        assert "unsafe" not in answer.headers["content-security-policy"]
        for script in re.findall(r"<script[^>]*>[^<]*</script>", answer.text):
            assert re.fullmatch(r'<script( type="module")? src="/static/mien/[\w.]+"></script>', script)
        assert answer.text.count("<script") == (2 if page.tab else 0) + len(page.modules)
        assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", answer.text) == []


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/subjects/a%20b",
        f"/subjects/{'a' * 65}",
        f"/subjects/P-1/recordings/{2**63}",
        "/subjects/P-1/recordings/one",
        "/subjects/P-1/recordings/-1",
    ],
)
def test_a_page_of_what_none_is_called_is_not_there(visitor: TestClient, path: str) -> None:
    answer = visitor.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    assert answer.text == "There is no such page. Mien's start page is at /"


def test_the_page_asks_before_the_first_picture(visitor: TestClient) -> None:
    shown = markup(visitor, "/")
    assert "No picture is stored, none leaves this machine." in shown
    radios = re.findall(
        r'<input type="radio" name="purpose" value="(\w+)" required( data-refused="[^"]+)?', shown
    )
    assert [name for name, _ in radios] == [*PURPOSES, *REFUSED]
    assert [name for name, refused in radios if refused] == list(REFUSED)
    # Hidden until somebody has agreed.
    for part in ("video", "overlay", "pause", "stop"):
        tag = re.search(rf'<[^>]*data-part="{part}"[^>]*>', shown)
        assert tag, part
        assert " hidden" in tag[0]


def test_a_consent_names_each_part_of_the_body_and_ticks_none(visitor: TestClient) -> None:
    boxes = re.findall(
        r'<input type="checkbox" name="signals" value="(\w+)"( checked)?>', markup(visitor, "/subjects/P-1")
    )
    assert boxes == [("measures", " checked"), *((name, "") for name in BODY)]


def test_each_measure_that_may_be_recorded_has_words() -> None:
    # Of a face's pulse and of arousal nothing is recorded as such.
    kept = set(MEASURES) - {"arousal", "face_pulse"}
    assert {signal_of(name) for name in kept} == set(BODY)
    assert len({words.title for words in MEASURES.values()}) == len(MEASURES)


def test_refused_purposes_come_with_their_sentence() -> None:
    assert {each.name: each.refused for each in choices()} == {**dict.fromkeys(PURPOSES), **REFUSED}
    assert all(each.title and each.words for each in choices())


def test_each_emotion_has_a_bar_with_a_name(visitor: TestClient) -> None:
    shown = markup(visitor, "/")
    named = re.findall(
        r'role="meter" aria-labelledby="bar-(\w+)" aria-valuemin="0" aria-valuemax="100"', shown
    )
    assert named == list(EMOTIONS)
    assert re.findall(r'id="bar-(\w+)">(\w+)<', shown) == [(label, label) for label in EMOTIONS]


def test_pictures_drawn_by_the_script_are_named(visitor: TestClient) -> None:
    canvases = re.findall(r"<canvas[^>]*>", markup(visitor, "/"))
    assert len(canvases) == 4
    named = [tag for tag in canvases if 'role="img"' in tag and "aria-label" in tag]
    (frame,) = set(canvases) - set(named)  # what lies under the marks, which are named
    assert 'data-part="picture"' in frame
    assert 'aria-hidden="true"' in frame
    assert 'role="status" aria-live="polite"' in markup(visitor, "/")


def test_every_part_that_the_script_asks_for_is_on_the_page(visitor: TestClient) -> None:
    shown = markup(visitor, "/")
    there = set(re.findall(r'data-part="([\w-]+)"', shown))
    scripts = "".join(
        (STATIC / name).read_text(encoding="utf-8")
        for name in (
            "live.js",
            "reading_view.js",
            "purpose.js",
            "source_removal.js",
            "live_recording.js",
            "session_summary.js",
            "own_neutral.js",
        )
    )
    asked = set(re.findall(r'[pP]arts?\("([\w-]+)"\)', scripts))
    assert len(asked) > 20
    assert asked <= there


def test_sources_are_added_only_where_they_may(visitor: TestClient) -> None:
    assert 'data-part="add-form"' in markup(visitor, "/")
    live_session = FakeLiveSession()
    with client(build_app(live_session, settings(allow_sources=False))) as closed:  # type: ignore[arg-type]
        for part in ("add-form", "remove", "remove-sure"):
            assert f'data-part="{part}"' not in markup(closed, "/")
    live_session.close()


def test_the_script_is_told_the_tables_columns(visitor: TestClient) -> None:
    page = visitor.get("/").text
    found = re.search(r"data-config='(.*?)'", html.unescape(page))
    assert found
    config = json.loads(found[1])
    assert config["columns"] == list(COLUMNS)
    assert config["labels"] == list(EMOTIONS)
    assert config["places"]["happiness"] == [0.81, 0.51]
    assert set(config["decimals"]) < set(COLUMNS)


def test_palette_css_has_every_colour_and_an_ink_that_reads_on_it(visitor: TestClient) -> None:
    css = visitor.get("/static/mien/palette.css")
    assert css.headers["content-type"].startswith("text/css")
    known = dict(re.findall(r"--emotion-([\w-]+): (#[0-9a-f]{6});", css.text))
    assert {label: known[label] for label in palette.HEX} == dict(palette.HEX)
    for label in (*EMOTIONS, UNCERTAIN):
        assert contrast(known[label], known[f"{label}-ink"]) >= LEAST_CONTRAST, label


def test_scripts_are_served_as_such_and_asked_about_each_time(visitor: TestClient) -> None:
    for path in STATIC.iterdir():
        answer = visitor.get(f"/static/mien/{path.name}")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-cache"
        kind = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}[path.suffix]
        assert answer.headers["content-type"].startswith(kind)
    etag = {"If-None-Match": visitor.get("/static/mien/live.js").headers["etag"]}
    assert visitor.get("/static/mien/live.js", headers=etag).status_code == 304


@pytest.mark.parametrize("path", ["..%2fapp.py", "%2e%2e/app.py", "../app.py", "missing.js"])
def test_nothing_else_is_served(visitor: TestClient, path: str) -> None:
    assert visitor.get(f"/static/mien/{path}").status_code == 404


def test_modules_import_only_what_is_there() -> None:
    for path in STATIC.glob("*.js"):
        for name in re.findall(r'from "\./([\w.]+)"', path.read_text(encoding="utf-8")):
            assert (STATIC / name).is_file(), f"{path.name} imports {name}"


def test_about_tells_versions_models_and_boundaries(visitor: TestClient) -> None:
    shown = markup(visitor, "/about")
    assert version("mien") in shown
    assert version("onnxruntime") in shown
    assert "It does not diagnose" in shown
    assert "Mien is not sure enough of any expression." in shown  # likelihood alone does not decide it
    for name in built_in_networks():
        assert f"<summary>{name}</summary>" in shown


def test_headings_of_about_leave_no_level_out(visitor: TestClient) -> None:
    levels = [int(level) for level in re.findall(r"<h([1-6])[ >]", markup(visitor, "/about"))]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_a_card_is_rendered_with_its_tables() -> None:
    shown = card(find_network("mien"))
    assert "Apache-2.0" in shown
    assert "<h3>Figures</h3>" in shown
    assert shown.count("<table>") == shown.count('tabindex="0" role="group" aria-label="Table"') > 3
    assert "<th></th>\n  <th></th>" not in shown


def test_a_card_that_is_not_there_is_nothing(tmp_path: Path) -> None:
    assert card(tmp_path / "mine.onnx") == ""


def test_markup_in_a_card_stays_text(tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text("# Card\n\n<script>alert(1)</script>\n", encoding="utf-8")
    assert "<script>" not in card(tmp_path / "mine.onnx")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ("ink", "card"), ("ink", "ground"), ("ink", "soft"), ("faint", "card"), ("faint", "ground"),
        ("accent", "card"), ("accent", "ground"), ("accent", "soft"), ("on-accent", "accent"),
        ("alarm", "card"), ("alarm", "ground"),
    ],
)  # fmt: skip
def test_text_can_be_read_on_its_ground(theme: str, ink: str, ground: str) -> None:
    colours = themes()[theme]
    assert contrast(colours[ink], colours[ground]) >= LEAST_CONTRAST


def test_dark_by_the_system_is_dark_by_the_switch() -> None:
    assert themes()["system"] == themes()["dark"]


def themes() -> MappingProxyType[str, dict[str, str]]:
    """Read the colours of mien.css: light, dark by the system, dark by the switch."""
    css = (STATIC / "mien.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root[^{]*\{([^}]*)\}", css)
    light, system, dark = ({**dict(re.findall(r"--([\w-]+): ([^;]+);", block))} for block in blocks)
    return MappingProxyType({"light": light, "system": system, "dark": dark})


def contrast(one: str, other: str) -> float:
    return palette.contrast(*((part[0], part[1], part[2]) for part in map(rgb, (one, other))))


def rgb(colour: str) -> bytes:
    return bytes.fromhex(colour.removeprefix("#"))
