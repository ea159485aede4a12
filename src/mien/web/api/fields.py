"""The values that a request may bring, each with its limits: what is within them, the store can keep."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Final

from pydantic import AwareDatetime, Field

from mien.store.validation import FIRST_YEAR, LAST_YEAR

MOST_NUMBER: Final = 2**31 - 1
"""No recording, mark or self-report has a higher number, on either database."""

_LONGEST_S: Final = 1e9
_LARGEST: Final = 1e6

PlaceName = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[a-z0-9][a-z0-9-]*$")]
"""A venue's or a station's name."""

Number = Annotated[int, Field(ge=0, le=MOST_NUMBER)]
"""A recording's, mark's, self-report's or track's number; or how many there are."""

Code = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
"""A subject's code, or the name of a user or a text, in an address."""

Key = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
"""What an upload's address ends with."""

Words = Annotated[str, Field(max_length=20_000, pattern=r"^[^\x00]*$")]
"""A text of people; half a character is refused in every text."""

Where = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]
"""A source's name or address."""

Day = Annotated[date, Field(ge=date(FIRST_YEAR, 1, 1), le=date(LAST_YEAR, 12, 31))]
"""A day of the calendar, in years that every time zone can show."""

Moment = Annotated[
    str, Field(max_length=40, description="2026-05-01T09:30 by the server's clock, or with a zone.")
]
"""A moment, which is read by `record_views.moment`."""

Instant = Annotated[
    AwareDatetime,
    Field(ge=datetime(FIRST_YEAR, 1, 1, tzinfo=UTC), le=datetime(LAST_YEAR, 12, 31, tzinfo=UTC)),
]
"""A moment with a zone, in years that every time zone can show."""

Seconds = Annotated[float, Field(ge=0, le=_LONGEST_S, allow_inf_nan=False)]
"""Since the beginning of a recording."""

Score = Annotated[float, Field(ge=-_LARGEST, le=_LARGEST, allow_inf_nan=False, strict=True)]
"""A total of a scale."""

Item = Annotated[int, Field(ge=0, le=100, strict=True)]
"""An answer to one question of a scale."""
