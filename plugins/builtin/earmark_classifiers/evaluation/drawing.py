"""How all pictures look, and how they become PNG bytes. Matplotlib is imported on first use.

Colours are those of Okabe and Ito, "Color Universal Design" (2008), which people with any common
colour vision can tell apart; maps are perceptually even (cividis, magma).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9",
)  # fmt: skip
GREY, INK = "#8a8a8a", "#222222"
DPI = 110
LONGEST_NAME = 28

_STYLE: dict[Any, object] = {
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.facecolor": "white",
    # Names of classes are data: a dollar sign in one starts no formula.
    "text.parse_math": False,
}


@contextmanager
def drawing(width: float, height: float) -> Iterator[tuple[Figure, io.BytesIO]]:
    """Hand out an empty figure of a size in inches; at the end its PNG is in the buffer.

    No window system, no global state: safe in any thread and without a display.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    buffer = io.BytesIO()
    with rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, buffer
        # Without the version of matplotlib in it, equal pictures are equal bytes.
        figure.savefig(
            buffer, format="png", dpi=DPI, bbox_inches="tight", pad_inches=0.12,
            metadata={"Software": None},
        )  # fmt: skip


def shorten(name: str, length: int = LONGEST_NAME) -> str:
    """Cut a long name for an axis."""
    return name if len(name) <= length else f"{name[: length - 1].rstrip()}…"


def count_in_whole(axis: Axis) -> None:
    """Mark an axis that counts things at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True))


def show_time(axes: Axes, seconds: float) -> None:
    """Label the horizontal axis as time: seconds, or minutes and hours for long sounds."""
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    if seconds < 120:
        axes.set_xlabel("Time (s)")
        return
    hours = seconds >= 7200
    axes.set_xlabel("Time (h:min)" if hours else "Time (min:s)")
    steps = [n * scale for scale in (1, 60, 3600) for n in (1, 2, 5, 10, 15, 30)]
    axes.xaxis.set_major_locator(
        MultipleLocator(next((s for s in steps if seconds / s <= 10), seconds / 8))
    )

    def label(value: float, _: object) -> str:
        whole = round(value) // (60 if hours else 1)
        return f"{whole // 60}:{whole % 60:02}"

    axes.xaxis.set_major_formatter(FuncFormatter(label))
