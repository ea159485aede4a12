"""How good a network is on a part of a data set, by the protocol of docs/training.md."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.config import load_settings
from mien.errors import DatasetError, ModelError
from mien.expression.decision import Decider
from mien.expression.network import Answers, Network
from mien.labels import EMOTIONS, standard_label
from mien.neutral import Own
from mien.prior import Mix, Named
from mien.train.data import FaceSet, load_dataset
from mien.train.data.faces import with_landmarks
from mien.train.data.numbering import Names
from mien.train.data.prepare import prepare
from mien.train.evaluate.answers import answer_all, crop_quality
from mien.train.evaluate.decided import decided_figures, fit_mix, fit_prior, save_mix
from mien.train.evaluate.figures import Figure, none_if_nan
from mien.train.evaluate.groups import GroupFigure, by_group, groups_of, people_of
from mien.train.evaluate.metrics import Scores, ferplus_targets, in_emotion_order, kl_to_votes, score
from mien.train.evaluate.outputs import (
    HeadAnswers,
    head_for,
    heads_of,
    label_figures,
    landmark_figures,
    match_labels,
    presence_figures,
    vote_figures,
)
from mien.train.evaluate.photographs import (
    FacesAre,
    TableRows,
    faces_are,
    learn_neutral_faces,
    photograph_figures,
    photograph_scores,
    read_photographs,
)
from mien.train.recipe import Recipe


@dataclass(frozen=True)
class Photographs:
    """What Mien found in photographs.

    Attributes:
        count: how many there were.
        without_face: in how many it found none.
        with_several: in how many it found several, of which the largest was taken.
    """

    count: int
    without_face: int
    with_several: int

    @classmethod
    def of(cls, rows: TableRows) -> Photographs:
        """Count."""
        return cls(len(rows.faces), int((rows.faces == 0).sum()), int((rows.faces > 1).sum()))


@dataclass(frozen=True)
class Evaluation:
    """Figures of one network on one part of one data set.

    Attributes:
        head: the set of labels that the next figures are of.
        scores: against the data set's own labels.
        certain_share: share of the faces that keep their label, 0 to 1.
        certain_accuracy: accuracy among those; None where there are none.
        ferplus: figures against FER+ votes by rule, and the divergence from the votes; empty without votes.
        left_out: faces left out since the network has no such label.
        figures: every figure that the data allows, of all heads.
        groups: the same for each group of a column, where that was asked for.
        photographs: how many photographs Mien looked for a face in, and what it found; None where the
            pictures are taken as crops.
    """

    head: str
    scores: Scores
    certain_share: float
    certain_accuracy: float | None
    ferplus: dict[str, dict[str, float]]
    left_out: int = 0
    figures: tuple[Figure, ...] = ()
    groups: tuple[GroupFigure, ...] = field(default=(), repr=False)
    photographs: Photographs | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return everything as a dictionary for JSON."""
        return {
            "head": self.head,
            **self.scores.as_dict(),
            "certain_share": self.certain_share,
            "certain_accuracy": self.certain_accuracy,
            "ferplus": self.ferplus,
            "left_out": self.left_out,
            "figures": [figure.as_dict() for figure in self.figures],
            "groups": [group.as_dict() for group in self.groups],
            "photographs": asdict(self.photographs) if self.photographs else None,
        }

    def headline(self) -> dict[str, float]:
        """Return the few figures that stand in a sidecar."""
        return {
            "faces": self.scores.count,
            "accuracy": self.scores.accuracy,
            "macro_f1": self.scores.macro_f1,
            "calibration_error": self.scores.calibration_error,
        }


def evaluate(
    network: Network,
    data: Path,
    *,
    split: str = "all",
    recipe: Recipe | None = None,
    remove: Sequence[str] = (),
    votes: Path | None = None,
    names: Names | None = None,
    landmarks: Path | None = None,
    flips: bool = False,
    head: str | None = None,
    by: Sequence[str] = (),
    compared: Collection[str] = (),
    person: str | None = None,
    faces_as: FacesAre = "auto",
    own_neutral: bool = False,
    prior: Named | Mix = "balanced",
    fit_prior_to: Path | None = None,
) -> Evaluation:
    """Measure a network on a data set: what a user gets under a mix, and each head by itself.

    Where the data lacks some of the network's labels, the outputs' answers are renormalised over those that
    it has; the table's are not. Photographs in which Mien has to find the face have figures of the table
    alone.

    Args:
        network: what is measured.
        data: a data set that `datasets.load_dataset` reads.
        split: with a recipe: "train", "validation" or "test" of its split; without: a part by the data's own
            name ("PublicTest"), or "all".
        recipe: whose cleaning, class removal and split are used.
        remove: further classes to leave out, by name.
        votes: FER+'s CSV, for a Kaggle CSV.
        names: what class numbers mean, as in `datasets.load_dataset`.
        landmarks: landmarks of the faces, see `datasets.landmarks`.
        flips: average the outputs' answers to each face and to its mirror image; nobody's table is made so,
            and its figures are left out.
        head: measure the expression by this output alone; None for all.
        by: columns of the data, by whose values figures are given too.
        compared: the figures that are given so, by name; empty for all.
        person: the column that says who is in a picture; None takes the data's own, where it has one.
        faces_as: whether the pictures are crops of faces, or photographs; see `photographs.faces_are`.
        own_neutral: learn each person's neutral face from their first neutral photograph, which is not
            measured then, and read their others by it.
        prior: how common each expression is expected to be, for the figures of the label.
        fit_prior_to: a file to write the mix into under which these labels are likeliest; see `fit_prior`.

    Raises:
        DatasetError: the data can't be read, has no such part or column, shares no two labels with the
            network, or no face is found in it; or own neutral faces are to be learnt of crops, or of people
            who are not known.
        ConfigError: the network was not calibrated for own neutral faces.
        ModelError: faces are to be found for a network with labels that the table has no column for.
        OutputError: the mix can't be written.
    """
    size_px = network.sidecar.size_px
    faces = part_of(data, split, recipe, size_px=size_px, votes=votes, names=names, landmarks=landmarks)
    if remove:
        faces = faces.without(remove)
    people = people_of(faces, person)
    groups = {column: groups_of(faces, column) for column in by}
    own: Mapping[int, Own] = {}
    if own_neutral:
        if people is None or faces_are(faces, faces_as) == "crops":
            raise DatasetError(
                "own neutral faces need photographs, and who is in them: give a people.csv, or --person"
            )
        at_rest = learn_neutral_faces(network, faces, people, load_settings(crops=False, prior=prior))
        own, kept = at_rest.own, np.delete(np.arange(len(faces)), at_rest.places)
        faces, people = faces.take(kept), people[kept]
        groups = {name: group[kept] for name, group in groups.items()}
    if faces_are(faces, faces_as) == "find":
        found = evaluate_photographs(network, faces, people=people, prior=prior, own=own)
        if fit_prior_to is not None:
            rows = read_photographs(network, faces, load_settings(crops=False, prior="balanced"))
            mix = fit_mix(network.sidecar, rows.said.probabilities[rows.found], faces.take(rows.found))
            save_mix(fit_prior_to, mix)
    else:
        answers = answer_all(network, faces.images, flips=flips)
        if fit_prior_to is not None:
            save_mix(fit_prior_to, fit_prior(network.sidecar, answers, faces))
        found = evaluate_answers(network, answers, faces, head=head, people=people, prior=prior)
    figures = [figure for figure in found.figures if not compared or figure.name in compared]
    rows_of_groups = [row for name in by for row in by_group(figures, groups[name], column=name)]
    return replace(found, groups=tuple(rows_of_groups))


def evaluate_photographs(
    network: Network,
    faces: FaceSet,
    *,
    people: NDArray[np.int64] | None = None,
    prior: Named | Mix = "balanced",
    own: Mapping[int, Own] = MappingProxyType({}),
) -> Evaluation:
    """Measure the table on photographs in which Mien finds the faces; see `evaluate`."""
    if not _has_table(network):
        raise ModelError(
            f"network {network.sidecar.name} is of another label set, for which Mien makes no table; measure"
            " it on crops (--faces crops)"
        )
    settings = load_settings(crops=False, prior=prior)
    rows = read_photographs(network, faces, settings, people=people, own=own)
    figures = photograph_figures(rows, faces, people)
    by_name = {figure.name.partition(",")[0]: figure for figure in figures}
    labelled, right = by_name["gets a label"], by_name["right among those"]
    return Evaluation(
        head="label",
        scores=photograph_scores(rows, faces),
        certain_share=labelled.value,
        certain_accuracy=none_if_nan(right.value),
        ferplus={},
        left_out=len(faces) - len(labelled.faces),
        figures=_of_people(figures, people),
        photographs=Photographs.of(rows),
    )


def _has_table(network: Network) -> bool:
    return set(map(standard_label, network.sidecar.labels)) <= set(EMOTIONS)


def _of_people(figures: Sequence[Figure], people: NDArray[np.int64] | None) -> tuple[Figure, ...]:
    return tuple(figure if people is None else figure.of_people(people) for figure in figures)


def evaluate_answers(
    network: Network,
    answers: Answers,
    faces: FaceSet,
    *,
    head: str | None = None,
    people: NDArray[np.int64] | None = None,
    prior: Named | Mix = "balanced",
) -> Evaluation:
    """Measure what a network answered to the faces (n,); see `evaluate`."""
    heads, sidecar = heads_of(network.sidecar, answers), network.sidecar
    chosen = head_for(heads, faces, head)
    quality = crop_quality(faces.images, answers)
    certain = chosen.probabilities.max(axis=1) >= sidecar.uncertain_below
    figures: list[Figure] = []
    if _has_table(network):
        certain = Decider(sidecar, prior).decide(answers, quality).certain
        if not head:
            figures += decided_figures(sidecar, answers, quality, faces, prior, people)
    figures += label_figures(chosen, faces)
    for each in [chosen] if head else heads[:1]:
        figures += vote_figures(each, faces)
    figures += landmark_figures(network, answers, faces) + presence_figures(network, answers, faces)
    return evaluate_head(chosen, certain, faces, _of_people(figures, people))


def evaluate_logits(
    logits: NDArray[np.float32],
    faces: FaceSet,
    labels: Sequence[str],
    temperature: float,
    uncertain_below: float,
) -> Evaluation:
    """Measure the logits (n, k) of a network with one head."""
    head = HeadAnswers("logits", tuple(labels), logits, temperature)
    confidence = head.probabilities.max(axis=1)
    return evaluate_head(head, confidence >= uncertain_below, faces)


def evaluate_head(
    head: HeadAnswers, given: NDArray[np.bool_], faces: FaceSet, figures: tuple[Figure, ...] = ()
) -> Evaluation:
    """Measure one head's answers to the faces (n,); `given` (n,) says which get a label."""
    kept, targets, columns = match_labels(faces, head.labels)
    probabilities = head.among(columns)[kept]
    right, certain = probabilities.argmax(axis=1) == targets, given[kept]
    return Evaluation(
        head=head.name,
        scores=score(probabilities, targets, [head.labels[column] for column in columns]),
        certain_share=float(certain.mean()),
        certain_accuracy=float(right[certain].mean()) if certain.any() else None,
        ferplus=_against_votes(head, faces),
        left_out=int((~kept).sum()),
        figures=figures,
    )


def part_of(
    data: Path,
    split: str,
    recipe: Recipe | None = None,
    *,
    size_px: int,
    votes: Path | None = None,
    names: Names | None = None,
    landmarks: Path | None = None,
) -> FaceSet:
    """Read a part of a data set; arguments and errors as of `evaluate`."""
    if recipe is not None:
        parts = prepare(recipe.data, data, seed=recipe.seed, votes=votes, names=names, landmarks=landmarks)
        named = {"train": parts.train, "validation": parts.validation, "test": parts.test}
        if split not in named:
            raise DatasetError(f"a recipe's split has the parts {', '.join(named)}; received {split}")
        return named[split]
    faces = load_dataset(data, size_px=size_px, votes=votes, names=names)
    if landmarks is not None:
        faces = with_landmarks(faces, landmarks)
    if split == "all":
        return faces
    chosen = faces.usage == split
    if not chosen.any():
        there = ", ".join(sorted({str(name) for name in faces.usage} - {""})) or "no parts"
        raise DatasetError(f"{data}: has no part {split}; it has {there}, and 'all'")
    return faces.take(chosen)


def _against_votes(head: HeadAnswers, faces: FaceSet) -> dict[str, dict[str, float]]:
    if faces.votes is None:
        return {}
    answers = in_emotion_order(head.probabilities, head.labels)
    found: dict[str, dict[str, float]] = {}
    for rule in ("ferplus", "all"):
        targets, mask = ferplus_targets(faces.votes, rule)
        if mask.any():
            accuracy = float((answers[mask].argmax(axis=1) == targets[mask]).mean())
            found[rule] = {"faces": int(mask.sum()), "accuracy": accuracy}
    found["votes"] = {"kl": kl_to_votes(answers, faces.votes)}
    return found
