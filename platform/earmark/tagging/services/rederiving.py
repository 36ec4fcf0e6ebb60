"""New tags for files that were classified before, from their stored scores: no sound is heard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from earmark.classifiers.models import ClassifierVersion
from earmark.library.models import AudioFile, Library
from earmark.tagging.models import TagBasis, TagSet
from earmark.tagging.rules import Rules, rules_for
from earmark.tagging.services.deriving import derive_file_tags

BATCH = 1000


@dataclass(frozen=True)
class Rederivation:
    """Files whose tags do not follow from the rules of today.

    Attributes
    ----------
    library : Library
    rules : Rules
        Those of today, with the classifiers that the tags rest on.
    outdated : tuple of str
        The bases to leave behind.
    """

    library: Library
    rules: Rules
    outdated: tuple[str, ...]

    def count(self) -> int:
        """Count the files that are left to do."""
        return self._files(0).count()

    def work(self) -> Iterator[int]:
        """Derive and store, a batch at a time; yield how many files each batch had.

        What was done is kept whenever this ends; the next call goes on from there.
        """
        last = 0
        while batch := list(self._files(last)[:BATCH]):
            derive_file_tags(files=batch, rules=self.rules)
            last = batch[-1].pk
            yield len(batch)

    def _files(self, after: int) -> QuerySet[AudioFile]:
        files = AudioFile.objects.filter(library=self.library, pk__gt=after).present()
        outdated = TagSet.objects.filter(basis__in=self.outdated).values("file")
        return files.filter(pk__in=outdated).only("pk", "path", "audio_hash").order_by("pk")


def plan_rederivation(*, library: Library) -> list[Rederivation]:
    """Find the files of a library whose tags do not follow from the rules of today.

    Tags keep the classifiers they rest on. Those of before Earmark kept them are left to the next
    `tag`.
    """
    used = TagSet.objects.filter(file__library=library).order_by().values("basis").distinct()
    groups: dict[tuple[str, ...], list[str]] = {}
    for basis in TagBasis.objects.filter(pk__in=used):
        groups.setdefault(tuple(basis.classifiers), []).append(basis.pk)
    known = {row.identity: row for row in ClassifierVersion.objects.all()}
    plans = []
    for identities, bases in sorted(groups.items()):
        if identities and all(identity in known for identity in identities):
            rules = rules_for(library, [known[identity] for identity in identities])
            outdated = tuple(sorted(basis for basis in bases if basis != rules.basis))
            if outdated:
                plans.append(Rederivation(library, rules, outdated))
    return plans
