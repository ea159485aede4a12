"""Mien reads the expressions on a face, from a photograph, a video or a camera, on your own machine.

    import mien

    recording = mien.analyze("session.mp4")
    print(recording.frame[["time_s", "expression", "confidence"]])
    recording.save("results")

Everything here is imported when it is first used: `import mien` alone loads nothing heavy.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.agreement.reading import read_ratings
    from mien.agreement.study import AgreementResult, agree
    from mien.analysis.api import analyze
    from mien.analysis.explain import Explanation, explain
    from mien.config import Settings
    from mien.corpus.corpus import Corpus
    from mien.errors import (
        ConfigError,
        ConsentError,
        DatasetError,
        MienError,
        MissingError,
        ModelError,
        OutputError,
        OverlapError,
        SourceError,
        StoreError,
    )
    from mien.pipeline import read, stream
    from mien.places.crowd import Crowd, read_crowd
    from mien.recording import Recording
    from mien.study.compare import EpochComparison, compare_epochs
    from mien.study.epochs import Epochs, epochs
    from mien.subject_record import subject
    from mien.table import read_table
    from mien.types import Face, Faces, Frame
    from mien.videos.cohort.study import CohortResult, cohort
    from mien.videos.happy import HappyReading, happy
    from mien.videos.infant import Infant, infant
    from mien.videos.micro import Micro, micro
    from mien.videos.sentiment import sentiment
    from mien.videos.summary.api import summarize
    from mien.videos.summary.types import Summary

__version__ = "0.1.0"

# ONNX Runtime's wheels can report to their maker how they are used; Mien sends nothing anywhere. This is read
# when onnxruntime is imported, which nothing of ours does before.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__all__ = [
    "AgreementResult",
    "CohortResult",
    "ConfigError",
    "ConsentError",
    "Corpus",
    "Crowd",
    "DatasetError",
    "EpochComparison",
    "Epochs",
    "Explanation",
    "Face",
    "Faces",
    "Frame",
    "HappyReading",
    "Infant",
    "Micro",
    "MienError",
    "MissingError",
    "ModelError",
    "OutputError",
    "OverlapError",
    "Recording",
    "Settings",
    "SourceError",
    "StoreError",
    "Summary",
    "__version__",
    "agree",
    "analyze",
    "cohort",
    "compare_epochs",
    "epochs",
    "explain",
    "happy",
    "infant",
    "micro",
    "read",
    "read_crowd",
    "read_ratings",
    "read_table",
    "sentiment",
    "stream",
    "subject",
    "summarize",
]

_HOME = {
    "AgreementResult": "mien.agreement.study",
    "CohortResult": "mien.videos.cohort.study",
    "ConfigError": "mien.errors",
    "ConsentError": "mien.errors",
    "Corpus": "mien.corpus.corpus",
    "Crowd": "mien.places.crowd",
    "DatasetError": "mien.errors",
    "EpochComparison": "mien.study.compare",
    "Epochs": "mien.study.epochs",
    "Explanation": "mien.analysis.explain",
    "Face": "mien.types",
    "Faces": "mien.types",
    "Frame": "mien.types",
    "HappyReading": "mien.videos.happy",
    "Infant": "mien.videos.infant",
    "Micro": "mien.videos.micro",
    "MienError": "mien.errors",
    "MissingError": "mien.errors",
    "ModelError": "mien.errors",
    "OutputError": "mien.errors",
    "OverlapError": "mien.errors",
    "Recording": "mien.recording",
    "Settings": "mien.config",
    "SourceError": "mien.errors",
    "StoreError": "mien.errors",
    "Summary": "mien.videos.summary.types",
    "agree": "mien.agreement.study",
    "analyze": "mien.analysis.api",
    "cohort": "mien.videos.cohort.study",
    "compare_epochs": "mien.study.compare",
    "epochs": "mien.study.epochs",
    "explain": "mien.analysis.explain",
    "happy": "mien.videos.happy",
    "infant": "mien.videos.infant",
    "micro": "mien.videos.micro",
    "read": "mien.pipeline",
    "read_crowd": "mien.places.crowd",
    "read_ratings": "mien.agreement.reading",
    "read_table": "mien.table",
    "sentiment": "mien.videos.sentiment",
    "stream": "mien.pipeline",
    "subject": "mien.subject_record",
    "summarize": "mien.videos.summary.api",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'mien' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
