"""What can go wrong with classifiers before they hear anything."""

from __future__ import annotations

from earmark.core.errors import EarmarkError


class ClassifierUnavailableError(EarmarkError):
    """No classifier of that name can be used here."""

    code = "classifier_unavailable"
    status = 409
    hint = "`earmark classifiers` shows what there is, and why something is not."


class DownloadError(EarmarkError):
    """Weights could not be fetched, checked or put in their place."""

    code = "download_failed"


class UnknownWeightsError(DownloadError):
    """No weights of that name can be fetched."""

    code = "unknown_weights"
    hint = "`earmark models list` shows what there is."


class OfflineError(DownloadError):
    """The publisher, or the mirror, cannot be reached from here."""

    code = "offline"


class DownloadRefusedError(DownloadError):
    """The server answered, but not with the file."""

    code = "download_refused"


class DownloadInterruptedError(DownloadError):
    """The connection broke again and again."""

    code = "download_interrupted"


class ChecksumMismatchError(DownloadError):
    """What came, or what is there, is not the file that was published."""

    code = "checksum_mismatch"


class ChecksumUnknownError(DownloadError):
    """Nobody has said yet what the file has to be."""

    code = "checksum_unknown"


class ModelsFolderError(DownloadError):
    """The folder of fetched weights cannot be used."""

    code = "models_folder_unusable"
    hint = "Make room or set EARMARK_MODELS_DIR to a folder you may write to."
