"""Loads all that a run asks for, where it is imported: in the process from which drivers are forked."""

import pandas  # noqa: F401
import pyarrow.parquet  # noqa: F401

import corpus.fake  # noqa: F401
from mien.config import Settings
from mien.corpus.version import describe_version, prepared_settings
from mien.table import PLAIN

describe_version(prepared_settings(Settings()), PLAIN)
