"""The pages: one table of them, and what their templates are filled with.

A page's markup is a template of `templates/`, all that moves in it a module of `static/`. No page holds
anybody's data: its modules ask the API, which knows who may see what. So whoever may come in may open all.
"""

from __future__ import annotations

import mimetypes
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, NamedTuple

from fastapi import Depends, FastAPI, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from mien.analysis.summary import seldom_found
from mien.config import Settings
from mien.expression.circumplex import COORDINATES
from mien.expression.network import built_in_networks, find_network
from mien.expression.sidecar import read_sidecar, sidecar_path
from mien.labels import EMOTIONS, UNCERTAIN
from mien.live.purpose import PURPOSES, REFUSED
from mien.places.guest_words import guest_words, notice_languages
from mien.places.notice import LONGEST as LONGEST_NOTICE_TEXT
from mien.record.scales import LANGUAGES, PHQ9_NINTH, QUESTIONNAIRES, in_language
from mien.show import palette
from mien.signals.wording import MEASURES
from mien.source.inputs import PHOTOGRAPHS, VIDEOS
from mien.store.venue_types import LEAST_VISITS
from mien.table import COLUMNS, DECIMALS
from mien.web.api.fields import Code, Number, PlaceName
from mien.web.model_cards import card, parts
from mien.web.settings import WebSettings
from mien.web.templates import render
from mien.web.uploads.networks import IN_FIVE_WORDS

STATIC: Final = Path(__file__).with_name("static")
"""Our own scripts, styles and icons."""

STATIC_PATH: Final = "/static/mien"
"""Where they are served."""

TABS: Final = (
    ("Live", "/"),
    ("Subjects", "/subjects"),
    ("Venue", "/venue"),
    ("Files", "/files"),
    ("About", "/about"),
)
"""The views in the header, and their addresses."""

_TEXTS: Final = (
    (
        "phq9_safety",
        "When the ninth question of PHQ-9 is answered above 0",
        "Shown at once, and in the report. It can't be left blank.",
    ),
    (
        "crisis",
        "With the first lasting change",
        "What the clinic wants to say then, such as whom to call. May be left blank.",
    ),
    ("report_footer", "At the end of each report", "The clinic's name and address, for instance."),
)
_BODY: Final = (
    ("heart", "heart", "how fast it beats and how evenly, from a sensor or from the colour of the face"),
    ("skin", "skin", "how well it conducts, which changes with sweat"),
    ("muscles", "muscles", "how active those of brow and cheek are"),
    ("brain", "brain waves", "how strong they are"),
    ("respiration", "breathing", "how fast it is"),
    ("temperature", "temperature", "of the skin"),
)
"""What sensors of the body may store where a consent names it, of `store.types.BODY`, in plain words."""
_KINDS: Final = (("medication", "medicine"), ("event", "event"), ("note", "note"))
SIGNS: Final = MappingProxyType(
    {"medication": "M0-6 6 5H-6Z", "event": "M0-6 6 0 0 6-6 0Z", "note": "M-5-5H5V5H-5Z"}
)
"""The signs of marks, as lanes.js draws them."""

_MOUTHS: Final = (
    "M30 74Q50 50 70 74",
    "M32 72Q50 60 68 72",
    "M32 68H68",
    "M32 63Q50 77 68 63",
    "M29 60Q50 88 71 60",
)
"""The mouths of the kiosk's faces, from very bad to very good, in a square of 100."""


class Server(NamedTuple):
    """What the pages say of the server: how it reads faces, and what may be done through it."""

    reading: Settings
    web: WebSettings


def _server(request: Request) -> Server:
    server: Server = request.app.state.server
    return server


Of = Annotated[Server, Depends(_server)]


def live(of: Of) -> dict[str, Any]:
    """Fill the live view."""
    return {
        "labels": EMOTIONS,
        "choices": choices(),
        "adds_sources": of.web.allow_sources,
        "seldom": seldom_found(of.reading),
        "config": live_config(),
    }


def live_config() -> dict[str, Any]:
    """Return what the script must know of labels, table and plane, so that nothing stands twice."""
    return {
        "labels": EMOTIONS,
        "uncertain": UNCERTAIN,
        "columns": COLUMNS,
        "decimals": {name: DECIMALS[name] for name in COLUMNS if name in DECIMALS},
        "places": dict(COORDINATES),
        "measures": body_measures(),
    }


def body_measures() -> list[dict[str, Any]]:
    """Return how each measure of the body is shown, in order."""
    return [{"name": name, **words._asdict()} for name, words in MEASURES.items()]


def subjects() -> dict[str, Any]:
    """Fill the list of subjects."""
    return {"texts": _TEXTS}


def subject(code: Code) -> dict[str, Any]:
    """Fill a subject's page; whether there is such a subject, the API says."""
    return {
        "config": {
            "code": code,
            "today": date.today().isoformat(),
            "body": {name: title for name, title, _ in _BODY},
        },
        "body": _BODY,
        "scales": list(QUESTIONNAIRES.values()),
        "forms": [in_language(name, language) for name in QUESTIONNAIRES for language in LANGUAGES],
        "languages": LANGUAGES,
        "ninth": PHQ9_NINTH,
        "kinds": _KINDS,
        "signs": SIGNS,
    }


def recording(code: Code, number: Number) -> dict[str, Any]:
    """Fill a recording's page; whether there is such a recording, the API says."""
    return {
        "config": {"code": code, "number": number, "measures": body_measures()},
        "labels": EMOTIONS,
    }


def venue() -> dict[str, Any]:
    """Fill the page of the venues; which there are, the API says."""
    return {
        "least": LEAST_VISITS,
        "sign": SIGNS["event"],
        "config": {"labels": EMOTIONS, "today": date.today().isoformat()},
    }


def venue_setup(venue: PlaceName, station: PlaceName) -> dict[str, Any]:
    """Fill the page on which a station is set up; whether there is such a station, the API says."""
    return {
        "config": {"venue": venue, "station": station},
        "notice_languages": [(code, guest_words()[code].language) for code in notice_languages()],
        "longest": LONGEST_NOTICE_TEXT,
    }


def kiosk(venue: PlaceName, station: PlaceName) -> dict[str, Any]:
    """Fill the kiosk, for guests; whether there is such a station, the API says."""
    words = {code: asdict(each) for code, each in guest_words().items()}
    for each in words.values():
        del each["notice"]
    return {"mouths": _MOUTHS, "config": {"venue": venue, "station": station, "words": words}}


def files(of: Of) -> dict[str, Any]:
    """Fill the files view."""
    prior = of.reading.prior
    return {
        "suffixes": sorted(PHOTOGRAPHS | VIDEOS),
        "max_mb": of.web.max_upload_mb,
        "networks": networks(of.reading.network),
        "expected": f"{prior if isinstance(prior, str) else 'own mix'} (the server's)",
        "config": {
            "suffixes": sorted(PHOTOGRAPHS | VIDEOS),
            "max_mb": of.web.max_upload_mb,
            "decimals": dict(DECIMALS),
            "uncertain": UNCERTAIN,
            "network": Path(of.reading.network).stem,
        },
    }


def about() -> dict[str, Any]:
    """Fill the page about Mien: what readings mean, versions, and the card of each network."""
    return {
        "labels": (*EMOTIONS, UNCERTAIN),
        "version": version("mien"),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "parts": parts(),
        "cards": [(name, card(find_network(name))) for name in built_in_networks()],
    }


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        path: its address; what stands in braces is checked by the annotations of `values`.
        title: of the window.
        tab: the view in the header that it belongs to; "" for a page without a header.
        template: its file's name in `templates/`.
        values: computes what the template shows, beside what `base.html` needs.
        modules: script modules of `static/`, by file name.
        styles: style sheets of `static/`, on top of mien.css.
    """

    path: str
    title: str
    tab: str
    template: str
    values: Callable[..., dict[str, Any]]
    modules: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()


_RECORD: Final = ("record.css",)
_VENUE: Final = ("record.css", "venue.css")
PAGES: Final = (
    Page("/", "Live", "Live", "live.html", live, ("live.js",)),
    Page("/subjects", "Subjects", "Subjects", "subjects.html", subjects, ("subjects.js",), _RECORD),
    Page("/subjects/{code}", "Subject", "Subjects", "subject.html", subject, ("subject.js",), _RECORD),
    Page(
        "/subjects/{code}/recordings/{number}",
        "Recording", "Subjects", "recording.html", recording, ("recording.js",), _RECORD,
    ),
    Page("/venue", "Venue", "Venue", "venue.html", venue, ("venue.js",), _VENUE),
    Page(
        "/venue/{venue}/{station}/setup",
        "Set up a station", "Venue", "venue_setup.html", venue_setup, ("venue_setup.js",), _VENUE,
    ),
    Page("/kiosk/{venue}/{station}", "Kiosk", "", "kiosk.html", kiosk, ("kiosk.js",), ("kiosk.css",)),
    Page("/files", "Files", "Files", "files.html", files, ("files.js",), ("files.css",)),
    Page("/about", "About", "About", "about.html", about),
)  # fmt: skip


def add_pages(app: FastAPI, reading: Settings, web: WebSettings) -> None:
    """Add the pages and their files to an app.

    Args:
        app: whatever stands before it decides who may come in.
        reading: how the server reads faces.
        web: what may be done through the pages.
    """
    app.state.server = Server(reading, web)
    # Windows may call scripts text/plain, which browsers don't run as modules.
    mimetypes.add_type("text/javascript", ".js")
    app.router.routes += [
        Route(f"{STATIC_PATH}/palette.css", _palette_css),
        Mount(STATIC_PATH, _Static(directory=STATIC), name="static"),
    ]
    for page in PAGES:
        app.get(page.path, response_class=HTMLResponse)(_shown(page, locked=web.password is not None))


def _shown(page: Page, *, locked: bool) -> Callable[..., HTMLResponse]:
    def show(values: Annotated[dict[str, Any], Depends(page.values)]) -> HTMLResponse:
        frame = {"page": page, "tabs": TABS, "static": STATIC_PATH, "locked": locked}
        return HTMLResponse(render(page.template, **frame, **values))

    # FastAPI reads annotations where the function is defined, not where it was made.
    show.__annotations__["values"] = Annotated[dict[str, Any], Depends(page.values)]
    return show


class _Static(StaticFiles):
    """Files that a browser keeps, but asks about each time: a script and its modules stay of one version."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


async def _palette_css(_: Request) -> Response:
    return Response(palette_css(), media_type="text/css", headers={"Cache-Control": "no-cache"})


def palette_css() -> str:
    """Write the emotions' colours, and the ink that reads on each, as custom properties."""
    inks = {label: f"#{bytes(palette.ink_on(palette.rgb(label))).hex()}" for label in palette.HEX}
    lines = [
        f"  --emotion-{label}: {colour}; --emotion-{label}-ink: {inks[label]};"
        for label, colour in palette.HEX.items()
    ]
    classes = [
        f".emotion-{label} {{ --colour: var(--emotion-{label}); --colour-ink: var(--emotion-{label}-ink); }}"
        for label in palette.HEX
    ]
    return "\n".join([":root {", *lines, "}", *classes, ""])


@dataclass(frozen=True)
class Choice:
    """One purpose as the live view offers it, before the first picture is taken.

    Attributes:
        name: as the API takes it.
        title: in a word or two.
        words: what it means, in a sentence.
        refused: why Mien is not to be used for it; None where it may be.
    """

    name: str
    title: str
    words: str
    refused: str | None = None


_PURPOSES: Final = MappingProxyType(
    {
        "self": ("For myself", "My own face, or that of someone with me who agrees."),
        "research": ("Research", "A study whose participants have agreed to it."),
        "clinic": ("Clinic", "With a patient who has agreed; as a basis for talking, not to diagnose."),
        "venue": ("A venue", "What visitors' faces show, as counts. A sign at the door informs them."),
        "work": ("People at work", "Watching employees or applicants."),
        "school": ("Pupils and students", "Watching a class or an examination."),
    }
)


def choices() -> tuple[Choice, ...]:
    """Return the purposes in the page's order: those to choose from, then those that are refused."""
    return tuple(Choice(name, *_PURPOSES[name], REFUSED.get(name)) for name in (*PURPOSES, *REFUSED))


def networks(own: str) -> list[tuple[str, str]]:
    """Return what may be chosen to read files: the server's own network, then the others that come with Mien.

    Args:
        own: the server's: a name, or the path of a file.

    Returns:
        For each the value that the API takes ("" for the server's own), and its name with what it is.
    """
    others = [name for name in built_in_networks() if name != own]
    return [("", _title(own)), *((name, _title(name)) for name in others)]


def _title(network: str) -> str:
    """Describe a network, where it comes with Mien; a file of the user's may be gone by now."""
    if network not in built_in_networks():
        return Path(network).stem
    described = IN_FIVE_WORDS.get(network) or read_sidecar(sidecar_path(find_network(network))).description
    return f"{network}: {described}"
