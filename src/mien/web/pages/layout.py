"""What every page shares: the head, the header with its links, and where our own files are served."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from fastapi import Depends, FastAPI
from jinja2 import Environment, PackageLoader, StrictUndefined
from nicegui import html, ui
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from mien.show import palette
from mien.web.pages.room import make_room
from mien.web.settings import WebSettings

STATIC: Final = Path(__file__).parents[1] / "static"
"""Our own scripts, styles and icons."""

PREFIX: Final = "/static/mien"
"""Where they are served."""

TABS: Final = (("Live", "/"), ("Subjects", "/subjects"), ("Files", "/files"), ("About", "/about"))
"""The views and their addresses, in the header's order."""

PAGE: Final[dict[str, Any]] = {
    "language": "en-US",
    "dark": None,
    "favicon": STATIC / "icon.svg",
    # A page whose connection is back sooner stays; later, NiceGUI loads it anew. A running one always stays.
    "reconnect_timeout": 900.0,
    "dependencies": [Depends(make_room)],
}
"""What `ui.page` is given for each of our pages."""


@contextmanager
def shell(active: str, settings: WebSettings, *, modules: Sequence[str] = ()) -> Iterator[None]:
    """Give a page its head and header; what is made inside the block is the page's content.

    Only native elements are used: unlike NiceGUI's own components, which are compiled in the browser, they
    need no `unsafe-eval` in the page's content security policy.

    Args:
        active: the name of the view in `TABS`.
        settings: whether there is a password, and so a way out.
        modules: our own script modules that the page needs, by file name.
    """
    head = [f'<link rel="stylesheet" href="{PREFIX}/{name}.css">' for name in ("palette", "mien")]
    head += [f'<script src="{PREFIX}/theme.js"></script>']
    head += [f'<script type="module" src="{PREFIX}/{name}"></script>' for name in modules]
    ui.add_head_html("\n".join(head))
    with ui.context.client.layout:
        header = html.header().classes("mien-header")
        fill(header, render("header.html", tabs=TABS, active=active, locked=settings.password is not None))
        header.move(target_index=0)
    with html.div().classes("mien-page").props("id=content tabindex=-1"):
        yield


def fill(element: ui.element, markup: str) -> None:
    """Put markup of our own into an element; nothing that a user gave may be in it unescaped."""
    element.props["innerHTML"] = markup


def show(name: str, **values: Any) -> None:
    """Render a template of this folder as the page's content."""
    fill(html.div().classes("mien-content"), render(name, **values))


def render(name: str, **values: Any) -> str:
    """Render a template of this folder; values are escaped."""
    return _templates().get_template(name).render(**values)


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("mien.web.pages", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def palette_css() -> str:
    """Write the emotions' colours, and the ink that reads on each, as custom properties."""
    lines = [
        f"  --emotion-{label}: {colour}; --emotion-{label}-ink: {_hex(palette.ink_on(palette.rgb(label)))};"
        for label, colour in palette.HEX.items()
    ]
    classes = [
        f".emotion-{label} {{ --colour: var(--emotion-{label}); --colour-ink: var(--emotion-{label}-ink); }}"
        for label in palette.HEX
    ]
    return "\n".join([":root {", *lines, "}", *classes, ""])


def _hex(colour: palette.RGB) -> str:
    return f"#{bytes(colour).hex()}"


class _Static(StaticFiles):
    """Files that a browser keeps, but asks about each time: a script and its modules stay of one version."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


def serve_static(app: FastAPI) -> None:
    """Serve our own files; their routes come first, as NiceGUI takes all that is left over."""
    # Windows may call scripts text/plain, which browsers don't run as modules.
    mimetypes.add_type("text/javascript", ".js")
    app.router.routes[:0] = [
        Route(f"{PREFIX}/palette.css", _palette_css),
        Mount(PREFIX, _Static(directory=STATIC), name="mien-static"),
    ]


async def _palette_css(_: Request) -> Response:
    return Response(palette_css(), media_type="text/css", headers={"Cache-Control": "no-cache"})
