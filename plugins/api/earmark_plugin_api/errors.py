"""Errors a classifier may raise; the platform stores their `code` with the failed job."""

from __future__ import annotations


class ClassifierError(Exception):
    """Base of everything a classifier raises on purpose.

    Attributes
    ----------
    code : str
        Stable, machine-readable name of the reason.
    retryable : bool
        Whether the same work may succeed later, or elsewhere.
    """

    code = "classifier_error"
    retryable = False


class InvalidManifestError(ClassifierError):
    """The manifest contradicts itself; the message says where."""

    code = "invalid_manifest"


class InvalidInputError(ClassifierError):
    """Windows of the wrong shape, type or range were passed in."""

    code = "invalid_input"


class InvalidOutputError(ClassifierError):
    """A classifier returned something that is not a score; its results must not be stored."""

    code = "invalid_output"


class NotLoadedError(ClassifierError):
    """`predict` was called before `load` or after `close`."""

    code = "not_loaded"


class WeightsMissingError(ClassifierError):
    """The network's weights are not on this machine; the message says how to get them."""

    code = "weights_missing"


class PackageMissingError(ClassifierError):
    """A Python package it computes with is not installed; the message says how to get it."""

    code = "missing_dependency"


class DeviceUnavailableError(ClassifierError):
    """The device asked for does not exist here."""

    code = "device_unavailable"


class OutOfDeviceMemoryError(ClassifierError):
    """The batch did not fit; the caller halves it and tries again."""

    code = "out_of_device_memory"
    retryable = True
