"""Texts and settings that a clinic chooses, kept beside the record so that every station has the same."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from mien.errors import StoreError
from mien.store.ledger import Part
from mien.store.schema import TextRow
from mien.store.types import FALSE_ALARM_DAYS
from mien.store.validation import checked_name, checked_text, is_visible

DEFAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "phq9_safety": "If you have thoughts that you would be better off dead, or of hurting yourself,"
        " please talk to somebody now: your clinician, a doctor, a crisis line, or the emergency number where"
        " you are (112 in Europe, 988 or 911 in the United States). You need not be alone with this.",
        "crisis": "",
        "report_footer": "",
    }
)
"""The texts, as they are until somebody changes them."""

_NEVER_BLANK: Final = ("phq9_safety",)


class Texts(Part):
    """The texts and settings of a store."""

    def get(self, name: str) -> str:
        """Return a text; the default where one that can't be blank holds nothing to read.

        Args:
            name: one of `DEFAULTS`.

        Raises:
            StoreError: there is no such text.
        """
        _check(name)
        found = self._value(name)
        if found is None or (name in _NEVER_BLANK and not is_visible(str(found))):
            return DEFAULTS[name]
        return str(found)

    def set(self, name: str, text: str) -> None:
        """Change a text.

        Raises:
            StoreError: there is no such text, or it can't be blank.
        """
        _check(name)
        self._keep(name, checked_text(name, text, blank=name not in _NEVER_BLANK))

    def setting(self, name: str) -> Any:
        """Return a setting's value; None until it is chosen."""
        return self._value(f"setting.{name}")

    def set_setting(self, name: str, value: Any) -> None:
        """Choose a setting.

        Args:
            name: `FALSE_ALARM_DAYS` (days between two false alarms, above 0) or another one.
            value: for JSON; None is "not chosen".

        Raises:
            StoreError: the value can't be.
        """
        checked_name("setting", name)
        if name == FALSE_ALARM_DAYS and value is not None and not _is_positive(value):
            raise StoreError(f"{name}: expected a number of days above 0, received {value!r}")
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise StoreError(f"{name}: expected a value for JSON, received {value!r}") from error
        self._keep(f"setting.{name}", value)

    def _value(self, name: str) -> Any:
        with self._database.reading() as session:
            row = session.get(TextRow, name)
            return row.value if row else None

    def _keep(self, name: str, value: Any) -> None:
        with self._database.transaction() as session:
            row = session.get(TextRow, name)
            if row is None:
                row = TextRow(name=name, value=value)
                session.add(row)
                session.flush()
                self._ledger.added(session, row, action="text", name=name)
                return
            with self._ledger.changing(session, row, action="text", name=name):
                row.value = value


def _check(name: str) -> None:
    if name not in DEFAULTS:
        raise StoreError(f"text: expected {', '.join(DEFAULTS)}, received {name!r}")


def _is_positive(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value > 0
