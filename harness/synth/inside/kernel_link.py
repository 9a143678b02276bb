"""Connects jsii to a kernel that Assay has already started. Runs inside the sandbox.

The kernel (Node with cdktf) lives in a sandbox of its own: what it wrote is what this synthesis wrote,
because the code under test never holds its output. Here jsii's `_NodeProcess.start`, which would start
Node as a child, attaches to the socket that Assay handed in.
"""

import atexit
import io
import os
import socket
import threading


class _Attached:
    """As much of `subprocess.Popen` as jsii uses."""

    def __init__(self, connection):
        self.stdin = connection.makefile("wb", buffering=0)
        self.stdout = connection.makefile("rb")
        self.stderr = io.BytesIO()

    def wait(self, timeout=None):
        return 0

    def terminate(self):
        self.stdin.close()


def attach(descriptor, stand_ins):
    """From now on jsii talks to the kernel on the socket `descriptor`; the first connection takes it.

    The kernel is shown the archives in the folder `stand_ins` instead of those of the same name in site-packages.
    """
    from jsii import _kernel
    from jsii._kernel.providers import process

    original = _kernel.Kernel.load

    def load(self, name, version, tarball):
        stand_in = os.path.join(stand_ins, os.path.basename(tarball))
        return original(self, name, version, stand_in if os.path.exists(stand_in) else tarball)

    _kernel.Kernel.load = load

    connection = socket.socket(fileno=descriptor)
    taken = []

    def start(self):
        if taken:
            raise RuntimeError("a synthesis has one jsii kernel; this program asked for a second one")
        taken.append(True)
        self._process = _Attached(connection)
        self.sink_thread = threading.Thread(target=lambda: None, daemon=True)
        self.sink_thread.start()
        atexit.register(self.stop)
        self.handshake()

    process._NodeProcess.start = start
