"""What taggers have in common that somebody trained: they live in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from earmark_classifiers.tagger import Tagger
from earmark_classifiers.trained import read_trained
from earmark_plugin_api import Manifest


class TrainedTagger(Tagger):
    """A classifier whose labels, settings and weights are in a folder.

    Parameters
    ----------
    folder : Path
        Of a trained classifier; its description is read, its weights are not.

    Raises
    ------
    TrainedFolderError
        If the description cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.trained = read_trained(folder)

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        """Return the classifier that was trained into `folder`."""
        return cls(folder)

    @property
    def manifest(self) -> Manifest:
        """Identity, labels and needs."""
        return self.trained.manifest

    def __getstate__(self) -> dict[str, str]:
        """Pickle as an unloaded classifier: where it is."""
        return {"folder": str(self.trained.path)}

    def __setstate__(self, state: dict[str, str]) -> None:
        self.__init__(Path(state["folder"]))  # type: ignore[misc]
