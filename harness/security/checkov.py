"""Finds checkov, runs it over synthesized stacks in the sandbox, and reads its answer.

checkov is no dependency: it brings some ninety packages and pins older versions of some that Assay stands on. `make security` puts it, pinned,
into an environment of its own. It judges without network: policies that only its vendor's platform has are none of ours.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.errors import HarnessFault
from harness.sandbox import Command, Completed, Limits, Mount, Sandbox

SETTING = "ASSAY_CHECKOV"
FRAMEWORK = "terraform_json"
_REMEDY = f"run `make security`; or install checkov with pipx, or name its executable in {SETTING}"
_CHECKOUT = Path(__file__).resolve().parent.parent.parent / ".venv-security" / "bin" / "checkov"
_STACKS = "/stacks"
_STACK_FILE = "cdk.tf.json"
_LIMITS = Limits(wall=180, output=64 * 1024**2)
_KEY = re.compile(r'^(?P<indent> *)"(?P<key>(?:[^"\\]|\\.)*)": ')
_RELEASE = re.compile(r"checkov-(?P<version>[\w.]+)\.dist-info")


@dataclass(frozen=True)
class Checkov:
    """An installed checkov: its executable, and the root of the environment that it lives in."""

    executable: Path
    root: Path

    @cached_property
    def version(self) -> str:
        """The installed release, as its metadata's folder says; asking checkov itself takes seconds."""
        found = (_RELEASE.fullmatch(folder.name) for folder in self.root.glob("lib/python3*/site-packages/checkov-*.dist-info"))
        return next((match["version"] for match in found if match), f"unknown, of {self.executable.stat().st_mtime_ns}")

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """Its environment inside, and the Python installation that the environment was made from."""
        python = (self.root / "bin" / "python").resolve()
        prefixes = dict.fromkeys([self.root, python.parent.parent])
        return tuple(Mount(prefix, str(prefix)) for prefix in prefixes if not prefix.is_relative_to("/usr"))


@dataclass(frozen=True, slots=True)
class Remark:
    """A policy that a resource fails: checkov's id and name of it, the terraform address, the arguments that it looked at."""

    check: str
    name: str
    address: str
    stack: str
    arguments: tuple[str, ...]


def find_checkov(environ: Mapping[str, str] = os.environ) -> Checkov | str:
    """checkov from `ASSAY_CHECKOV`, from PATH, or from what `make security` installed; else why there is none, with the remedy."""
    chosen = environ.get(SETTING)
    found = shutil.which(chosen or "checkov", path=environ.get("PATH", os.defpath))
    if chosen and not found:
        return f"{SETTING} names {chosen}, which is no program; {_REMEDY}"
    if not found and os.access(_CHECKOUT, os.X_OK):
        found = str(_CHECKOUT)
    if not found:
        return f"checkov is not installed; {_REMEDY}"
    executable = Path(found).resolve()
    root = executable.parent.parent
    # The environment is shown to the sandbox as a whole, so it has to be one, and not somebody's home.
    if not (root / "pyvenv.cfg").is_file() and not (root / "conda-meta").is_dir() and not root.is_relative_to("/usr"):
        return f"{found} is not in a Python environment of its own; {_REMEDY}"
    return Checkov(executable, root)


def run_checkov(checkov: Checkov, sandbox: Sandbox, stacks: Mapping[str, Any]) -> tuple[tuple[Remark, ...], Completed]:
    """What checkov says of the stacks, in the stacks' order, and how the run ended. Raises `HarnessFault` where it gives no verdict."""
    texts = {name: stack_text(stack) for name, stack in sorted(stacks.items())}
    with sandbox.scratch() as folder:
        # A stack's name is the subject's, so it is no path.
        for number, text in enumerate(texts.values()):
            target = folder / str(number) / _STACK_FILE
            target.parent.mkdir()
            target.write_text(text, encoding="utf-8")
        done = sandbox.run(_command(checkov, folder))
    if done.stopped:
        raise HarnessFault(f"checkov went over its limit of {done.stopped} on these stacks", _REMEDY)
    try:
        answer = json.loads(done.stdout)
        return tuple(_remarks(answer, texts)), done
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        said = done.stderr.decode("utf-8", "replace").strip()[-300:] or repr(error)
        raise HarnessFault(f"checkov {checkov.version} ended with {done.exit_code} and no answer that can be read: {said}", _REMEDY) from error


def stack_text(stack: Mapping[str, Any]) -> str:
    """The stack as checkov is shown it: two spaces a level, which `address_at` relies on.

    Without comments: checkov takes some of them for orders not to judge, and the subject writes them.
    """
    return json.dumps(_without_comments(stack), indent=2)


def address_at(lines: Sequence[str], number: int) -> str:
    """The address of the resource or data source whose block begins in line `number`, counted from 1; empty for any other block.

    checkov names a resource by type and label, or by its label alone.
    """
    path: list[str] = []
    wanted = 6
    for line in reversed(lines[:number]):
        match = _KEY.match(line)
        if match and len(match["indent"]) == wanted:
            path.insert(0, json.loads(f'"{match["key"]}"'))
            wanted -= 2
        if wanted == 0:
            break
    if len(path) != 3 or path[0] not in ("resource", "data"):
        return ""
    return ".".join(path if path[0] == "data" else path[1:])


def _command(checkov: Checkov, folder: Path) -> Command:
    argv = [str(checkov.executable), "--directory", _STACKS, "--framework", FRAMEWORK, "--output", "json"]
    return Command(
        argv=(*argv, "--compact", "--quiet", "--skip-download", "--soft-fail"),
        cwd="/tmp",
        env={
            "PATH": f"{checkov.executable.parent}:/usr/bin:/bin",
            "HOME": "/tmp",
            "LANG": "C.UTF-8",
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "LOG_LEVEL": "ERROR",
        },
        mounts=(*checkov.mounts, Mount(folder, _STACKS)),
        limits=_LIMITS,
    )


def _without_comments(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_comments(one) for name, one in value.items() if name != "//"}
    return [_without_comments(one) for one in value] if isinstance(value, list) else value


def _remarks(answer: Any, texts: Mapping[str, str]) -> Iterator[Remark]:
    """The failed checks, each once, in the order of stacks and lines."""
    # Where it found nothing to say, checkov answers with the summary alone.
    summary = answer.get("summary", answer)
    if summary["parsing_errors"]:
        raise ValueError(f"it could not read {summary['parsing_errors']} of the stacks")
    names, lines = list(texts), [text.splitlines() for text in texts.values()]
    failed = answer["results"]["failed_checks"] if "results" in answer else []
    placed = []
    for one in failed:
        number, line = int(one["file_path"].strip("/").partition("/")[0]), one["file_line_range"][0]
        if address := address_at(lines[number], line):
            placed.append((number, line, one["check_id"], address, one))
    for number, _, check, address, one in sorted(placed, key=lambda entry: entry[:4]):
        keys = one["check_result"].get("evaluated_keys") or ()
        arguments = dict.fromkeys(part for key in keys for part in re.findall(r"[a-z_]{3,}", str(key)) if part != "resource_type")
        yield Remark(check, one["check_name"], address, names[number], tuple(arguments))
