"""`Recording`: what one run over one source, or over several, has found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from mien.files import write_json
from mien.table import Columns, frame_rows, new_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Recording:
    """The rows and the summary of a run.

    Attributes:
        frame: the table, one row per face per analysed frame; its columns are `mien.table.COLUMNS`,
            and the measures, landmarks and neutral face where they were asked for.
        summary: what was read and what was not, by which models, settings and versions.
    """

    frame: pd.DataFrame
    summary: dict[str, Any]

    @property
    def sources(self) -> list[str]:
        """The names of what was read, in order; also of those in which there was no face."""
        return [record["source"] for record in self.summary["recordings"]]

    def plot(self, source: str | None = None) -> Figure:
        """Draw the timeline of one source: probabilities, valence and arousal, coverage.

        Args:
            source: one of `sources`; may be left out where there is only one.

        Returns:
            A matplotlib figure; the curves are the table's own values, or of a long recording their means.

        Raises:
            ValueError: there are several sources and none was named, or none has that name.
        """
        if source is None and len(self.sources) == 1:
            source = self.sources[0]
        if source not in self.sources:
            raise ValueError(f"expected one of the sources {', '.join(self.sources)}, received {source!r}")
        record = self.summary["recordings"][self.sources.index(source)]
        return draw_timeline(self.frame[self.frame["source"] == source], record)

    def save(
        self, folder: str | Path, *, table_format: Literal["csv", "parquet"] = "csv", plots: bool = True
    ) -> list[Path]:
        """Write the table, the summary, and a timeline of each video, as `mien analyze` does.

        Args:
            folder: made if it is missing; files of the same names in it are replaced.
            table_format: "csv" or "parquet".
            plots: whether to draw the timelines.

        Returns:
            The files.

        Raises:
            OutputError: the folder can't be written.
        """
        folder = Path(folder)
        files = [folder / f"table.{table_format}", folder / "summary.json"]
        with new_table(files[0], Columns.among(self.frame.columns)) as table:
            table.write(list(frame_rows(self.frame)))
        write_json(files[1], self.summary)
        videos = [record for record in self.summary["recordings"] if record["kind"] == "video"]
        for record in videos if plots else []:
            from mien.show.timeline import save_figure

            files.append(folder / f"{record['stem']}.png")
            save_figure(self.plot(record["source"]), files[-1])
        return files


def draw_timeline(table: pd.DataFrame, record: dict[str, Any]) -> Figure:
    """Draw the timeline of one source.

    Args:
        table: its rows.
        record: what the summary says of it.
    """
    from mien.show.timeline import timeline

    return timeline(
        table, title=record["source"], duration_s=record["duration_s"], coverage=record["coverage"]
    )
