"""What the container promises: fields, rules and sentences, as version 1.2.0 had them. Pure.

The sentences and the odd rules are part of the interface: programs compare them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

VERSION = "1.2.0"

MOST_PREDICTIONS = 5
LISTEN_S = 10.0
"""So much of a sound is listened to, from the start time on."""

AUDIO_HELP = "signed 16-bit PCM WAV audio file"
START_HELP = "The number of seconds into the audio file the prediction should start at."
FILTER_HELP = "List of labels to filter (optional)"

_WAV = re.compile(r"audio/.*wav")

# The original looks at 16,000 samples a second, in frames of 400 samples every 160, and 96 frames
# make the shortest stretch it knows. A start time counts in whole stretches.
_STRETCH_S = 0.96
_LATEST_S = 1e6  # behind the end of any sound
_RATE, _FRAME, _HOP, _FRAMES = 16_000, 400, 160, 96


class BadRequestError(Exception):
    """The request is answered with status 400 and this body."""

    def __init__(self, body: Mapping[str, object]) -> None:
        super().__init__(str(body))
        self.body = body


def refusal(message: str) -> BadRequestError:
    """Return what is wrong with the sound or the start time."""
    return BadRequestError({"status": "error", "message": message})


def invalid_type(kind: str) -> BadRequestError:
    """Return that the file is no WAV; `kind` is what it says it is."""
    return refusal(f"Invalid file type/extension: {kind}")


def invalid_start() -> BadRequestError:
    """Return that the start time lies outside the sound."""
    return refusal("Invalid start time: value outside audio clip")


def invalid_input(field: str, problem: str) -> BadRequestError:
    """Return that a parameter is missing or cannot be read."""
    errors = {field: problem}
    return BadRequestError({"errors": errors, "message": "Input payload validation failed"})


def require_wav(kind: str) -> None:
    """Let a file of this media type pass, or refuse it."""
    if not _WAV.match(kind):
        raise invalid_type(kind)


def read_start(values: Sequence[str]) -> float:
    """Return the start time from the values of the parameter; the first one counts.

    Raises
    ------
    BadRequestError
        If it is no number, or lies before the sound.
    """
    if not values:
        return 0.0
    try:
        start = float(values[0])
    except ValueError as error:
        raise invalid_input("start_time", f"{START_HELP} {error}") from error
    if math.isnan(start) or not -_STRETCH_S < start < _LATEST_S:
        raise invalid_start()
    return max(0.0, start)


def require_inside(start: float, duration: float) -> None:
    """Refuse a start time that the original would find to lie outside a sound of this length."""
    stretch = int(start / _STRETCH_S)
    frames = (round(duration * _RATE) - _FRAME) // _HOP + 1
    if stretch and stretch >= frames // _FRAMES:
        raise invalid_start()


def read_filter(values: Sequence[str]) -> list[str] | None:
    """Return the labels that are wanted; None for all.

    A value holds several with commas between them, taken to the letter: a label that has a comma
    in its name can never be asked for.
    """
    labels = [label for value in values for label in value.split(",")]
    return labels if any(label.strip() for label in labels) else None


def list_predictions(
    predictions: Sequence[Mapping[str, Any]], wanted: Sequence[str] | None
) -> list[dict[str, Any]]:
    """Return the first five, and of those the wanted ones: in this order, as the original does.

    Parameters
    ----------
    predictions : sequence of mapping
        With ``label_id``, ``label`` and ``score``, best first.
    wanted : sequence of str, optional
        Names of labels.
    """
    return [
        {"label_id": one["label_id"], "label": one["label"], "probability": one["score"]}
        for one in predictions[:MOST_PREDICTIONS]
        if wanted is None or one["label"] in wanted
    ]
