"""How Celery is set up: its queues, and what makes lost, doubled and late messages harmless.

A message is only a hint that there may be work; the rows of the database are the truth.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

SCAN = "scan"
CLASSIFY_CPU = "classify.cpu"
CLASSIFY_GPU = "classify.gpu"
WRITE = "write"
ALL = (SCAN, CLASSIFY_CPU, CLASSIFY_GPU, WRITE)

VISIBILITY_S = 3600
"""Redis delivers a message again that was not acknowledged for so long: far above a slice."""

RESTORE_EVERY_S = 5
"""How often workers look for messages that are to be delivered again."""


def settings(*, broker_url: str, data_dir: Path) -> dict[str, Any]:
    """Return Celery's own settings.

    Parameters
    ----------
    broker_url : str
        ``redis://...`` or ``filesystem://``; empty where there is none.
    data_dir : Path
        Where ``filesystem://`` keeps its files.
    """
    return {
        "broker_url": broker_url or "memory://",
        "broker_transport_options": _transport(broker_url, data_dir),
        # A worker waits for its broker, at the start and for as long as it is away.
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_create_missing_queues": True,
        "task_default_queue": SCAN,
        "worker_prefetch_multiplier": 1,
        # Nothing forks: torch lives in the children of the engine, which are fresh interpreters.
        "worker_pool": "threads",
        "worker_concurrency": 1,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_send_task_events": True,
        "task_send_sent_event": True,
        "beat_scheduler": "earmark.core.clock:Clock",
        "timezone": "UTC",
    }


def _transport(broker_url: str, data_dir: Path) -> dict[str, Any]:
    if broker_url.startswith("filesystem:"):
        folder = data_dir / "broker"
        for name in ("messages", "control"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        return {
            "data_folder_in": str(folder / "messages"),
            "data_folder_out": str(folder / "messages"),
            "control_folder": str(folder / "control"),
        }
    if not broker_url.startswith(("redis", "sentinel")):
        return {}
    return {
        "visibility_timeout": VISIBILITY_S,
        # Look for messages of dead workers every few seconds, not after hundreds of rounds.
        "unacked_restore_interval": RESTORE_EVERY_S,
        "unacked_restore_throttle": 1,
        # Who submits a run shall not wait long for a Redis that does not answer.
        "socket_connect_timeout": 2,
    }
