"""Whether a subject has agreed that something be stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from mien.store.schema import ConsentRow
from mien.store.types import Consent

AHEAD: Final = timedelta(minutes=2)
"""So far the clocks of two computers may differ: what is further in the future was not recorded."""

_KNOWN: Final = "consents"


def rows_of(session: Session, subject_id: int) -> Sequence[ConsentRow]:
    """Give the rows of a subject's consents by when they were given."""
    chosen = select(ConsentRow).where(ConsentRow.subject_id == subject_id)
    return session.scalars(chosen.order_by(ConsentRow.given_at, ConsentRow.id)).all()


def consent_of(row: ConsentRow) -> Consent:
    """Give a consent by its row."""
    values = {each.name: getattr(row, each.name) for each in fields(Consent)}
    return Consent(**{**values, "signals": tuple(row.signals)})


def consents_of(session: Session, subject_id: int) -> list[Consent]:
    """Give a subject's consents by when they were given, for the store's own use: it is not logged.

    They are read once in a transaction; see `forget_consents`.
    """
    known: dict[int, list[Consent]] = session.info.setdefault(_KNOWN, {})
    if subject_id not in known:
        known[subject_id] = [consent_of(row) for row in rows_of(session, subject_id)]
    return known[subject_id]


def forget_consents(session: Session) -> None:
    """Let consents be read anew, as they were changed within a transaction."""
    session.info.pop(_KNOWN, None)


def about(consents: Sequence[Consent], signal: str | None) -> list[Consent]:
    """Give the consents to a signal; all where it is None."""
    return [each for each in consents if signal is None or signal in each.signals]


def consent_command(code: str) -> str:
    """Give the command that notes down a consent, with all that it can't do without."""
    return f"mien consent give {code} --by WHO --for TEXT"


def refused(
    code: str, consents: Sequence[Consent], signal: str | None, moments: Sequence[datetime], now: datetime
) -> str | None:
    """Say why what was recorded at some moments can't be stored; None where it can.

    A consent has to have held at each moment. Nothing is stored any more once the consent that would have
    lasted longest was withdrawn; one that has ended by itself still covers what was recorded before.

    Args:
        code: the subject's.
        consents: theirs.
        signal: one of `SIGNALS`; None for what is neither.
        moments: when it was recorded.
        now: the moment.
    """
    to_it = about(consents, signal)
    what = f" for {signal}" if signal else ""
    remedy = consent_command(code)
    if not to_it:
        return f"{code} has no consent{what}: {remedy}"
    if late := next((each for each in moments if each > now + AHEAD), None):
        return f"{code}: {_shown(late)} is in the future; expected a time up to now"
    taken_back = _withdrawn(to_it, now)
    if taken_back is not None:
        return f"{code} has no consent{what} (it was withdrawn on {taken_back:%Y-%m-%d}): {remedy}"
    for moment in moments:
        if not held(to_it, signal, moment):
            then = "" if abs(now - moment) <= AHEAD else f" that was valid on {_shown(moment)}"
            early = " --from TIME, if it was given earlier" if moment < to_it[0].given_at else ""
            return f"{code} has no consent{what}{then}{_why(to_it, moment)}: {remedy}{early}"
    return None


def _shown(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def held(consents: Sequence[Consent], signal: str | None, at: datetime) -> bool:
    """Say whether one of some consents held at a moment.

    What somebody says or notes (no signal) is often told later on the same day, so for it a consent counts
    from the beginning of its day.
    """
    if signal is not None:
        return any(each.covers(signal, at) for each in consents)
    return any(
        each.given_at.astimezone().date() <= at.astimezone().date()
        and each.covers(each.signals[0], max(at, each.given_at))
        for each in consents
    )


def _withdrawn(consents: Sequence[Consent], now: datetime) -> datetime | None:
    """Say when the consent that lasted longest was withdrawn; None where it holds or ended by itself.

    One that has yet to begin doesn't count: it would hide that those before it were withdrawn.
    """
    never = datetime.max.replace(tzinfo=UTC)
    ends = [
        (min(each.withdrawn_at or never, each.valid_until or never), each.withdrawn_at)
        for each in consents
        if each.given_at <= now
    ]
    end, withdrawn_at = max(ends, key=lambda each: each[0], default=(never, None))
    return end if end == withdrawn_at and end <= now else None


def _why(consents: Sequence[Consent], at: datetime) -> str:
    before = [each for each in consents if each.given_at <= at]
    last = before[-1] if before else consents[0]
    if last.withdrawn_at is not None and last.withdrawn_at <= at:
        return f" (it was withdrawn on {last.withdrawn_at:%Y-%m-%d})"
    if last.given_at > at:
        return f" (it begins on {_shown(last.given_at)})"
    if last.valid_until is None:
        return ""
    # A consent ends with its last day, which is the midnight after it.
    return f" (it ended on {(last.valid_until - timedelta(microseconds=1)).astimezone():%Y-%m-%d})"
