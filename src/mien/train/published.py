"""The figures that README, docs/benchmarks.md, docs/networks.md and model card state, written from JSON.

Nobody types a figure: one command measures what is shipped, keeps it in docs/figures, and writes the pages
from there. A test compares the pages with the file, and the file with the network that is shipped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.errors import ConfigError, DatasetError
from mien.expression.network import OnnxNetwork
from mien.expression.sidecar import Sidecar
from mien.files import write_json, write_text
from mien.prior import FER2013_MIX, Mix, Named
from mien.textfile import read_text
from mien.train.backend import versions
from mien.train.compare import contest as comparison
from mien.train.compare.table import HEAD, markdown
from mien.train.compare.table import cells as cells_of_line
from mien.train.compare.table import lines as lines_of
from mien.train.data import FaceSet
from mien.train.evaluate.answers import answer_all, crop_quality
from mien.train.evaluate.decided import decided_figures
from mien.train.evaluate.evaluation import Evaluation, evaluate
from mien.train.evaluate.figures import Figure, written
from mien.train.evaluate.groups import SMALL
from mien.train.evaluate.outputs import landmark_figures
from mien.train.report.card import table

FIGURES: Final = Path("docs/figures")
README: Final = Path("README.md")
BENCHMARKS: Final = Path("docs/benchmarks.md")
COMPARISON: Final = Path("docs/networks.md")
CARDS: Final = Path("src/mien/models")

GROUPS_BY: Final = ("sex", "ethnicity", "age")

PRIORS: Final[Mapping[str, Named | Mix]] = {
    "balanced": "balanced", "photographs": "photographs", "fer2013": FER2013_MIX
}  # fmt: skip
"""The mixes that the table is measured under, by the names that they have in the file."""

_HEADING: Final = "## Groups of people"
_RARE: Final = 0.05
_NO_CALIBRATION: Final = {
    "metrics", "data", "effort", "licence", "versions", "created", "description", "sha256", "quantification"
}  # fmt: skip
"""What a sidecar says beside it; `quantification` is about crowds, and changes no row of a table."""

_SMILES: Final = "recall, happiness (label)"
_OWN_SMILES: Final = "recall, happiness, by their own neutral face (label)"


@dataclass(frozen=True)
class Row:
    """One row of the table of benchmarks.

    Attributes:
        what: in plain words; `{faces}` is how many there were.
        data: "crops", "people", or "own": people read by their own neutral faces.
        figure: its name there.
        by: the mix by which floor and aim are judged.
        floor, aim: what we set ourselves; None where nothing was set.
        less_is_better: whether the floor is a ceiling.
        alone: whether it is measured under that mix alone, whatever mix a user chooses.
    """

    what: str
    data: str
    figure: str
    by: str = "balanced"
    floor: float | None = None
    aim: float | None = None
    less_is_better: bool = False
    alone: bool = False


ROWS: Final = (
    Row("FER-2013, 7 classes, {faces} faces", "crops", "right, 7 classes (label)", "fer2013", 0.72, 0.74),
    Row("the same, macro-F1", "crops", "macro-F1, 7 classes (label)", "fer2013", 0.69, 0.72),
    Row("the paper's five classes, {faces} faces", "crops", "right, the paper's 5 classes (p_*)",
        "fer2013", 0.795, 0.82),
    Row("FER+, 8 classes, its own rule, {faces} faces", "crops", "right, FER+, its rule (label)",
        "photographs", 0.885, 0.905),
    Row("FER+, all faces with a majority, {faces}", "crops", "right, FER+, all (label)",
        "photographs", 0.855, 0.875),
    Row("mean recall over the labels of both", "crops", "mean recall, all label sets (label)",
        "balanced", 0.72, 0.78),
    Row("divergence (KL) of `p_*` from the votes of ten people, nats", "crops", "KL from the votes (p_*)",
        "photographs", 0.27, 0.22, less_is_better=True),
    Row("right among the 80 % it is surest of (FER+, all)", "crops",
        "right among the surest 80 %, FER+, all (confidence)", "photographs", 0.93, 0.96),
    Row("gets a label at all (FER+, all)", "crops", "gets a label, FER+, all (label)", "photographs"),
    Row("right among those", "crops", "right among those, FER+, all (label)", "photographs"),
    Row("calibration error of `confidence`, FER+, all", "crops",
        "calibration error, FER+, all, photographs (confidence)", "photographs", 0.02, less_is_better=True,
        alone=True),
    Row("the same, FER-2013", "crops", "calibration error, 7 classes, their own mix (confidence)",
        "fer2013", 0.02, less_is_better=True, alone=True),
    Row("landmarks, median error, of the inter-ocular distance", "crops", "landmarks, median error",
        "balanced", 0.028, 0.025, less_is_better=True, alone=True),
    Row("whole photographs: a face found, {faces}", "people", "a face found"),
    Row("whole photographs: right among all eight labels", "people", "right, 2 classes (label)"),
    Row("mild smiles read as happiness, {faces} people", "people", "recall, happiness (label)"),
    Row("the same, by their own neutral face, from one photograph (`--neutral`)", "own",
        "recall, happiness (label)"),
    Row("neutral faces read as neutral", "people", "recall, neutral (label)"),
    Row("`p_happiness` tells smiles from neutral faces (AUC)", "people",
        "AUC of p_happiness, against neutral (p_*)"),
    Row("is higher in the smile than in the same person's neutral face", "people",
        "people with a higher p_happiness than in their own neutral face (p_*)"),
)  # fmt: skip

HEADLINES: Final = {
    "five": ("crops", "fer2013", "right, the paper's 5 classes (p_*)"),
    "seven": ("crops", "fer2013", "right, 7 classes (label)"),
    "smiles": ("people", "balanced", "recall, happiness (label)"),
    "own_smiles": ("own", "balanced", "recall, happiness (label)"),
}
"""The README's figures, by the names of their places there."""

OTHERS: Final = {
    "zhou": ("zhou", ("7 classes",)),
    "paper_cost": ("paper", ("MB", "ms")),
    "zhou_cost": ("zhou", ("MB", "ms")),
}
"""What the README states of other networks: which, and which columns of the networks' table."""

CARD_FIGURES: Final = (
    "right, 2 classes (label)",
    "recall, happiness (label)",
    "recall, neutral (label)",
    "AUC of p_happiness, against neutral (p_*)",
    "people with a higher p_happiness than in their own neutral face (p_*)",
)
"""What the model card compares between groups: decided beforehand, so that chance has few chances."""


def measure_published(
    network: OnnxNetwork, path: Path, faces: FaceSet, people: Path, *, command: str
) -> dict[str, Any]:
    """Measure what a user gets: on crops and on whole photographs of people, under each mix.

    Args:
        network: what is shipped.
        path: its .onnx file.
        faces: crops of FER-2013, with votes and landmarks.
        people: photographs of people, neutral and smiling, with a people.csv.
        command: what measures it again.

    Returns:
        What docs/figures/NAME.json holds.

    Raises:
        DatasetError: the faces or the photographs are of another kind.
        ModelError: a network that is shipped can't be read.
    """
    if faces.votes is None or faces.landmarks is None:
        raise DatasetError("the table of benchmarks needs faces with FER+ votes and landmarks (--landmarks)")
    answers = answer_all(network, faces.images)
    quality = crop_quality(faces.images, answers)
    figures = []
    for name, prior in PRIORS.items():
        decided = decided_figures(network.sidecar, answers, quality, faces, prior)
        figures += [_kept("crops", name, figure) for figure in decided]
    figures += [_kept("crops", None, figure) for figure in landmark_figures(network, answers, faces)]
    groups: list[dict[str, Any]] = []
    for name, prior in PRIORS.items():
        if isinstance(prior, Mix):
            continue
        found = evaluate(
            network, people, by=GROUPS_BY, compared=CARD_FIGURES, prior=prior, faces_as="find"
        )  # fmt: skip
        own = evaluate(
            network, people, by=GROUPS_BY, compared=[_SMILES], prior=prior, faces_as="find", own_neutral=True
        )
        figures += [_kept("people", name, figure) for figure in found.figures]
        figures += [_kept("own", name, figure) for figure in own.figures]
        groups += [{"prior": name, **row.as_dict()} for row in found.groups]
        groups += [{"prior": name, **row.as_dict(), "figure": _OWN_SMILES} for row in own.groups]
    shipped = comparison.as_they_are(comparison.shipped())
    rows = comparison.compare(shipped, faces)
    [ours] = [row for row in rows if row.entry.path == path]
    return {
        "network": network.sidecar.name,
        "sha256": network.sidecar.sha256,
        "calibration_sha256": calibration_sha256(network.sidecar),
        "command": command,
        "versions": versions(),
        "milliseconds": ours.measured.milliseconds,
        "megabytes": path.stat().st_size / 1e6,
        "figures": figures,
        "groups": groups,
        "networks": [cells_of_line(line) for line in lines_of(rows)],
    }


def calibration_sha256(sidecar: Sidecar) -> str:
    """Return the hash of all in a sidecar that decides what the table says, beside the network itself."""
    facts = sidecar.model_dump(mode="json", exclude=_NO_CALIBRATION, exclude_none=True)
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def publish(found: Mapping[str, Any], root: Path = Path()) -> list[Path]:
    """Keep the figures as JSON, and write the pages from it.

    Args:
        found: as `measure_published` gives it.
        root: of the repository.

    Returns:
        The files.

    Raises:
        ConfigError: it is no such repository: a page, or its place for the figures, is missing.
        OutputError: a file can't be written.
    """
    pages = {page: read_page(root / page) for page in _pages(found["network"])}
    kept = FIGURES / f"{found['network']}.json"
    # Through JSON, so that what is written now is what a test reads.
    read = json.loads(json.dumps(found, allow_nan=False))
    new = {page: page_with(text, page, read) for page, text in pages.items()}
    write_json(root / kept, read)
    for page, text in new.items():
        write_text(root / page, text)
    return [root / kept, *(root / page for page in new)]


def page_with(text: str, page: Path, found: Mapping[str, Any]) -> str:
    """Return a page's text with the figures in their places."""
    if page.parent == CARDS:
        return with_groups(text, groups_section(found["groups"], found["command"]))
    parts = {
        "table": f"\n{benchmarks_table(found)}\n",
        "milliseconds": f"{found['milliseconds']:.2f} ms",
        "networks": f"\n{markdown(HEAD, found['networks'])}",
        "cost": cost(found),
        **{part: _one(found, *place) for part, place in HEADLINES.items()},
        **{name: _of_network(found, *place) for name, place in OTHERS.items()},
    }
    places = set(re.findall(r"<!-- figures: (\w+) -->", text))
    needed = {
        README: {"cost", *HEADLINES, *OTHERS},
        BENCHMARKS: {"table", "milliseconds"},
        COMPARISON: {"networks"},
    }[page]
    if missing := needed - places:
        raise ConfigError(f"{page}: expected <!-- figures: {missing.pop()} --> and <!-- end --> in it")
    return re.sub(
        r"(<!-- figures: (\w+) -->).*?(<!-- end -->)",
        lambda match: f"{match[1]}{parts[match[2]]}{match[3]}",
        text,
        flags=re.DOTALL,
    )


def _pages(network: str) -> tuple[Path, ...]:
    return README, BENCHMARKS, COMPARISON, CARDS / f"{network}.md"


def read_page(page: Path) -> str:
    """Read a page that figures are written into.

    Raises:
        ConfigError: it can't be read.
    """
    try:
        return read_text(page)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no text in UTF-8"
        raise ConfigError(
            f"{page}: {reason}; figures are written only into existing pages; run --readme in"
            " the repository's root"
        ) from error


def _kept(data: str, prior: str | None, figure: Figure) -> dict[str, Any]:
    return {"data": data, "prior": prior, **figure.as_dict()}


def benchmarks_table(found: Mapping[str, Any]) -> str:
    """Write the table of what a user gets from the network, in Markdown."""
    by_place = {(each["data"], each["prior"], each["name"]): each for each in found["figures"]}
    body = []
    for row in ROWS:
        of_mix = {
            name: by_place.get((row.data, name, row.figure)) or by_place.get((row.data, None, row.figure))
            for name in PRIORS
        }
        if all(each is None for each in of_mix.values()):
            continue
        judged = of_mix[row.by]
        cells = [_cell(row, name, of_mix[name]) for name in PRIORS]
        faces = f"{judged['faces']:,}" if judged else "-"
        body.append((row.what.format(faces=faces), *cells, *_set_by_us(row, judged)))
    return table(("what", "`balanced`", "`photographs`", "FER-2013's own mix", "floor", "aim"), body)


def _cell(row: Row, prior: str, figure: Mapping[str, Any] | None) -> str:
    if figure is None or figure["value"] is None or (row.alone and prior != row.by):
        return ""
    value = written(figure["value"], figure["unit"])
    if prior != row.by:
        return value
    low, high = (written(end, figure["unit"]) for end in figure["interval_95"] or (np.nan, np.nan))
    return f"**{value}** ({low.removesuffix(' %')} to {high.removesuffix(' %')})"


def _set_by_us(row: Row, figure: Mapping[str, Any] | None) -> tuple[str, str]:
    """Write floor and aim, and which of them is not reached yet."""
    shown = []
    for wanted in (row.floor, row.aim):
        if wanted is None or figure is None or figure["value"] is None:
            shown.append("")
            continue
        value = round(figure["value"], 3)  # as it is shown
        reached = value <= wanted if row.less_is_better else value >= wanted
        shown.append(written(wanted, figure["unit"]) + ("" if reached else ", not yet"))
    return shown[0], shown[1]


def _one(found: Mapping[str, Any], data: str, prior: str, name: str) -> str:
    for each in found["figures"]:
        if (each["data"], each["prior"], each["name"]) == (data, prior, name) and each["value"] is not None:
            return written(each["value"], each["unit"])
    return "-"


def _of_network(found: Mapping[str, Any], network: str, columns: Sequence[str]) -> str:
    for row in found["networks"]:
        if row[0] == network:
            return ", ".join(_with_unit(row[HEAD.index(column)], column) for column in columns)
    return "-"


def _with_unit(text: str, column: str) -> str:
    return text if "%" in text else f"{text} {column}"


def cost(found: Mapping[str, Any]) -> str:
    """Write what the network takes: of disk, and of time."""
    return f"{found['megabytes']:.1f} MB, {found['milliseconds']:.1f} ms a face on one core"


def of_evaluation(found: Evaluation, prior: str) -> list[dict[str, Any]]:
    """Return an evaluation's groups as `groups_section` takes them, of the figures that a card compares.

    Raises:
        DatasetError: it has none of these.
    """
    rows = [row for row in found.groups if row.figure in CARD_FIGURES or row.figure.startswith("recall, ")]
    if not rows:
        raise DatasetError("expected groups to write into the card; name their columns with --by")
    return [{"prior": prior, **row.as_dict()} for row in rows]


def groups_section(groups: Sequence[Mapping[str, Any]], command: str) -> str:
    """Write the model card's section on groups of people.

    Args:
        groups: as `GroupFigure.as_dict` gives them, each with the mix (`prior`) that it was measured under.
        command: what measured them.
    """
    parts = [
        _HEADING,
        f"Measured by\n\n    {command}\n\non photographs in which Mien found the faces. What is compared was"
        " decided beforehand. In brackets: the 95 % interval, people drawn with all their photographs; p: how"
        " often chance alone makes a group differ as much from all others, people permuted, corrected for the"
        f" number of groups (Holm). With fewer than {SMALL} people in a group an interval is wide, and no"
        " difference found means little.",
    ]
    for prior in dict.fromkeys(row["prior"] for row in groups):
        rows = [row for row in groups if row["prior"] == prior]
        parts += [f"With `--prior {prior}`:", _groups_table(rows), _differences(rows)]
    return "\n\n".join(parts) + "\n"


def with_groups(card: str, section: str) -> str:
    """Put the section on groups into a card: in place of the old one, or before what it is meant for."""
    old = re.search(rf"^{_HEADING}\n.*?(?=^## |\Z)", card, flags=re.DOTALL | re.MULTILINE)
    if old:
        return f"{card[: old.start()]}{section}\n{card[old.end() :]}".rstrip() + "\n"
    place = card.find("## Meant for")
    if place < 0:
        return f"{card.rstrip()}\n\n{section}"
    return f"{card[:place]}{section}\n{card[place:]}"


def _groups_table(rows: Sequence[Mapping[str, Any]]) -> str:
    figures = list(dict.fromkeys(row["figure"] for row in rows))
    by_place = {(row["column"], row["group"], row["figure"]): row for row in rows}
    body = []
    for column, group in dict.fromkeys((row["column"], row["group"]) for row in rows):
        found = [by_place.get((column, group, figure)) for figure in figures]
        counts = [each["people"] or each["faces"] for each in found if each]
        body.append((f"{column}: {group}", str(max(counts)), *map(_group_cell, found)))
    return table(("group", "people", *(_short(figure) for figure in figures)), body)


def _group_cell(row: Mapping[str, Any] | None) -> str:
    if row is None or row["value"] is None:
        return "-"
    interval = row["interval_95"]
    ends = f" ({' to '.join(f'{100 * end:.0f}' for end in interval)})" if interval else ""
    return f"{written(row['value'], 'share')}{ends}, p {row['p_holm']:.3f}"


def _differences(rows: Sequence[Mapping[str, Any]]) -> str:
    told = [
        f"{_short(row['figure'])}, {row['column']} {row['group']}:"
        f" {100 * row['difference']:+.1f} points from the others (p {row['p_holm']:.3f})"
        for row in rows
        if row["p_holm"] < _RARE and row["difference"] is not None and not _is_other_side(row, rows)
    ]
    if not told:
        return f"No difference with p below {_RARE:g} was found."
    return f"Differences with p below {_RARE:g}: {'; '.join(told)}."


def _is_other_side(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> bool:
    """Of two groups there is one comparison; it is told of the higher one."""
    alike = [each for each in rows if (each["column"], each["figure"]) == (row["column"], row["figure"])]
    return len(alike) == 2 and row["difference"] < 0


def _short(figure: str) -> str:
    return figure.partition(" (")[0]
