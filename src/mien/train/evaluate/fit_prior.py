"""A user's own mix, from faces that they have labelled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from mien.errors import DatasetError
from mien.expression.calibration import softmax
from mien.expression.decision import Decider
from mien.expression.network import Answers
from mien.expression.sidecar import Sidecar
from mien.files import write_text
from mien.labels import EMOTIONS
from mien.prior import Mix, write_mix
from mien.train.data import FaceSet
from mien.train.evaluate.decided import label_sets

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
