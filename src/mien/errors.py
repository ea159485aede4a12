"""The exceptions that Mien raises on purpose.

    MienError
    ├── ConfigError       a setting has a value that it can't have
    ├── SourceError       a picture, video, camera or file of signals can't be read
    ├── DatasetError      training data can't be read or doesn't fit
    ├── ModelError        a network's file is missing, damaged or of another kind
    ├── OutputError       a result can't be written
    └── StoreError        the record can't be opened, read or written, or what is asked of it is not there
        ├── ConsentError  the subject has not agreed that it be stored
        ├── MissingError  the subject has nothing under this number, or the venue no such station
        └── OverlapError  a cell is of a time of which there is one already

Each message is one line that names the file and the remedy; the command line prints it as it is.
"""


class MienError(Exception):
    """The base of every error that Mien raises on purpose."""


class ConfigError(MienError):
    """A setting has a value that it can't have."""


class SourceError(MienError):
    """A photograph, video, camera or file of signals can't be read."""


class DatasetError(MienError):
    """Training data can't be read, or doesn't fit what was asked."""


class ModelError(MienError):
    """A network's file is missing, damaged, or made for other labels."""


class OutputError(MienError):
    """A result can't be written."""


class StoreError(MienError):
    """The record can't be opened, read or written; or what is asked of it is not in it, or not allowed."""


class ConsentError(StoreError):
    """Something about a subject is not stored: no consent held when it was recorded, or it was withdrawn."""


class MissingError(StoreError):
    """A subject or a venue has nothing under a number or name: it was removed, or is another's."""


class OverlapError(StoreError):
    """A cell of a station is of a time of which there is one already."""
