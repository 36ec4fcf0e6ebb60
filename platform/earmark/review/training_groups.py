"""Files that must not be on both sides of a split, as they are nearly the same."""

from __future__ import annotations

from collections.abc import Sequence


class Groups:
    """Joins clusters that share a file, directly or by a chain of others (union-find).

    Only clusters that were joined take memory, not files: there are `MOST_LEADERS` of them for a
    label at most.
    """

    def __init__(self) -> None:
        self._above: dict[int, int] = {}

    def join(self, clusters: Sequence[int]) -> None:
        """Note that one file belongs to all of these."""
        for other in clusters[1:]:
            one, two = self._top(clusters[0]), self._top(other)
            if one != two:
                self._above[two] = one

    def name_of(self, file_id: int, cluster: int | None) -> str:
        """Return the name of a file's group, by any of its clusters; alone where it has none."""
        return f"file-{file_id}" if cluster is None else f"cluster-{self._top(cluster)}"

    def _top(self, cluster: int) -> int:
        while (above := self._above.get(cluster)) is not None:
            higher = self._above.get(above)
            if higher is not None:
                self._above[cluster] = higher
            cluster = above
        return cluster
