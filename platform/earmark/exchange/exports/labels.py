"""The label track of one sound: what is heard when, as Audacity reads it."""

from __future__ import annotations

from earmark.exchange.exports.errors import NotOneSoundError
from earmark.library.models import AudioFile, AudioFileQuerySet
from earmark.tagging.knowledge.segment_files import to_audacity
from earmark.tagging.knowledge.segments import SegmentRule
from earmark.tagging.selectors import get_policy
from earmark.writeback.segments import get_segments

AUDACITY = "audacity"
"""The name of this form, beside those of `earmark.exchange.exports.formats`."""

MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".labels.txt"


def get_only_file(files: AudioFileQuerySet) -> AudioFile:
    """Return the file of a selection that holds no other.

    Raises
    ------
    NotOneSoundError
        If it holds another number of files.
    """
    found = list(files.select_related("library").order_by("pk")[:2])
    if len(found) != 1:
        number = "several sounds" if found else "no sound"
        raise NotOneSoundError(f"A label track is of one sound, and there is {number} here.")
    return found[0]


def export_labels(*, file: AudioFile, classifier: str) -> bytes:
    """Return the label track of a sound, by the threshold that holds for its library.

    Raises
    ------
    earmark.writeback.errors.FileChangedError, earmark.writeback.errors.NoTimelineError
        If nothing is known about the file as it is now.
    """
    accept = get_policy(library=file.library).accept
    rule = SegmentRule(on=accept, off=accept / 2)
    return to_audacity(get_segments(file=file, name=classifier, rule=rule).segments).encode("utf-8")
