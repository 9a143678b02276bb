"""The jsii kernel: Node with cdktf, in a sandbox of its own, started for one synthesis.

The kernel unpacks each jsii package into a cache keyed by the digest of its archive. The provider's
archive has 34 MB, and hashing it costs more than the rest of its loading; so the kernel is shown a
stand-in of a few bytes in the archive's place, under whose digest the real, unpacked package lies.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from harness.errors import HarnessFault
from harness.sandbox import Command, Limits, Mount, Running, Sandbox
from harness.toolchain import Toolchain
from harness.userdata import cache_folder

CASE_ROOT = "/case"
STAND_INS = "/kernel/stand-ins"
_INDEX_SECONDS = 60
_KERNEL_LIMITS = Limits(wall=600, memory=2 * 1024**3, processes=128, output=4 * 1024**2)


@dataclass(frozen=True, slots=True)
class JsiiPackage:
    """One jsii package of the toolchain: npm name, version, and its archive in site-packages."""

    name: str
    version: str
    archive: Path

    @property
    def stand_in(self) -> bytes:
        """The few bytes that the kernel hashes instead of the archive."""
        return f"{self.name}@{self.version}\n".encode()

    def cache_key(self, content: bytes) -> str:
        """The folder, below the cache root, where jsii looks for an archive of this content."""
        digest = hashlib.sha256(content)
        for part in (self.name, self.version):
            digest.update(b"\0" + part.encode())
        return f"{self.name}/{self.version}/{digest.hexdigest()}"


@dataclass(frozen=True, slots=True)
class KernelFiles:
    """Where the prepared kernel lies: `packages` (jsii's cache), `stand_ins`, `compiled` (V8's code cache)."""

    root: Path
    jsii_packages: tuple[JsiiPackage, ...]

    @property
    def packages(self) -> Path:
        return self.root / "packages"

    @property
    def stand_ins(self) -> Path:
        return self.root / "stand-ins"

    @property
    def compiled(self) -> Path:
        return self.root / "compiled"

    @property
    def primed(self) -> bool:
        """Whether the code cache was filled by a synthesis."""
        return (self.root / "primed").exists()


def find_packages(toolchain: Toolchain) -> tuple[JsiiPackage, ...]:
    """The jsii packages among the toolchain's distributions, dependencies first."""
    modules = ("constructs", "cdktf", "cdktf_cdktf_provider_aws")
    names = ("constructs", "cdktf", "@cdktf/provider-aws")
    found = []
    for module, name in zip(modules, names, strict=True):
        archives = sorted((toolchain.site_packages / module / "_jsii").glob("*.jsii.tgz"))
        if len(archives) != 1:
            raise HarnessFault(f"{module}: no jsii archive among the installed packages", "install the pinned dependencies again: make setup")
        version = archives[0].name.removesuffix(".jsii.tgz").rpartition("@")[2]
        found.append(JsiiPackage(name, version, archives[0]))
    return tuple(found)


def prepare_kernel(toolchain: Toolchain) -> KernelFiles:
    """Unpack the jsii packages once for this toolchain; later calls find them in the user's cache."""
    packages = find_packages(toolchain)
    key = hashlib.sha256(_hook().read_bytes() + _program(toolchain).read_bytes())
    for package in packages:
        key.update(f"{package.name}@{package.version} {package.archive.stat().st_size}\n".encode())
    key.update(str(toolchain.node.stat().st_size).encode())
    root = cache_folder() / "kernel" / key.hexdigest()[:16]
    files = KernelFiles(root, packages)
    if not root.exists():
        _unpack(toolchain, files)
    return files


def _unpack(toolchain: Toolchain, files: KernelFiles) -> None:
    files.root.parent.mkdir(parents=True, exist_ok=True)
    building = KernelFiles(Path(tempfile.mkdtemp(dir=files.root.parent, prefix="building-")), files.jsii_packages)
    try:
        building.compiled.mkdir()
        building.stand_ins.mkdir()
        _load_once(toolchain, building)
        for package in files.jsii_packages:
            unpacked = building.packages / package.cache_key(package.archive.read_bytes())
            unpacked.rename(building.packages / package.cache_key(package.stand_in))
            (building.stand_ins / package.archive.name).write_bytes(package.stand_in)
        for path in (building.root, *building.root.rglob("*")):
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
        with contextlib.suppress(OSError):  # another process was first; its copy is as good
            building.root.rename(files.root)
    finally:
        shutil.rmtree(building.root, ignore_errors=True)


def _load_once(toolchain: Toolchain, files: KernelFiles) -> None:
    """Let the real kernel unpack and index the archives; they come from the package index, so no sandbox is needed."""
    runtime = files.root / "runtime"
    runtime.mkdir()
    for part in _program(toolchain).parent.glob("lib__*.js"):
        shutil.copy(part, runtime / part.name.removeprefix("lib__"))
    ours, theirs = socket.socketpair()
    environment = {"PATH": os.defpath, "HOME": str(files.root), "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(files.packages)}
    environment |= {"TMPDIR": str(files.root), "ASSAY_KERNEL_FD": str(theirs.fileno()), "ASSAY_REPORT_FD": "2"}
    with ours, subprocess.Popen(
        [str(toolchain.node), "--preserve-symlinks", "--require", str(_hook()), str(runtime / "program.js")],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=(theirs.fileno(),), env=environment,
        start_new_session=True,  # Ctrl-C lets what is running finish
    ) as process:  # fmt: skip
        theirs.close()
        lines = ours.makefile("r")
        lines.readline()
        for package in files.jsii_packages:
            request = {"api": "load", "name": package.name, "version": package.version, "tarball": str(package.archive)}
            ours.sendall(json.dumps(request).encode() + b"\n")
            answer = json.loads(lines.readline() or '{"error": "the kernel ended"}')
            if "ok" not in answer:
                process.kill()
                raise HarnessFault(
                    f"jsii cannot load {package.name}: {answer.get('error')}", "run `assay doctor`; the installed packages may not fit each other"
                )
        _wait_for_indexes(files)
        ours.sendall(b'{"exit":0}\n')
    shutil.rmtree(files.root / "jsii-kernel-modules", ignore_errors=True)


def _wait_for_indexes(files: KernelFiles) -> None:
    """jsii indexes a package in the background; without the index every start would parse 120 MB of JSON."""
    deadline = time.monotonic() + _INDEX_SECONDS
    for package in files.jsii_packages:
        folder = files.packages / package.cache_key(package.archive.read_bytes())
        while not list(folder.glob(".jsii.runtime.v*.json")) and time.monotonic() < deadline:
            time.sleep(0.1)


@dataclass(frozen=True, slots=True)
class KernelReport:
    """What the kernel saw: the JSON of every stack that it wrote, by stack name; CPU seconds, peak bytes.

    `failed` is the path of the construct whose values could not be resolved, where a synthesis failed at one.
    """

    stacks: dict[str, str]
    failed: str | None
    cpu: float
    peak_memory: int


@contextlib.contextmanager
def start_kernel(toolchain: Toolchain, sandbox: Sandbox, files: KernelFiles, tree: Path, user: int) -> Iterator[tuple[int, _ReportReader]]:
    """A kernel that works on `tree`, for one program; yields its socket and the reader of its report."""
    ours, theirs = socket.socketpair()
    report_read, report_write = os.pipe()
    mounts = [
        Mount(tree, CASE_ROOT, writable=True),
        Mount(toolchain.node, "/kernel/node"),
        Mount(_program(toolchain), "/kernel/program.js"),
        Mount(_hook(), "/kernel/hook.js"),
        Mount(files.packages, "/kernel/packages"),
        Mount(files.compiled, "/kernel/compiled", writable=not files.primed),
    ]
    mounts.append(Mount(files.stand_ins, STAND_INS))
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": "/tmp",
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": "/kernel/packages",
        "JSII_RUNTIME_PACKAGE_CACHE_TTL": "36500",
        "ASSAY_COMPILED": "/kernel/compiled",
        "ASSAY_KERNEL_FD": str(theirs.fileno()),
        "ASSAY_REPORT_FD": str(report_write),
    }
    argv = ("/kernel/node", "--preserve-symlinks", "--max-old-space-size=4069", "--require", "/kernel/hook.js", "/kernel/program.js")
    command = Command(argv, cwd=CASE_ROOT, env=environment, mounts=tuple(mounts), limits=_KERNEL_LIMITS, user=user)
    running = sandbox.start(command, pass_fds=(theirs.fileno(), report_write))
    theirs.close()
    os.close(report_write)
    reader = _ReportReader(running, ours, report_read)
    try:
        yield ours.fileno(), reader
    finally:
        reader.close()


class _ReportReader:
    """Reads the kernel's report while the kernel runs: a stack may be larger than a pipe holds, and would block it."""

    def __init__(self, running: Running, connection: socket.socket, descriptor: int) -> None:
        self._running = running
        self._connection = connection
        self._descriptor = descriptor
        self._said = b""
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def _collect(self) -> None:
        with os.fdopen(os.dup(self._descriptor), "rb") as stream:
            self._said = stream.read()

    def hand_over(self) -> None:
        """Close our copy of the socket, so that the kernel ends with the program that uses it."""
        self._connection.close()

    def read(self) -> KernelReport:
        """Wait for the kernel to end, and read what it reported."""
        stacks: dict[str, str] = {}
        used = {"cpu": 0.0, "peak": 0}
        ready, failed = False, None
        self._thread.join()
        for line in self._said.decode("utf-8").splitlines():
            entry = json.loads(line)
            if "stack" in entry:
                stacks[entry["stack"]] = entry["json"]
            elif "failed" in entry:
                failed = entry["failed"]
            elif "cpu" in entry:
                used = entry
            ready = True
        if not ready:
            self._running.kill()
            said = self._running.finish().stderr.decode(errors="replace").strip()
            raise HarnessFault(f"the jsii kernel did not start: {said[-400:] or 'it said nothing'}", "run `assay doctor`, then `assay cache clear`")
        return KernelReport(stacks, failed, used["cpu"], int(used["peak"]))

    def close(self) -> None:
        self._connection.close()
        if self._running.popen.returncode is None:
            self._running.kill()
            self._running.finish()
        self._thread.join()
        os.close(self._descriptor)


def _program(toolchain: Toolchain) -> Path:
    return toolchain.site_packages / "jsii" / "_embedded" / "jsii" / "lib__program.js"


def _hook() -> Path:
    return Path(str(resources.files("harness.synth") / "kernel_hook.js"))
