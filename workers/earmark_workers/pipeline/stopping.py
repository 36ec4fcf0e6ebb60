"""Ctrl-C and polite kills: finish what is in hand, keep it, and end."""

from __future__ import annotations

import signal
import socket
from types import FrameType


class StopRequest:
    """Takes over SIGINT and SIGTERM while it is entered; elsewhere `ask` asks.

    The first signal only sets `asked` and wakes whoever waits for `wake`; a transaction or a file
    write in progress is never broken off. A second one interrupts at once, as Python would.
    """

    def __init__(self) -> None:
        self.asked = False
        self.signal: signal.Signals | None = None
        self.wake, self._alarm = socket.socketpair()
        self.wake.setblocking(False)
        self._alarm.setblocking(False)
        self._former: dict[signal.Signals, object] = {}

    def __enter__(self) -> StopRequest:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._former[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self.close()

    def close(self) -> None:
        """Give the sockets back; for one that was not entered."""
        self.wake.close()
        self._alarm.close()

    def ask(self) -> None:
        """Want the work to stop, from any thread."""
        self.asked = True
        self.ring()

    def ring(self) -> None:
        """Wake whoever waits, from any thread, without asking to stop."""
        try:
            self._alarm.send(b"!")
        except BlockingIOError:
            return  # enough unread rings are waiting already

    def quiet(self) -> None:
        """Take back the rings so far."""
        try:
            while self.wake.recv(4096):
                continue
        except BlockingIOError:
            return

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.signal = signal.Signals(number)
        self.ask()
