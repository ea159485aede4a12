"""`mien venue notice`: the printed notice, which has to hang at a station before its camera reads."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from mien.cli.options import StoreOption


def notice(
    venue: Annotated[str, typer.Argument(metavar="VENUE", help="The venue's name.")],
    station: Annotated[str, typer.Argument(metavar="STATION", help="The station's name.")],
    contact: Annotated[
        str,
        typer.Option(
            help="Who is responsible, with an address, telephone number or e-mail for questions.",
            metavar="TEXT",
        ),
    ],
    language: Annotated[
        str,
        typer.Option(
            help="Languages, a page for each: de, en, es, fr, it, nl, pl, pt, sv.", metavar="CODE,..."
        ),
    ] = "en",
    place: Annotated[
        str, typer.Option("--name", help="The venue's name as guests know it.", metavar="TEXT")
    ] = "",
    purpose: Annotated[
        str,
        typer.Option(
            help="What the camera is for, in your own words. They stand on every page, so that they"
            " suit one language.",
            metavar="TEXT",
        ),
    ] = "",
    legal_basis: Annotated[
        str, typer.Option(help="The legal basis, such as an article of the GDPR.", metavar="TEXT")
    ] = "",
    elsewhere: Annotated[
        str, typer.Option(help='Where guests are not seen by a camera, such as "till 2".', metavar="TEXT")
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The file, a .pdf [VENUE-STATION-notice.pdf].", metavar="FILE"),
    ] = None,
    store: StoreOption = None,
) -> None:
    """Write the notice that guests must see before a station's camera sees them, as a PDF to print.

    It says that a camera reads expressions here, what for, what is kept, whom to ask and how to object. Read
    it before you hang it: Mien can't know whether it is all that the law wants of you.

    Example: mien venue notice cafe till-1 --language de,en --contact "Café Sonne, Hauptstr. 1, Berlin"
    """
    from mien.errors import OutputError
    from mien.files import written_whole
    from mien.places.guest_words import chosen_languages, notice_languages
    from mien.places.notice import Notice, notice_pdf
    from mien.store.store import Store

    path = out or Path(f"{venue}-{station}-notice.pdf")
    if path.suffix.lower() != ".pdf":
        raise OutputError(f"cannot write {path}: expected a name in .pdf, received {path.suffix!r}")
    languages = chosen_languages(language, notice_languages())
    with Store(store, create=False) as opened:
        found = opened.venues.station(venue, station)
    said = Notice(
        station=found,
        contact=contact,
        languages=languages,
        place=place,
        purpose=purpose,
        basis=legal_basis,
        elsewhere=elsewhere,
    )
    pdf = notice_pdf(said, date.today())
    with written_whole(path) as temporary:
        temporary.write_bytes(pdf)
    typer.echo(str(path))
    typer.echo(
        "Read it, print it, and hang it where guests see it before the camera sees them. Then confirm that:"
        f" mien venue confirm-notice {venue} {station}. It is not legal advice.",
        err=True,
    )
