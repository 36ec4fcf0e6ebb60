"""Files that must not be on both sides of a split, as they are nearly the same."""

from __future__ import annotations


class Groups:
    """Joins files that share a cluster, directly or by a chain of others (union-find)."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def join(self, file_id: int, cluster: int | None) -> None:
        """Note that a file belongs to a cluster; None to none."""
        file = self._top(f"file-{file_id}")
        if cluster is not None:
            self._above[file] = self._top(f"cluster-{cluster}")

    def name_of(self, file_id: int) -> str:
        """Return the name of a file's group."""
        return self._top(f"file-{file_id}")

    def _top(self, name: str) -> str:
        above = self._above.setdefault(name, name)
        while above != self._above[above]:
            self._above[name] = above = self._above[above]
        return above
