"""`Recording`: what one run over one source, or over several, has found."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from mien.aggregate import Aggregate, Kind, SummaryColumns, blocks, new_summaries, summary_frame
from mien.errors import SourceError
from mien.files import write_json
from mien.table import Columns, faces_of, frame_rows, new_table
from mien.wording import count

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from PIL import Image as Pillow


SHOWN: Final = 3
"""A notebook shows no more photographs and no more timelines, however many there were."""

_SHOWN_PX: Final = 640


@dataclass(frozen=True, eq=False, repr=False)
class Recording:
    """The rows and the summary of a run.

    Attributes:
        frame: the table, one row per face per analysed frame; its columns are `mien.table.COLUMNS`,
            and the measures, landmarks and neutral face where they were asked for.
        summary: what was read and what was not, by which models, settings and versions.
    """

    frame: pd.DataFrame
    summary: dict[str, Any]

    def __repr__(self) -> str:
        sources = self.sources[0] if len(self.sources) == 1 else count(len(self.sources), "source")
        return f"<Recording of {sources}: {count(len(self.frame), 'row')}>"

    def _repr_html_(self) -> str:
        """Show the first photographs, timelines and rows, in a notebook; whoever saves it saves them too."""
        shown = [
            _image(f"{record['source']}, with what was read", picture)
            for record in self._of_kind("photograph")[:SHOWN]
            if (picture := draw_photograph(self._rows(record), record)) is not None
        ]
        shown += [
            _image(f"Timeline of {record['source']}", self.plot(record["source"]))
            for record in self._of_kind("video")[:SHOWN]
        ]
        return f"<p>{escape(repr(self))}</p>{''.join(shown)}{self.frame.head().to_html(index=False)}"

    def _of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in self.summary["recordings"] if record["kind"] == kind]

    def _rows(self, record: dict[str, Any]) -> pd.DataFrame:
        rows: pd.DataFrame = self.frame[self.frame["source"] == record["source"]]
        return rows

    @property
    def sources(self) -> list[str]:
        """The names of what was read, in order; also of those in which there was no face."""
        return [record["source"] for record in self.summary["recordings"]]

    @property
    def tracks(self) -> pd.DataFrame:
        """One row for each track of each source: from when to when, its expressions, means and spreads."""
        return self._summed("tracks")

    @property
    def recordings(self) -> pd.DataFrame:
        """One row for each source, also for those in which there was no face."""
        return self._summed("recordings")

    def _counted(self) -> Iterator[tuple[dict[str, Any], Aggregate]]:
        columns = Columns.among(self.frame.columns)
        for record in self.summary["recordings"]:
            counted = Aggregate(columns)
            counted.add(frame_rows(self._rows(record)))
            yield record, counted

    def _summed(self, kind: Kind) -> pd.DataFrame:
        rows = [row for record, counted in self._counted() for row in counted.rows(kind, record)]
        return summary_frame(rows, SummaryColumns(kind, Columns.among(self.frame.columns).measures))

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
        return draw_timeline(self._rows(record), record)

    def save(
        self, folder: str | Path, *, table_format: Literal["csv", "parquet"] = "csv", plots: bool = True
    ) -> list[Path]:
        """Write the tables, the summary, and a timeline of each video, as `mien analyze` does.

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
        columns, records = Columns.among(self.frame.columns), self.summary["recordings"]
        with new_table(files[0], columns) as table:
            for block in blocks(frame_rows(self.frame)):
                table.write(block)
        with new_summaries(folder, table_format, columns, records) as summaries:
            for record, counted in self._counted():
                summaries.write(record, counted)
        write_json(files[1], self.summary)
        files += summaries.paths.values()
        for record in self._of_kind("video") if plots else []:
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


def draw_photograph(table: pd.DataFrame, record: dict[str, Any]) -> Pillow.Image | None:
    """Mark the faces of a table on a small copy of their photograph.

    Args:
        table: its rows.
        record: what the summary says of it.

    Returns:
        None where the photograph is no longer there as it was read.
    """
    from PIL import Image as Pillow

    from mien.show.draw import draw
    from mien.source.images import read_image

    try:
        image = read_image(Path(record["path"]))
    except SourceError:
        return None
    if image.shape[:2] != (record["height"], record["width"]):
        return None
    marked = Pillow.fromarray(draw(image, faces_of(table)))
    marked.thumbnail((_SHOWN_PX, _SHOWN_PX))
    return marked


def _image(alt: str, picture: Figure | Pillow.Image) -> str:
    memory = BytesIO()
    if hasattr(picture, "savefig"):
        kind = "png"
        picture.savefig(memory, format=kind, dpi=80)
    else:
        kind = "jpeg"
        picture.save(memory, format=kind, quality=85)
    data = b64encode(memory.getvalue()).decode()
    return f'<img alt="{escape(alt)}" style="max-width: 100%" src="data:image/{kind};base64,{data}">'
