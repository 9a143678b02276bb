"""One running provider: started in debug mode, so that it stays for as many terraform commands as there are."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import grpc
from clock import Nudge, start_with_clock
from schema import ProviderSchema

_REATTACH = re.compile(r"TF_REATTACH_PROVIDERS='(\{.*\})'")
_START_SECONDS = 60
_SCHEMA_METHODS = {5: "/tfplugin5.Provider/GetSchema", 6: "/tfplugin6.Provider/GetProviderSchema"}
CHANNEL_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


class Provider:
    """A provider process, started in `folder`, and a channel to it. Raises `RuntimeError` when it does not start.

    `rate` is how many times as fast its waits shall pass, 1 for the usual; the attribute says what became of it.
    """

    def __init__(self, binary: str, environment: Mapping[str, str], log: Path, folder: Path, rate: int = 1) -> None:
        with log.open("wb") as output:
            start = partial(
                subprocess.Popen, [binary, "-debug"], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=folder, env=dict(environment)
            )  # fmt: skip
            self.process, self.rate = start_with_clock(start, rate)
        self.nudge = Nudge(self.process) if self.rate > 1 else None
        said = self._wait_until_ready(os.path.basename(binary), log)
        self.protocol: int = said["ProtocolVersion"]
        address = said["Addr"]
        target = f"unix:{address['String']}" if address["Network"] == "unix" else address["String"]
        self.channel = grpc.insecure_channel(target, options=CHANNEL_OPTIONS)

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def read_schema(self) -> ProviderSchema:
        """Ask the provider for all that it knows."""
        return ProviderSchema(self.channel.unary_unary(_SCHEMA_METHODS[self.protocol])(b""))

    def _wait_until_ready(self, name: str, log: Path) -> dict[str, Any]:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            text = log.read_text(errors="replace")
            if found := _REATTACH.search(text):
                (said,) = json.loads(found[1]).values()
                return said
            if not self.alive:
                break
            if self.nudge:
                self.nudge.once()
            time.sleep(0.01)
        raise RuntimeError(f"the provider {name} did not start: {log.read_text(errors='replace')[-400:]}")
