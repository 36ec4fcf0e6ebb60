"""The web process for tests: a real uvicorn in a thread, on the database of the test."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import uvicorn

from earmark.asgi import application

_GRACE_S = 2


@contextlib.contextmanager
def live_server() -> Iterator[str]:
    """Serve the application; give its address. The test needs ``django_db(transaction=True)``."""
    config = uvicorn.Config(
        application,
        port=0,
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="uvicorn")
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not server.started:
            assert thread.is_alive() and time.monotonic() < deadline, "uvicorn does not start"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)
