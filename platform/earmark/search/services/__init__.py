"""Everything that changes the index."""

from earmark.search.services.indexing import Indexed, index_changes, rebuild_index

__all__ = ["Indexed", "index_changes", "rebuild_index"]
