"""The printed notice of a station, by the API."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from mien.errors import OutputError
from mien.places.guest_words import chosen_languages, notice_languages
from mien.places.notice import LONGEST, Notice, notice_pdf
from mien.web.answers import file_of
from mien.web.api.fields import PlaceName, Words
from mien.web.security.access import Host

_Text = Annotated[Words, Field(max_length=LONGEST)]


class NoticeQuery(BaseModel):
    """What a venue says on its notice."""

    model_config = ConfigDict(extra="forbid")

    contact: _Text = Field(min_length=1, description="Who is responsible, with an address for questions.")
    language: list[str] = Field(["en"], max_length=20, description="A page for each.")
    place: _Text = Field("", description="The venue's name for guests.")
    purpose: _Text = Field("", description="What the camera is for, in place of Mien's sentence.")
    basis: _Text = Field("", description="The legal basis.")
    elsewhere: _Text = Field("", description="Where a guest is not seen.")


def notice_routes() -> APIRouter:
    """Make the route of the notice."""
    router = APIRouter(tags=["venues"])

    @router.get(
        "/venues/{venue}/stations/{station}/notice.pdf",
        response_class=Response,
        responses=file_of("application/pdf"),
    )
    def notice(
        venue: PlaceName, station: PlaceName, said: Annotated[NoticeQuery, Query()], who: Host
    ) -> Response:
        """Return the notice to print, which guests must see before the camera sees them."""
        notice = Notice(
            station=who.store.venues.station(venue, station),
            contact=said.contact,
            languages=chosen_languages(",".join(said.language), notice_languages()),
            place=said.place,
            purpose=said.purpose,
            basis=said.basis,
            elsewhere=said.elsewhere,
        )
        try:
            pdf = notice_pdf(notice, who.store.now().astimezone().date())
        except OutputError as error:  # a character that no font has, or no typst
            raise HTTPException(422, str(error)) from error
        name = f"{venue}-{station}-notice.pdf"
        return Response(
            pdf,
            media_type="application/pdf",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )

    return router
