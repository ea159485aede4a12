"""The documentation's site: everything of the program is in it, and nothing comes from elsewhere."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from pydantic_settings import BaseSettings

import build_site
import mien
from mien.config import Settings
from mien.web.settings import WebSettings

ROOT = Path(__file__).parents[2]
LOADED = {("link", "href"), ("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "srcset")}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does; a broken link ends that."""
    out = tmp_path_factory.mktemp("docs") / "site"
    build_site.build(out)
    return out


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the site is made of."""
    folder = tmp_path_factory.mktemp("gathered") / "pages"
    build_site.gather(folder)
    return folder


class _Loaded(HTMLParser):
    """Collects what a page makes the browser load."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if (tag, name) in LOADED]


@pytest.mark.exhaustive
def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    loaded = _Loaded()
    for page in site.rglob("*.html"):
        loaded.feed(page.read_text(encoding="utf-8"))
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    loaded.addresses += re.findall(r"url\(\s*[\"']?([^\"')]+)", styles)
    assert len(loaded.addresses) > 100
    assert [each for each in loaded.addresses if re.match(r"(https?:)?//", each)] == []


@pytest.mark.exhaustive
def test_nothing_wakes_the_scripts_that_would_fetch_from_another_host(site: Path) -> None:
    """The theme fetches a library for diagrams, and a repository's stars, where a page has them."""
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert 'class="mermaid"' not in text
        assert 'data-md-component="source"' not in text


@pytest.mark.exhaustive
def test_every_public_name_is_in_the_reference(site: Path) -> None:
    text = (site / "reference" / "api.html").read_text(encoding="utf-8")
    documented = set(re.findall(r'id="mien\.(\w+)"', text))
    assert set(mien.__all__) - documented == {"__version__"}
    assert "mien.__version__" in text


@pytest.mark.exhaustive
def test_every_page_can_be_reached(pages: Path) -> None:
    settings = tomllib.loads((ROOT / "docs" / "zensical.toml").read_text(encoding="utf-8"))
    listed = list(_leaves(settings["project"]["nav"]))
    assert sorted(listed) == sorted(str(path.relative_to(pages)) for path in pages.rglob("*.md"))


def _leaves(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    for each in nav if isinstance(nav, list) else nav.values() if isinstance(nav, dict) else ():
        yield from _leaves(each)


@pytest.mark.parametrize("group", build_site.COMMANDS_PAGES)
def test_every_command_is_in_the_reference_with_its_options(pages: Path, group: str) -> None:
    text = (pages / "reference" / f"commands-{group.lower()}.md").read_text(encoding="utf-8")
    sections = {part.split("\n")[0].lstrip("# "): part for part in re.split(r"^(?=##)", text, flags=re.M)}
    found = list(build_site.commands(group))
    assert found
    for name, command in found:
        told = sections[name]
        for param in command.params:
            shown = max(param.opts, key=len) if param.param_type_name == "option" else ""
            assert param.hidden or f"{shown}" in told, f"{name}: {shown}"


def test_the_groups_of_the_reference_are_all_that_there_are() -> None:
    of_groups = [name for group in build_site.COMMANDS_PAGES for name, _ in build_site.commands(group)]
    assert sorted(of_groups) == sorted(name for name, _ in build_site.commands())


@pytest.mark.parametrize("settings", [Settings, WebSettings])
def test_every_setting_is_in_the_reference(pages: Path, settings: type[BaseSettings]) -> None:
    text = (pages / "reference" / "settings.md").read_text(encoding="utf-8")
    for name in settings.model_fields:
        assert f"| `{name}` |" in text


@pytest.mark.parametrize(
    ("setting", "option"),
    [("min_face_px", "--min-face"), ("tls_cert", "--tls-cert"), ("port", "--port"),
     ("password", "--password-file"), ("allowed_hosts", "--allow-host"),
     ("redetect_s", None), ("max_uploads", None)],
)  # fmt: skip
def test_a_settings_option_is_named(setting: str, option: str | None) -> None:
    assert build_site.option_of(setting) == option


def test_every_environment_variable_is_in_the_reference(pages: Path) -> None:
    text = (pages / "reference" / "settings.md").read_text(encoding="utf-8")
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    prefixes = "|".join(each.model_config["env_prefix"] for each in (WebSettings,))
    read = {name for name in re.findall(r"\"(MIEN_[A-Z_]*[A-Z])\"", source) if not re.match(prefixes, name)}
    assert {"MIEN_STORE", "MIEN_CACHE", "MIEN_MQTT"} <= read
    assert [name for name in sorted(read) if f"`{name}`" not in text] == []


def test_marks_in_a_help_are_no_markdown() -> None:
    plain = build_site._plain("of a <file>, `p_*|x` and p_* [default: 1]")
    assert plain == r"of a \<file>, `p_*|x` and p_\* \[default: 1\]"
