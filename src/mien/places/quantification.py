"""Quantification: how common each expression is among many faces, and within which limits.

Counting labels is biased: a network that takes one in five fearful faces for surprised ones does so in each
crowd. The shares are estimated themselves instead, in one of two ways.

Expectation maximisation: the mix under which the faces' own probabilities would average to it, which is the
most likely one (Saerens, Latinne & Decaestecker 2002, Neural Computation 14(1), 21-41). Adjusted counts: the
mix whose mean probabilities, by the confusion that the network has on faces with known labels, would be
those that were read (Bella et al. 2010, ICDM, "probabilistic adjusted count").

Both stand on evidence that was calibrated on `validation` by the size of the face (`Sidecar.quantification`).
The limits are those of the bootstrap over people (Efron 1979): all readings of one are drawn together. To
each sample is added how far the calibration may be off, and what a prior allows each label (Perks 1947).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from mien.errors import ModelError
from mien.expression.calibration import softmax
from mien.expression.sidecar import Quantification, Sidecar
from mien.types import LOGITS

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Method = Literal["em", "adjusted"]

LEVEL: Final = 0.9
"""How many of the intervals are to hold the true figure."""

DRAWS: Final = 200
"""Bootstrap samples: ends of a 90 % interval move by less than a tenth of its width with more of them."""

_STEPS: Final = 200
_CLOSE: Final = 1e-5
_SUM_WEIGHT: Final = 100.0


class Interval(NamedTuple):
    """A figure and the ends of its 90 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Quantifier:
    """Says how common each label is among many faces that one network has read.

    Args:
        sidecar: of the network.

    Raises:
        ModelError: the network was not calibrated for it.
    """

    sidecar: Sidecar

    def __post_init__(self) -> None:
        if self.sidecar.quantification is None:
            raise ModelError(
                f"network {self.sidecar.name} was not calibrated for counting many faces: expected one with"
                " `quantification` in its sidecar, such as mien, or one calibrated anew with"
                " `mien models calibrate`"
            )

    @property
    def labels(self) -> tuple[str, ...]:
        """What is counted."""
        return self._facts.labels

    @cached_property
    def network(self) -> str:
        """Its name, and a hash of what makes evidence of pictures; another hash's sums are another thing."""
        made = [self.sidecar.sha256, self._facts.model_dump(mode="json")]
        return f"{self.sidecar.name} {hashlib.sha256(json.dumps(made).encode()).hexdigest()[:12]}"

    def evidence(self, features: NDArray[np.floating], px: NDArray[np.floating]) -> Floats:
        """Compute the probabilities of each face if all labels were as common.

        Args:
            features: (n, 15) as in `Faces.logits`.
            px: (n,) sides of their crops in the picture.

        Returns:
            (n, labels) of which each row sums to 1.
        """
        slope, bias, _ = self._tables
        linear = np.asarray(features, np.float64).reshape(-1, LOGITS) @ np.array(self._facts.weights)
        by_size = self.size_weights(px)
        return softmax(linear * (by_size @ slope)[:, None] + by_size @ bias)

    def shares(
        self,
        evidence: Floats,
        px: NDArray[np.floating],
        people: Index | None = None,
        *,
        method: Method = "em",
        seed: int = 0,
    ) -> tuple[Floats, Floats]:
        """Estimate how common each label is.

        Args:
            evidence: (n, labels) of n readings, at least one; see `evidence`.
            px: (n,) sides of their crops.
            people: (n,) whose reading each is, as any whole number; each counts once, however often they were
                read. None where each is another's.
            method: "em", or "adjusted" for adjusted counts.
            seed: of the bootstrap.

        Returns:
            (labels,) the shares, which sum to 1, and (draws, labels) the same of bootstrap samples.
        """
        who = np.arange(len(evidence)) if people is None else people
        weights, drawn = person_weights(who, seed)
        if method == "em":
            shares = most_likely(evidence, weights[None])
            samples = most_likely(evidence, drawn, start=shares)
        else:
            confusion = self.confusion(px).reshape(len(evidence), -1)
            shares, samples = (adjusted(evidence, confusion, each) for each in (weights[None], drawn))
        return shares[0], self._doubted(samples, len(np.unique(who)), seed)

    def shares_of_sums(
        self, count: int, evidence: Floats, products: Floats, sizes: Floats, *, seed: int = 0
    ) -> tuple[Floats, Floats]:
        """Estimate how common each label is among people of whom only sums are known, by adjusted counts.

        Instead of people, their mean is drawn anew: it is about normally distributed.

        Args:
            count: how many people, at least two.
            evidence: (labels,) sum of their evidence.
            products: (labels, labels) sum of its outer products.
            sizes: (sizes,) sum of their weights by face size; see `size_weights`.
            seed: of the draws.

        Returns:
            As `shares`.
        """
        labels, mean = len(self.labels), np.asarray(evidence, np.float64) / count
        confusion = (sizes / sizes.sum() @ self._tables.confusion).reshape(labels, labels)
        spread = (products / count - np.outer(mean, mean)) / (count - 1)
        values, vectors = np.linalg.eigh(spread)
        root = vectors * np.sqrt(values.clip(0))  # rounding puts some below 0
        drawn = mean + np.random.default_rng(seed).standard_normal((DRAWS, labels)) @ root.T
        shares, samples = (_solved(each, confusion) for each in (mean[None], drawn))
        return shares[0], self._doubted(samples, count, seed)

    def confusion(self, px: NDArray[np.floating]) -> Floats:
        """(n, labels, labels) the mean evidence of each label's faces, for each of n sizes of a crop."""
        count = len(self.labels)
        return np.asarray((self.size_weights(px) @ self._tables.confusion).reshape(-1, count, count))

    def _doubted(self, samples: Floats, people: int, seed: int) -> Floats:
        """Add to samples of the shares how far the calibration may be off, and what a prior allows."""
        random = np.random.default_rng([seed, 1])
        samples = samples * np.exp(random.normal(0, self._facts.doubt, samples.shape))
        # A label that nobody here shows is in no sample either, and may be there all the same.
        samples = samples + random.gamma(1 / samples.shape[1], size=samples.shape) / people
        return np.asarray(samples / samples.sum(axis=1, keepdims=True))

    @property
    def _facts(self) -> Quantification:
        facts = self.sidecar.quantification
        assert facts is not None  # checked when it was made
        return facts

    @cached_property
    def _tables(self) -> _Tables:
        sizes, count = self._facts.sizes, len(self.labels)
        return _Tables(
            np.array([each.slope for each in sizes]),
            np.array([each.bias for each in sizes]),
            np.array([each.confusion for each in sizes]).reshape(len(sizes), count * count),
        )

    def size_weights(self, px: NDArray[np.floating]) -> Floats:
        """(n, sizes) how far each size's calibration counts for each face; linear in the logarithm."""
        known = np.log([each.px for each in self._facts.sizes])
        own = np.log(np.maximum(np.asarray(px, np.float64), 1.0))
        return np.stack([np.interp(own, known, each) for each in np.eye(len(known))], axis=-1)


class _Tables(NamedTuple):
    """The calibration by size: (sizes,), (sizes, labels), (sizes, labels * labels)."""

    slope: Floats
    bias: Floats
    confusion: Floats


def person_weights(people: Index, seed: int, draws: int = DRAWS) -> tuple[Floats, Floats]:
    """Weigh readings so that each person counts once, and draw people anew.

    Args:
        people: (n,) whose reading each is.
        seed: of the draws.
        draws: how many.

    Returns:
        (n,) weights that sum to 1, and (draws, n) the same of bootstrap samples.
    """
    _, who, readings = np.unique(people, return_inverse=True, return_counts=True)
    each = 1 / (readings[who] * len(readings))
    times = np.random.default_rng(seed).multinomial(
        len(readings), np.full(len(readings), 1 / len(readings)), size=draws
    )
    return each, each * times[:, who]


def most_likely(evidence: Floats, weights: Floats, start: Floats | None = None) -> Floats:
    """Find the most likely mix by expectation maximisation.

    Args:
        evidence: (n, k) probabilities if all labels were as common.
        weights: (b, n) of b samples; each sums to 1.
        start: (1, k) the mix to start from; all alike where left out.

    Returns:
        (b, k) of which each sums to 1.
    """
    count = evidence.shape[1]
    shares = np.tile(np.full((1, count), 1 / count) if start is None else start, (len(weights), 1))
    for _ in range(_STEPS):
        likely = (shares @ evidence.T).clip(min=np.finfo(np.float64).tiny)
        new = shares * ((weights / likely) @ evidence)
        new /= new.sum(axis=1, keepdims=True)
        moved = np.abs(new - shares).max()
        shares = new
        if moved < _CLOSE:
            break
    return shares


def adjusted(evidence: Floats, confusion: Floats, weights: Floats) -> Floats:
    """Find the mix whose mean probabilities would be those that were read; least squares, none below 0.

    Args:
        evidence: (n, k) probabilities if all labels were as common.
        confusion: (n, k * k) what each face's confusion is: the mean probabilities of each label's faces.
        weights: (b, n) of b samples; each sums to 1.

    Returns:
        (b, k) of which each sums to 1.
    """
    count = evidence.shape[1]
    read, mixed = weights @ evidence, (weights @ confusion).reshape(-1, count, count)
    return np.concatenate([_solved(read[i : i + 1], mixed[i]) for i in range(len(read))])


def _solved(means: Floats, confusion: Floats) -> Floats:
    """(b, k) the mixes whose mean probabilities, by the confusion, are closest to (b, k) that were read."""
    rows = np.vstack([confusion.T, np.full(len(confusion), _SUM_WEIGHT)])
    found = np.stack([nnls(rows, np.append(each, _SUM_WEIGHT))[0] for each in means])
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def interval(value: float, samples: Floats) -> Interval:
    """Return a figure with the 90 % interval of its bootstrap samples, which always holds it.

    Args:
        value: of all people.
        samples: (draws,) of those that were drawn.
    """
    low, high = np.quantile(samples, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(min(low, value)), float(max(high, value)))


def mean_interval(values: NDArray[np.floating], people: Index, seed: int = 0) -> Interval:
    """Compute the mean over people of what was read of them, such as valence, with its interval.

    Args:
        values: (n,) of n readings, at least one.
        people: (n,) whose each is.
        seed: of the bootstrap; the same seed draws the same people as `Quantifier.shares`.
    """
    weights, drawn = person_weights(people, seed)
    figures = np.asarray(values, np.float64)
    return interval(float(weights @ figures), (drawn @ figures) / drawn.sum(axis=1))
