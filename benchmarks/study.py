"""What `mien study` can promise, on made experiments whose effects are known.

    python benchmarks/study.py            # both tables of docs/studies.md
    python benchmarks/study.py --rounds 20

Without effects, how often is one found all the same? With them, how often does the mixed model's interval
hold the planted one, and how often is it found?
"""

from __future__ import annotations

import argparse

from mien.study.compare import compare_epochs
from mien.study.epochs import epochs
from mien.study.made import RESPONSE_S, make_study
from mien.videos.cohort.figures import wilson


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=400, help="made experiments of each kind")
    parser.add_argument("--people", type=int, default=16)
    parser.add_argument("--trials", type=int, default=6)
    options = parser.parse_args()
    for strength in (0.0, 1.0):
        study(strength, options)


def study(strength: float, options: argparse.Namespace) -> None:
    """Print how often the interval holds each effect, and how often it is found."""
    held: dict[str, int] = {}
    by_model: dict[str, int] = {}
    by_clusters: dict[str, int] = {}
    truth: dict[str, float] = {}
    intercepts_only = 0
    for seed in range(options.rounds):
        made = make_study(options.people, trials=options.trials, seed=seed, strength=strength)
        truth = made.truth["effects_on_mean_valence"]
        found = compare_epochs(
            epochs(made.table, made.stimuli), window_s=RESPONSE_S, reference="neutral", rounds=1000, seed=seed
        )
        intercepts_only += found.model.random != "intercepts and slopes"
        for effect in found.model.effects:
            held[effect.name] = held.get(effect.name, 0) + (effect.low <= truth[effect.name] <= effect.high)
            by_model[effect.name] = by_model.get(effect.name, 0) + (effect.p < 0.05)
        for each in found.courses:
            by_clusters[each.name] = by_clusters.get(each.name, 0) + bool(each.spans_s(0.05))
    print(f"\n{options.rounds} experiments of {options.people} people, strength {strength:g};"
          f" {intercepts_only} without slopes\n")  # fmt: skip
    print("| effect | planted | interval holds it | p < 0.05 | a cluster with p < 0.05 |")
    print("| --- | --- | --- | --- | --- |")
    for name, planted in truth.items():
        shares = (_share(each.get(name, 0), options.rounds) for each in (held, by_model, by_clusters))
        print(f"| {name} | {planted:+.3f} | {' | '.join(shares)} |", flush=True)


def _share(hits: int, rounds: int) -> str:
    found = wilson(hits, rounds)
    return f"{100 * found.value:.1f} % [{100 * found.low:.0f}, {100 * found.high:.0f}]"


if __name__ == "__main__":
    main()
