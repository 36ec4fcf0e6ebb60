"""Checks of load, close, pickling and devices."""

from __future__ import annotations

import pickle
from typing import Any, cast

from earmark_plugin_api.classifier import Classifier
from earmark_plugin_api.errors import DeviceUnavailableError, NotLoadedError
from earmark_plugin_api.testing.outcome import (
    CheckFailedError,
    Factory,
    loaded,
    require,
    require_error,
    require_same,
)
from earmark_plugin_api.testing.signals import probe_windows


def check_not_loaded(factory: Factory, device: str = "cpu") -> None:
    """`predict` raises `NotLoadedError` before `load` and after `close`."""
    remedy = "Raise NotLoadedError in predict() whenever load() has not been called since."
    classifier = factory()
    windows = probe_windows(classifier.manifest)
    require_error(
        NotLoadedError, lambda: classifier.predict(windows), "predict before load", remedy
    )
    classifier.load(device)
    classifier.close()
    require_error(
        NotLoadedError, lambda: classifier.predict(windows), "predict after close", remedy
    )


def check_close_twice(factory: Factory, device: str = "cpu") -> None:
    """`close` may be called before `load` and twice after it."""
    classifier = factory()
    for when, load_first in (("before load", False), ("after load", True), ("again", False)):
        if load_first:
            classifier.load(device)
        try:
            classifier.close()
        except Exception as error:
            raise CheckFailedError(
                f"close {when} raised {type(error).__name__}: {error}",
                "Closing what is not open must do nothing: workers close in every clean-up path.",
            ) from error


def check_reload(factory: Factory, device: str = "cpu") -> None:
    """An instance that was closed and loaded again gives the scores it gave before."""
    classifier = factory()
    windows = probe_windows(classifier.manifest)
    rounds = []
    for _ in range(2):
        try:
            classifier.load(device)
            rounds.append(classifier.predict(windows).scores.copy())
        except Exception as error:
            raise CheckFailedError(
                f"Load and predict number {len(rounds) + 1} raised {type(error).__name__}: {error}",
                "close() must leave the instance as it was before load().",
            ) from error
        finally:
            classifier.close()
    first, second = rounds
    require_same(
        second,
        first,
        "Scores after close and load",
        "load() must not depend on what an earlier load() left behind.",
    )


def check_pickling(factory: Factory, device: str = "cpu") -> None:
    """An instance can be pickled, loaded or not; its copy, once loaded, scores the same."""
    with loaded(factory, device) as original:
        windows = probe_windows(original.manifest)
        expected = original.predict(windows).scores
        for state, instance in (("an unloaded", factory()), ("a loaded", original)):
            copy = _pickled_copy(state, instance)
            require(
                copy.manifest == original.manifest,
                f"The copy of {state} instance has another manifest",
                "Keep what the manifest is made of in the pickled state.",
            )
            copy.load(device)
            scores = copy.predict(windows).scores
            copy.close()
            require_same(
                scores,
                expected,
                f"Scores of the pickled copy of {state} instance",
                "Let __getstate__ drop what load() made and load() make it again.",
            )
        require_same(
            original.predict(windows).scores,
            expected,
            "Scores of a loaded instance after it was pickled",
            "__getstate__ must work on a copy of __dict__ and leave the instance alone.",
        )


def _pickled_copy(state: str, instance: Classifier) -> Classifier:
    remedy = (
        "Worker processes receive the instance by pickle: leave locks, sessions and open files "
        "out of it with __getstate__, and define the class at the top of a module."
    )
    try:
        copy: Any = pickle.loads(pickle.dumps(instance))  # noqa: S301 - our own bytes
    except Exception as error:
        raise CheckFailedError(
            f"Pickling {state} instance raised {type(error).__name__}: {error}", remedy
        ) from error
    return cast(Classifier, copy)


def check_unknown_device(factory: Factory, device: str = "cpu") -> None:
    """A device that is not there is refused with `DeviceUnavailableError`; another load works."""
    classifier = factory()
    for missing in ("no-such-device", "cuda:99"):
        require_error(
            DeviceUnavailableError,
            lambda missing=missing: classifier.load(missing),  # type: ignore[misc]
            f"load({missing!r})",
            "Compare the device with what the manifest names and the machine has; never fall "
            "back to another one silently.",
        )
    try:
        classifier.load(device)
        classifier.predict(probe_windows(classifier.manifest))
    except Exception as error:
        raise CheckFailedError(
            f"load({device!r}) after a refused device raised {type(error).__name__}: {error}",
            "A refused load() must leave the instance as it was.",
        ) from error
    finally:
        classifier.close()
