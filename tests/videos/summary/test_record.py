"""A summary's usual from the person's record."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mien
from mien.analysis.summary import describe_models
from mien.config import Settings
from mien.errors import ConfigError
from mien.mood.baseline import Baseline
from mien.store.store import Store
from mien.store.types import network_of
from mien.videos.summary.api import summarize_course
from mien.videos.summary.record import usual_in_record
from store_fixtures import add_agreed
from videos.summary.made import make_course

DAYS = 16
MEANS = np.array([0.1, 0.3] * (DAYS // 2))


def _record(folder: Path, network: str) -> Path:
    first = date(2026, 3, 2)
    table = pd.DataFrame(
        {
            "usable_minutes": 20.0,
            "valence_mean": MEANS,
            "valence_sd": 0.2,
            "arousal_mean": 0.1,
            "arousal_sd": 0.01,
            "network": network,
        },
        index=[first + timedelta(days=each) for each in range(DAYS)],
    )
    found = Baseline.of(table)
    assert isinstance(found, Baseline), found
    path = folder / "record.sqlite"
    with Store(path) as store:
        subject = add_agreed(store)
        store.baselines.add(subject, found.to_json())
        store.subjects.add("P-018")
    return path


def test_distance_counts_from_the_weeks_in_the_record(tmp_path: Path) -> None:
    path = _record(tmp_path, network_of(describe_models(Settings())))
    usual = usual_in_record("P-017", path, Settings())
    between = 1.4826 * 0.1
    assert usual[:4] == pytest.approx((0.2, np.hypot(0.2, between), 0.1, 0.1), abs=1e-4)
    assert (usual.origin, usual.days) == ("P-017's record: 16 days, 2026-03-02 to 2026-03-17", 16)
    course = make_course([("neutral", 30), ("sadness", 4), ("neutral", 30)])
    summary = summarize_course(course, 6.0, usual=usual)
    assert any("SD below their own usual of 16 days, for 4" in each.reason for each in summary.pieces)
    assert (
        "usual by P-017's record: 16 days, 2026-03-02 to 2026-03-17; whose face this is nobody has checked"
        in (summary.notes)
    )
    assert summary.as_dict()["usual"]["days"] == 16


def test_a_record_that_cannot_say_what_is_usual_is_refused(tmp_path: Path) -> None:
    path = _record(tmp_path, "another 12345678 shares-1 abcdef01")
    with pytest.raises(ConfigError, match="were read by another 12345678"):
        usual_in_record("P-017", path, Settings())
    with pytest.raises(ConfigError, match="P-018: no baseline yet: 0 usable days"):
        usual_in_record("P-018", path, Settings())
    for more, words in (({"usual": (0, 1)}, "both"), ({"neutral": "auto"}, "average face")):
        with pytest.raises(ConfigError, match=words):
            mien.summarize("film.mp4", subject="P-017", store=path, **more)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="needs a subject"):
        mien.summarize("film.mp4", store=path)
