"""No text that somebody chose becomes markup: in a page, in a card, in what a script builds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest

import mien
from mien.web.app import build_app
from mien.web.model_cards import card
from web.backend import FakeLiveSession, TestClient, client, settings

WEB = Path(mien.__file__).parent / "web"

ATTACKS = (
    "<script>alert(1)<!--",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{7*7}}${7*7}",
    "]]><svg onload=alert(1)>",
)


@pytest.fixture(scope="module")
def visitor() -> Iterator[TestClient]:
    live_session = FakeLiveSession()
    with client(build_app(live_session, settings())) as visitor:  # type: ignore[arg-type]
        yield visitor
    live_session.close()


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("path", ["/subjects/{}", "/subjects/{}/recordings/1"])
def test_a_code_in_an_address_is_no_page_or_stays_a_text(visitor: TestClient, path: str, attack: str) -> None:
    page, plain = (visitor.get(path.format(quote(each, safe=""))) for each in (attack, "P-017"))
    assert (page.status_code in (200, 404), plain.status_code) == (True, 200)
    assert attack not in page.text
    assert page.text.count("<script") <= plain.text.count("<script")
    assert "49" not in set(re.findall(r"\b49\b", page.text)) - set(re.findall(r"\b49\b", plain.text))


class _Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


CARD = """# Network
<script>alert(1)</script> <img src=x onerror=alert(1)> <b onclick=alert(1)>bold</b>
[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](data:text/html,x) [d][e] [f](&#106;avascript:alert(1))
![picture](x" onerror="alert(1)) <javascript:alert(1)>

[e]: javascript:alert(2)

| <i onload=x>1</i> | `<script>` |
| --- | --- |
| 2 | 3 |
"""


def test_a_card_is_text_and_nothing_in_it_runs(tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text(CARD, encoding="utf-8")
    read = _Tags(card(tmp_path / "x.onnx"))
    assert read.tags <= {"p", "a", "img", "code", "div", "table", "thead", "tbody", "tr", "th", "td", "br"}
    assert [name for name, _ in read.attributes if name.startswith("on")] == []
    addresses = [value or "" for name, value in read.attributes if name in ("href", "src")]
    assert [
        each for each in addresses if re.match(r"\s*(javascript|data|vbscript):", each, re.IGNORECASE)
    ] == []


def test_scripts_build_elements_and_never_markup_of_what_they_were_told() -> None:
    for path in sorted(WEB.glob("**/*.js")):
        script = path.read_text(encoding="utf-8")
        for way in (
            "insertAdjacentHTML",
            "outerHTML",
            "document.write",
            "eval(",
            "new Function",
            "DOMParser",
        ):
            assert way not in script, (path.name, way)
        for markup in re.findall(r"innerHTML\s*\+?=\s*([^;]+);", script):
            assert re.fullmatch(r'"[^"]*"', markup.strip()), (path.name, markup)


def test_the_browser_keeps_nothing_but_the_theme() -> None:
    scripts = [path.read_text(encoding="utf-8") for path in sorted(WEB.glob("**/*.js"))]
    kept = [
        each for script in scripts for each in re.findall(r"(?:local|session)Storage\.\w+\(([^,)]*)", script)
    ]
    assert set(kept) == {'"mien-theme"'}
    assert not any(way in script for script in scripts for way in ("indexedDB", "document.cookie", "caches."))


def test_templates_escape_all_but_the_cards() -> None:
    found = [
        (path.name, value)
        for path in sorted(WEB.glob("**/*.html"))
        for value in re.findall(r"\{\{-?\s*([^}]*\|\s*safe[^}]*?)\s*-?\}\}", path.read_text(encoding="utf-8"))
    ]
    assert found == [("about.html", "markup|safe")]
    assert "autoescape=False" not in "".join(
        path.read_text(encoding="utf-8") for path in (WEB.parent).rglob("*.py")
    )
