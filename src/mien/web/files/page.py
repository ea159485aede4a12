"""The files view. The server says once what stands on it; our own script sends files and shows results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from jinja2 import Environment, StrictUndefined
from nicegui import html, ui
from starlette.routing import Mount

from mien.expression.network import built_in_networks, find_network
from mien.expression.sidecar import read_sidecar, sidecar_path
from mien.labels import UNCERTAIN
from mien.source.inputs import PHOTOGRAPHS, VIDEOS
from mien.table import DECIMALS
from mien.web.networks import IN_FIVE_WORDS

if TYPE_CHECKING:
    from mien.web.files.jobs import Uploads
    from mien.web.settings import WebSettings

_TEMPLATE = Path(__file__).with_name("files.html")


def register(uploads: Uploads, settings: WebSettings) -> None:
    """Add the files view, at `/files`.

    Args:
        uploads: says how large files may be, and how many.
        settings: of the server.
    """
    from mien.web.pages.layout import PAGE, PREFIX, fill, shell

    markup = render(uploads)

    @ui.page("/files", title="Files · Mien", **PAGE)
    def files() -> None:
        ui.add_head_html(f'<link rel="stylesheet" href="{PREFIX}/files.css">')
        with shell("Files", settings, modules=["files.js"]):
            fill(html.div().classes("mien-content"), markup)


def render(uploads: Uploads) -> str:
    """Write the page's content."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    suffixes = sorted(PHOTOGRAPHS | VIDEOS)
    return template.render(
        config=page_config(uploads),
        suffixes=suffixes,
        max_mb=uploads.max_mb,
        networks=networks(uploads),
        expected=_expected(uploads),
    )


def networks(uploads: Uploads) -> list[tuple[str, str]]:
    """Give what may be chosen to read files: the server's own network, then the others that come with Mien.

    Returns:
        For each the value that the API takes ("" for the server's own), and its name with what it is.
    """
    own = uploads.network
    others = [name for name in built_in_networks() if name != own]
    return [("", _title(own)), *((name, _title(name)) for name in others)]


def _expected(uploads: Uploads) -> str:
    """Name the server's own mix."""
    return f"{uploads.prior if isinstance(uploads.prior, str) else 'own mix'} (the server's)"


def _title(network: str) -> str:
    """Say what a network is, where it comes with Mien; a file of the user's may be gone by now."""
    if network not in built_in_networks():
        return Path(network).stem
    return f"{network}: {IN_FIVE_WORDS.get(network) or _description(network)}"


def _description(network: str) -> str:
    return read_sidecar(sidecar_path(find_network(network))).description


def page_config(uploads: Uploads) -> dict[str, Any]:
    """Give what the script must know, so that nothing stands twice."""
    return {
        "suffixes": sorted(PHOTOGRAPHS | VIDEOS),
        "max_mb": uploads.max_mb,
        "decimals": dict(DECIMALS),
        "uncertain": UNCERTAIN,
        "network": Path(uploads.network).stem,
    }


def api_of(app: FastAPI) -> FastAPI:
    """Give the API that is mounted on an app; an app without one is its own."""
    from mien.web.api import PREFIX

    for route in app.router.routes:
        if isinstance(route, Mount) and route.path == PREFIX and isinstance(route.app, FastAPI):
            return route.app
    return app
