"""Lets a process's monotonic clock run faster, so that waits of fixed length cost less of ours.

The provider waits 60 s before it looks at a new database for the first time, and polls in steps of 10 s,
however fast the service is. It is a static Go program, so nothing can be preloaded into it (libfaketime
cannot reach it); Go reads its clock from the vDSO, code that the kernel maps into every process. Here
that one function is replaced, before the program's first instruction, by one that makes the system call
and multiplies what has passed since the start. Only CLOCK_MONOTONIC is changed: timers, timeouts and
waits; the date stays the date. A sleeping program does not notice, so its threads are nudged.

Linux on x86-64 only, and only where the kernel allows the parent to trace its child; everywhere else the
clock stays as it is, and things take longer.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

_PTRACE_TRACEME, _PTRACE_DETACH = 0, 17
_AT_SYSINFO_EHDR = 33
_SYS_TGKILL = 234
_PT_DYNAMIC = 2
_DT_STRTAB, _DT_SYMTAB = 5, 6
_SYMBOL = b"__vdso_clock_gettime"
_SYMBOL_SIZE = 24
_NUDGE_SECONDS = 0.02
_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def start_with_clock(start: Callable[..., subprocess.Popen[bytes]], rate: int) -> tuple[subprocess.Popen[bytes], int]:
    """Start a process by `start(preexec_fn=...)`; its monotonic clock then runs `rate` times as fast. The rate that it really has: 1 where that failed."""
    if rate <= 1 or platform.machine() != "x86_64" or platform.system() != "Linux":
        return start(), 1
    process = start(preexec_fn=_be_traced)
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        process.returncode = os.waitstatus_to_exitcode(status)
        return process, 1
    try:
        _patch(process.pid, rate)
        done = rate
    except (OSError, ValueError, struct.error):
        done = 1
    _LIBC.ptrace(_PTRACE_DETACH, process.pid, None, None)
    return process, done


class Nudge:
    """Wakes all threads of a process: one that sleeps in the kernel looks at its clock only then.

    SIGURG is what Go's own scheduler sends to its threads; a program takes no notice of one more.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._tasks = Path(f"/proc/{process.pid}/task")

    def once(self) -> None:
        """Wake them now."""
        with contextlib.suppress(OSError):
            for task in os.listdir(self._tasks):
                _LIBC.syscall(_SYS_TGKILL, self._process.pid, int(task), signal.SIGURG)


@contextlib.contextmanager
def nudged(nudges: Callable[[], Iterable[Nudge]]) -> Iterator[None]:
    """Wake what `nudges()` names every 20 ms while the block runs."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(_NUDGE_SECONDS):
            for nudge in nudges():
                nudge.once()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _be_traced() -> None:
    _LIBC.ptrace(_PTRACE_TRACEME, 0, None, None)


def _patch(pid: int, rate: int) -> None:
    """Replace the function in the stopped process. Raises `OSError` or `ValueError` where the vDSO is not as expected."""
    base = _vdso(pid)
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        image = _read(memory, base, _mapped(pid, base))
        function, room = _find(image)
        stub = _stub(rate, time.clock_gettime_ns(time.CLOCK_MONOTONIC))
        if len(image) - room < len(stub) or any(image[room : room + len(stub)]):
            raise ValueError("no room behind the vDSO's code")
        memory.seek(base + room)
        memory.write(stub)
        memory.seek(base + function)
        memory.write(b"\xe9" + struct.pack("<i", room - function - 5))


def _stub(rate: int, started: int) -> bytes:
    """`clock_gettime(clock, time)` by system call; for CLOCK_MONOTONIC what has passed since `started` (ns) is multiplied by `rate`."""
    code = bytes.fromhex("b8e4000000 0f05")  # mov eax, 228; syscall
    scale = (
        bytes.fromhex("48690600ca9a3b")  # imul rax, [rsi], 1_000_000_000
        + bytes.fromhex("48034608")  # add rax, [rsi+8]
        + b"\x49\xb8" + struct.pack("<q", started)  # mov r8, started
        + bytes.fromhex("4c29c0")  # sub rax, r8
        + b"\x48\x69\xc0" + struct.pack("<i", rate)  # imul rax, rax, rate
        + bytes.fromhex("4c01c0")  # add rax, r8
        + bytes.fromhex("b900ca9a3b 4899 48f7f9")  # mov ecx, 1_000_000_000; cqo; idiv rcx
        + bytes.fromhex("488906 48895608 31c0")  # mov [rsi], rax; mov [rsi+8], rdx; xor eax, eax
    )  # fmt: skip
    skip = bytes.fromhex("85c0 75") + bytes([len(scale) + 5]) + bytes.fromhex("83ff01 75") + bytes([len(scale)])  # unless it failed; unless another clock
    return code + skip + scale + b"\xc3"


def _vdso(pid: int) -> int:
    entries = Path(f"/proc/{pid}/auxv").read_bytes()
    for kind, value in struct.iter_unpack("<QQ", entries[: len(entries) // 16 * 16]):
        if kind == _AT_SYSINFO_EHDR:
            return int(value)
    raise ValueError("the process has no vDSO")


def _mapped(pid: int, base: int) -> int:
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        first, _, last = line.split()[0].partition("-")
        if int(first, 16) == base:
            return int(last, 16) - base
    raise ValueError("the vDSO is not mapped")


def _read(memory: Any, start: int, size: int) -> bytes:
    memory.seek(start)
    return bytes(memory.read(size))


def _find(image: bytes) -> tuple[int, int]:
    """Offsets of the function, and of the end of all that the image holds."""
    if image[:4] != b"\x7fELF":
        raise ValueError("the vDSO is no ELF image")
    headers, sections = struct.unpack_from("<QQ", image, 32)
    entry, count, section_size, section_count = struct.unpack_from("<HHHH", image, 54)
    segments = [struct.unpack_from("<IIQQQQ", image, headers + number * entry) for number in range(count)]
    dynamic = next(segment for segment in segments if segment[0] == _PT_DYNAMIC)
    table = dict(struct.unpack_from("<QQ", image, dynamic[2] + offset) for offset in range(0, dynamic[5], 16))
    symbols, names = table[_DT_SYMTAB], table[_DT_STRTAB]
    for offset in range(symbols, names, _SYMBOL_SIZE):
        name, _, _, _, value = struct.unpack_from("<IBBHQ", image, offset)
        if image[names + name :].startswith(_SYMBOL + b"\0"):
            end = max([segment[2] + segment[5] for segment in segments] + [sections + section_size * section_count])
            return int(value), (end + 15) // 16 * 16
    raise ValueError("the vDSO has no clock_gettime")
