"""What outlives a single gate call: the tools, the sandbox, and the servers that gates share."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from harness.sandbox import Sandbox
from harness.toolchain import Toolchain


@dataclass
class Session:
    """Opened once per worker, closed at its end: `with Session(toolchain, sandbox) as session`.

    `services` lets a gate keep a started server for later calls: `session.service("terraform", start)`
    calls `start()` once, enters the context manager that it returns, and hands out the entered value.
    """

    toolchain: Toolchain
    sandbox: Sandbox
    _stack: ExitStack = field(default_factory=ExitStack)
    _services: dict[str, Any] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *error: object) -> None:
        self._services.clear()
        self._stack.close()

    def service(self, name: str, start: Any) -> Any:
        """The running service `name`, started by `start()` (a context manager) on first use."""
        with self._lock:
            if name not in self._services:
                self._services[name] = self._stack.enter_context(start())
            return self._services[name]

    def discard(self, name: str) -> None:
        """Forget a service that broke, so that the next use starts a new one."""
        with self._lock:
            self._services.pop(name, None)
