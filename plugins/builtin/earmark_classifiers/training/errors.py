"""Why a training cannot start or go on; each with what to do about it."""

from __future__ import annotations


class TrainingError(Exception):
    """Something about a training a person can put right.

    Attributes
    ----------
    code : str
        Stable, machine-readable name of the reason.
    """

    code = "training_failed"


class DataError(TrainingError):
    """The training data cannot be used as they are."""

    code = "bad_training_data"


class DataNotFoundError(DataError):
    """There is no such folder or file."""

    code = "data_not_found"


class BadTableError(DataError):
    """The CSV file is not one, or a row of it makes no sense."""

    code = "bad_table"


class EmptyClassError(DataError):
    """A class has no sounds."""

    code = "empty_class"


class OneClassError(DataError):
    """There is nothing to tell apart."""

    code = "one_class"


class TooFewSoundsError(DataError):
    """A class has too few sounds to learn from some and try the others."""

    code = "too_few_sounds"


class DuplicateClassError(DataError):
    """Two names are one class for a person, and two for a program."""

    code = "duplicate_class"


class BadClassNameError(DataError):
    """A class has a name that cannot be shown."""

    code = "bad_class_name"


class StartError(TrainingError):
    """The training cannot start from what was asked for."""

    code = "bad_init"


class NameTakenError(TrainingError):
    """A classifier that comes as code has that name."""

    code = "name_taken"
