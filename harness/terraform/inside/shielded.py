"""The first process in a provisioner's own sandbox: opens the door to the emulated AWS, and becomes the command.

usage: shielded.py DESCRIPTOR PORT ENVIRONMENT -- INTERPRETER... COMMAND

`DESCRIPTOR` is a socket to `shield.py`, which gets the sockets for AWS and for the names of machines, and the name of the
program where it does not exist. The command does not inherit it.
The environment is JSON, and that of the command alone.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import socket
import sys
from collections.abc import Mapping, Sequence

_DOMAIN = 53
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_PROCESSES = 256
_MEMORY = 1024**3
_CANNOT_START = 126
_ABSENT = 127


def main(descriptor: int, port: int, environment: Mapping[str, str], command: Sequence[str]) -> int:
    """Become the command; the exit code of a shell where it cannot be started."""
    with socket.socket(fileno=descriptor) as door:
        door.set_inheritable(False)
        listening = socket.create_server(("127.0.0.1", port), backlog=64)
        names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        names.bind(("127.0.0.1", _DOMAIN))
        socket.send_fds(door, [b"!"], [listening.fileno(), names.fileno()])
        listening.close()
        names.close()
        # The right to take that port ends here.
        ctypes.CDLL(None).prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
        # Counted for this sandbox alone: it leaves terraform what terraform needs.
        for limit, wanted in ((resource.RLIMIT_NPROC, _PROCESSES), (resource.RLIMIT_DATA, _MEMORY)):
            resource.setrlimit(limit, (wanted, wanted))
        try:
            os.execvpe(command[0], command, environment)
        except FileNotFoundError:
            door.sendall(command[0].encode())
            print(f"{command[0]}: not found", file=sys.stderr)
            return _ABSENT
        except OSError as error:
            print(f"{command[0]}: {error.strerror}", file=sys.stderr)
            return _CANNOT_START


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[5:]))
