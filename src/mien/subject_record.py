"""`mien.subject("P-017")`: a person's record in a few words of Python."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from mien.errors import ConfigError
from mien.store.store import Store
from mien.store.types import Annotation, Event, SelfReport, StoredRecording, Subject

if TYPE_CHECKING:
    import pandas as pd

    from mien.mood.baseline import Baseline, NotReady
    from mien.mood.change.findings import Finding
    from mien.mood.series import Series
    from mien.record.changes import LookBack
    from mien.record.congruence import RecordCongruence


def subject(code: str, store: Store | str | Path | None = None) -> SubjectRecord:
    """Open a subject's record; what is read of it stands in the audit log.

    Args:
        code: of the subject: "P-017".
        store: the record's store, or its path or URL; where the user's own lies when left out.

    Raises:
        StoreError: there is no such subject, or the store can't be opened.

    Example:
        >>> import mien
        >>> days = mien.subject("P-017").days()  # doctest: +SKIP
        >>> days[["valence_mean", "valence_mean_low", "valence_mean_high"]].plot()  # doctest: +SKIP
    """
    opened = store if isinstance(store, Store) else Store(store, create=False)
    try:
        return SubjectRecord(opened, opened.subjects.get(code))
    except BaseException:
        if opened is not store:
            opened.close()
        raise


class SubjectRecord:
    """One subject's record; close it, or use it in `with`, where many are opened.

    Args:
        store: open.
        subject: in it.
    """

    def __init__(self, store: Store, subject: Subject) -> None:
        self.store, self.subject = store, subject

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.store.close()

    def days(self) -> pd.DataFrame:
        """Return a row for each day with a recording; see `days.days`."""
        from mien.record.days import days

        return days(self.store, self.subject, baseline=self.usual())

    def recordings(self) -> list[StoredRecording]:
        """Return the recordings, by their start."""
        return self.store.recordings.of(self.subject)

    def series(self, recording: StoredRecording) -> Series:
        """Return a recording's readings."""
        from mien.record.finalize import load_series

        return load_series(self.store, recording.id)

    def events(self, recording: StoredRecording) -> list[Event]:
        """Return what was found in a recording: episodes of expression, smiles."""
        return self.store.readings.events(recording.id)

    def signals(self, recording: StoredRecording | None = None) -> pd.DataFrame:
        """Return what body sensors said, window by window: heart rate, skin conductance, ...

        Args:
            recording: only what was recorded in it; all recordings when left out.

        Returns:
            A row for each figure: the recording's `uuid`, `at`, where the window begins (UTC), then
            `start_s`, `end_s`, `signal`, `measure`, `unit`, `value`, NaN for no reading, and `quality`. No
            rows where no sensor was worn, or no consent names it.
        """
        import pandas as pd

        from mien.signals.figures import to_frame

        chosen = [recording] if recording else self.recordings()
        found = [(each, figure) for each in chosen for figure in self.store.signals.of(each.id)]
        begins = [each.started_at + timedelta(seconds=figure.start_s) for each, figure in found]
        table = to_frame(tuple(figure for _, figure in found))
        table.insert(0, "uuid", [each.uuid for each, _ in found])
        table.insert(1, "at", pd.to_datetime(begins, utc=True))
        return table

    def annotations(self) -> list[Annotation]:
        """Return the marks that people set."""
        return self.store.annotations.of(self.subject)

    def self_reports(self, scale: str | None = None) -> list[SelfReport]:
        """Return what the subject said of themselves, on one scale or on all."""
        return self.store.self_reports.of(self.subject, scale)

    def safety_text(self) -> str | None:
        """Return the clinic's safety text where a PHQ-9's ninth question was answered above 0; else None."""
        from mien.record.scales import safety_text

        return safety_text(self.store, self.self_reports())

    def usual(self) -> Baseline | None:
        """Return the baseline that was taken; None where there is none."""
        from mien.record import baseline

        return baseline.taken(self.store, self.subject)

    def preview_usual(self, start: date | None = None, end: date | None = None) -> Baseline | NotReady:
        """Return what a stretch of days would give as the baseline, without taking it."""
        from mien.record import baseline

        return baseline.preview(self.store, self.subject, start=start, end=end)

    def take_usual(self, start: date | None = None, end: date | None = None) -> Baseline:
        """Take a stretch of days as what is usual; see `baseline.take`."""
        from mien.record import baseline

        return baseline.take(self.store, self.subject, start=start, end=end)

    def changes(self) -> list[Finding]:
        """Return what has changed, in words; light and coverage first."""
        from mien.record.changes import changes

        return changes(self.store, self.subject)

    def look_back(self, measure: str) -> LookBack:
        """Look for change points of one measure behind the baseline; see `changes.look_back`."""
        from mien.record.changes import look_back

        return look_back(self.store, self.subject, measure)

    def congruence(self) -> RecordCongruence:
        """Return how expression went with prompts and with self-reports; see `congruence.congruence`."""
        from mien.record.congruence import congruence

        return congruence(self.store, self.subject)

    def keep_neutral(self, photo: str | Path, *, network: str | Path | None = None) -> None:
        """Keep a photograph's face as the person's own neutral one: numbers, not the picture.

        Args:
            photo: of the person with a neutral face.
            network: reads it, and will read by it; that of the settings when left out.

        Raises:
            ConfigError: the photograph does not do, or the network can't.
            ConsentError: the subject has not agreed to be recorded.
            SourceError: the photograph can't be read.
        """
        from mien.analysis.learn_neutral import chosen_neutral
        from mien.config import load_settings
        from mien.record.neutral_faces import keep

        self.store.consents.require(self.subject, "expression")
        settings = load_settings(network=None if network is None else str(network))
        found = chosen_neutral(str(Path(photo).absolute()), settings, None)
        if found is None or found.rest is None:
            raise ConfigError(f"neutral: expected a photograph, received {photo}")
        keep(self.store, self.subject, found.rest)

    def report(
        self,
        path: str | Path,
        *,
        long: bool = False,
        start: date | None = None,
        end: date | None = None,
        starting_point: date | None = None,
    ) -> Path:
        """Write the report: one page, or the long one, as .html or .pdf by the name's end.

        Args:
            path: of the file.
            long: with every day's figures, charts, definitions and settings.
            start: the first day; twelve weeks before the last one when left out.
            end: the last day; the last one with an entry when left out.
            starting_point: response is measured from the first PHQ-9 on or after this day.
        """
        from mien.report import save_report

        return save_report(
            self.store, self.subject, Path(path),
            long=long, start=start, end=end, starting_point=starting_point,
        )  # fmt: skip
