"""Figures of what a user gets under a mix: label, confidence, probabilities; and fitting a user's own mix."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from mien.errors import DatasetError
from mien.expression.calibration import softmax
from mien.expression.decision import Decider, Labelled
from mien.expression.network import Answers
from mien.expression.seldom import recall_name
from mien.expression.sidecar import Sidecar
from mien.files import write_text
from mien.labels import EMOTIONS, REMOVED_BY_THE_PAPER, standard_label
from mien.prior import NAMES, Mix, Named, write_mix
from mien.train.data import FaceSet
from mien.train.evaluate.figures import (
    Figure,
    Index,
    auc_figure,
    calibration_figure,
    macro_f1_figure,
    mean_figure,
    recall_figure,
    surest_figure,
)
from mien.train.evaluate.metrics import ferplus_targets, kl_of_faces


@dataclass(frozen=True, eq=False)
class LabelSet:
    """One set of right labels of n faces.

    Attributes:
        name: in the figures.
        targets: (n,) places in `labels.EMOTIONS`; -1 where a face has none.
    """

    name: str
    targets: Index

    @property
    def places(self) -> Index:
        """(m,) the faces that have a label."""
        return np.flatnonzero(self.targets >= 0)

    @property
    def mix(self) -> Mix | None:
        """How common its labels are among these faces; None for fewer than two."""
        counts = np.bincount(self.targets[self.places], minlength=len(EMOTIONS))
        return Mix.of(counts / counts.sum()) if np.count_nonzero(counts) > 1 else None


def label_sets(faces: FaceSet) -> list[LabelSet]:
    """Return the data's own labels, and with votes FER+'s; only what is among `labels.EMOTIONS` counts."""
    names = [standard_label(label) for label in faces.labels]
    known = np.array([EMOTIONS.index(name) if name in EMOTIONS else -1 for name in names])
    sets = [LabelSet(f"{np.count_nonzero(known >= 0)} classes", known[faces.targets])]
    if faces.votes is not None:
        sets.append(LabelSet("FER+, all", ferplus_targets(faces.votes, "all")[0]))
    return [each for each in sets if len(each.places)]


def decided_figures(
    sidecar: Sidecar,
    answers: Answers,
    quality: NDArray[np.float32],
    faces: FaceSet,
    prior: Named | Mix = "balanced",
    people: Index | None = None,
) -> list[Figure]:
    """Return the figures of the label, its confidence and the probabilities.

    Args:
        sidecar: of the network.
        answers: its, to the n faces.
        quality: (n,) of the faces.
        faces: with labels, and perhaps votes.
        prior: the mix that a user expects; the calibration of each label set is measured under its own.
        people: (n,) who each face is of, as a number, where that is known.
    """
    said, sets = Decider(sidecar, prior).decide(answers, quality), label_sets(faces)
    figures = figures_of_sets(said, sets) + papers_figures(said, faces) + votes_figures(said, faces)
    for each in sets:
        own: Named | Mix | None = "photographs" if each.name.startswith("FER+") else each.mix
        if own is not None and _fits(sidecar, own):
            mix = ", photographs" if own == "photographs" else ", their own mix"
            figures.append(calibration_of(Decider(sidecar, own).decide(answers, quality), each, mix))
    if faces.votes is not None and prior != "photographs":
        shares = Decider(sidecar, "photographs").probabilities(answers)
        divergence, voted = kl_of_faces(np.nan_to_num(shares), faces.votes)
        name = "KL from the votes, photographs (p_*)"
        figures.append(mean_figure(name, np.flatnonzero(voted), divergence, "nats"))
    if people is not None and sets:
        figures += pair_figures(said, sets[0].targets, people)
    return figures


def figures_of_sets(said: Labelled, sets: Sequence[LabelSet]) -> list[Figure]:
    """Return the figures of the label, by each set of right labels and by all together.

    Args:
        said: of n faces; a label of 8 or more is none, and wrong.
        sets: of these faces.
    """
    figures = [figure for each in sets for figure in _of_set(said, each)]
    return [*figures, _mean_recall(said, list(sets))] if len(sets) > 1 else figures


def papers_figures(said: Labelled, faces: FaceSet) -> list[Figure]:
    """Return how often the highest `p_*` of the paper's five is right; none without disgust and fear."""
    [labels] = label_sets(faces)[:1] or [LabelSet("", np.full(len(faces), -1))]
    there = np.unique(labels.targets[labels.places])
    kept = np.setdiff1d(there, [EMOTIONS.index(name) for name in REMOVED_BY_THE_PAPER])
    if len(kept) == len(there) or len(kept) < 2:
        return []
    places = np.flatnonzero(np.isin(labels.targets, kept))
    answers = kept[np.nan_to_num(said.probabilities[places][:, kept]).argmax(axis=1)]
    name = f"right, the paper's {len(kept)} classes (p_*)"
    return [mean_figure(name, places, answers == labels.targets[places])]


def votes_figures(said: Labelled, faces: FaceSet) -> list[Figure]:
    """Return what the votes of ten people say of labels and probabilities; none without votes."""
    if faces.votes is None:
        return []
    targets, mask = ferplus_targets(faces.votes, "ferplus")
    divergence, voted = kl_of_faces(np.nan_to_num(said.probabilities), faces.votes)
    right = (said.leading == targets)[mask]
    return [
        mean_figure("right, FER+, its rule (label)", np.flatnonzero(mask), right),
        mean_figure("KL from the votes (p_*)", np.flatnonzero(voted), divergence, "nats"),
    ]


def pair_figures(
    said: Labelled, targets: Index, people: Index, found: NDArray[np.bool_] | None = None
) -> list[Figure]:
    """Compare each expression with neutral faces, the same people's above all, by its own column alone.

    Args:
        said: of n pictures.
        targets: (n,) places in `labels.EMOTIONS`; -1 where a picture has no such label.
        people: (n,) who each is of, as a number.
        found: (n,) which have a face; None for all.
    """
    there = np.ones(len(targets), bool) if found is None else found
    neutral = there & (targets == EMOTIONS.index("neutral"))
    others = np.unique(targets[there & ~neutral & (targets >= 0)]) if neutral.any() else ()
    return [
        figure
        for place in others
        for figure in _against_neutral(said.probabilities, place, there & (targets == place), neutral, people)
    ]


def _against_neutral(
    p: NDArray[np.float64],
    place: int,
    shown: NDArray[np.bool_],
    neutral: NDArray[np.bool_],
    people: Index,
) -> list[Figure]:
    column, name, both = p[:, place], f"p_{EMOTIONS[place]}", np.flatnonzero(shown | neutral)
    pairs = np.intersect1d(people[shown], people[neutral])
    first = np.array([np.flatnonzero(shown & (people == who))[0] for who in pairs], np.int64)
    gains = [
        column[shown & (people == who)].mean() - column[neutral & (people == who)].mean() for who in pairs
    ]
    higher = (np.sign(np.array(gains)) + 1) / 2
    return [
        auc_figure(f"AUC of {name}, against neutral (p_*)", both, column[both], shown[both]),
        mean_figure(f"people with a higher {name} than in their own neutral face (p_*)", first, higher),
    ]


def recalls_of(sidecar: Sidecar, answers: Answers, faces: FaceSet) -> dict[str, float]:
    """Return how often each label is found, under each named mix, by FER+'s labels.

    Returns:
        By `seldom.recall_name`; empty without votes.
    """
    if faces.votes is None:
        return {}
    targets, _ = ferplus_targets(faces.votes, "all")
    ones = np.ones(len(faces), np.float32)
    found = {}
    for prior in NAMES:
        leading = Decider(sidecar, prior).decide(answers, ones).leading
        for label in EMOTIONS:
            there = targets == EMOTIONS.index(label)
            if there.any():
                found[recall_name(label, prior)] = float((leading[there] == targets[there]).mean())
    return found


def _of_set(said: Labelled, labels: LabelSet) -> list[Figure]:
    places, what = labels.places, labels.name
    right = (said.leading == labels.targets)[places]
    certain, target = said.certain[places], labels.targets[places]
    return [
        mean_figure(f"right, {what} (label)", places, right),
        recall_figure(f"mean recall, {what} (label)", places, target, right),
        macro_f1_figure(f"macro-F1, {what} (label)", places, target, said.leading[places], len(EMOTIONS) + 1),
        surest_figure(
            f"right among the surest 80 %, {what} (confidence)", places, said.confidence[places], right
        ),
        mean_figure(f"gets a label, {what} (label)", places, certain),
        mean_figure(f"right among those, {what} (label)", places[certain], right[certain]),
    ]


def _mean_recall(said: Labelled, sets: list[LabelSet]) -> Figure:
    """Mean recall over the labels of all sets; a face of two sets counts in both."""
    places = np.concatenate([each.places for each in sets])
    classes = np.concatenate([each.targets[each.places] + 100 * n for n, each in enumerate(sets)])
    right = np.concatenate([(said.leading == each.targets)[each.places] for each in sets])
    return recall_figure("mean recall, all label sets (label)", places, classes, right)


def calibration_of(said: Labelled, labels: LabelSet, mix: str = "") -> Figure:
    """Return how far `confidence` is from the share of right labels; `mix` is for its name."""
    places = labels.places
    right = (said.leading == labels.targets)[places]
    name = f"calibration error, {labels.name}{mix} (confidence)"
    return calibration_figure(name, places, said.confidence[places], right)


def _fits(sidecar: Sidecar, mix: Named | Mix) -> bool:
    """Whether the mix leaves the network at least two labels."""
    if not isinstance(mix, Mix):
        return True
    return bool(np.count_nonzero(mix.array()[Decider(sidecar).columns]) > 1)


Floats = NDArray[np.float64]

PSEUDO_FACES: Final = 2.0
"""So many faces of each label are taken to have been seen beforehand, so that few faces leave it balanced."""


def fit_prior(sidecar: Sidecar, answers: Answers, faces: FaceSet) -> Mix:
    """Find the mix under which the given labels are likeliest, from a network's answers; see `fit_mix`."""
    return fit_mix(sidecar, Decider(sidecar).probabilities(answers), faces)


def fit_mix(sidecar: Sidecar, balanced: Floats, faces: FaceSet) -> Mix:
    """Find the mix under which the given labels are likeliest.

    It is the maximum of the posterior of p(label | face) proportional to mix x evidence, with a Dirichlet
    prior of `PSEUDO_FACES` faces of each label: few faces leave it near balanced, many make it their own.

    Args:
        sidecar: of the network.
        balanced: (n, 8) probabilities of the faces under the balanced mix.
        faces: with labels, of which at least two are among the network's.

    Raises:
        DatasetError: there are no such labels.
    """
    columns, sets = np.sort(Decider(sidecar).columns), label_sets(faces)
    targets = sets[0].targets if sets else np.empty(0, np.int64)
    kept = np.isin(targets, columns)
    if len(np.unique(targets[kept])) < 2:
        raise DatasetError("expected faces of at least two expressions to fit a mix to, received fewer")
    z = np.log(balanced[kept][:, columns].clip(1e-12))
    right = np.eye(len(EMOTIONS))[targets[kept]][:, columns]

    def loss(shift: Floats) -> tuple[float, Floats]:
        p, mix = softmax(z + shift), softmax(shift[None])[0]
        surprise = -(right * np.log(p.clip(1e-12))).sum() - PSEUDO_FACES * np.log(mix.clip(1e-12)).sum()
        gradient = (p - right).sum(axis=0) + PSEUDO_FACES * (len(mix) * mix - 1)
        return float(surprise), gradient

    found = minimize(loss, np.zeros(len(columns)), jac=True, method="L-BFGS-B").x
    mix = np.zeros(len(EMOTIONS))
    mix[columns] = softmax(found[None])[0]
    return Mix.of(mix)


def save_mix(path: Path, mix: Mix) -> None:
    """Write a mix as `prior.read_mix` reads it: JSON where the name ends in .json, else TOML.

    Raises:
        OutputError: it can't be written.
    """
    shares = {label: round(float(share), 6) for label, share in zip(EMOTIONS, mix.array(), strict=True)}
    is_json = path.suffix.lower() == ".json"
    write_text(path, json.dumps(shares, indent=1) + "\n" if is_json else write_mix(mix))
