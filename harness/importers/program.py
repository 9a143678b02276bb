"""Which program a tree starts, and what a response that leaves it out gets from the archive's side."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.case import APP_FILE, EntryError, app_words, read_app
from harness.importers.paths import is_test
from harness.importers.sources import Source, module_of, read_source, wanted_modules

_SCRIPT = re.compile(r"[\w./-]+\.py\b")
_USUAL = ("tap.py", "main.py", "app.py", "bin/tap.py", "bin/main.py", "bin/app.py", "lib/main.py")


@dataclass(frozen=True, slots=True)
class Completed:
    """A tree that says what it starts, and in `notes` (path to sentence) what was added or changed for that."""

    files: Mapping[str, bytes]
    script: str
    notes: Mapping[str, str]


def python_sources(files: Mapping[str, bytes]) -> dict[str, Source]:
    """The facts about every Python file of a tree."""
    return {path: read_source(content.decode("utf-8", errors="replace")) for path, content in sorted(files.items()) if path.endswith(".py")}


def complete_ideal(files: Mapping[str, bytes]) -> Completed:
    """The archive's tree. Where its cdktf.json is absent, or names a program that is not there, the program that is there is named."""
    script = app_script(files)
    if script in files:
        return Completed(files, script, {})
    actual = _program(python_sources(files)) or next((path for path in _USUAL if path in files), "")
    if not actual:
        return Completed(files, script or "tap.py", {})
    why = f"it names {script}, which the archive lacks" if script else "the archive has none that names a program"
    return Completed({**files, APP_FILE: _settings(files.get(APP_FILE), actual)}, actual, {APP_FILE: f"app set to {actual}: {why}"})


def complete_response(written: Mapping[str, bytes], ideal: Completed) -> Completed:
    """What the model wrote, with the program, cdktf.json and binary files that it leaves to the archive."""
    files = dict(written)
    notes: dict[str, str] = {}
    for path, content in ideal.files.items():
        if path not in files and _is_binary(content) and not is_test(path):
            files[path] = content
            notes[path] = "the archive's: Markdown cannot carry it"
    script = app_script(files)
    if APP_FILE not in files:
        script = _own_program(files, ideal) or ideal.script
        files[APP_FILE] = ideal.files[APP_FILE] if script == ideal.script and APP_FILE in ideal.files else _settings(ideal.files.get(APP_FILE), script)
        notes[APP_FILE] = "the archive's" if script == ideal.script else f"the archive's, with app set to the response's own program {script}"
    if script == ideal.script and script not in files and script in ideal.files:
        files[script] = ideal.files[script]
        notes[script] = "the archive's: the response leaves the program out"
        for path in files_read_by(ideal.files[script], ideal.files):
            if path not in files:
                files[path] = ideal.files[path]
                notes[path] = "the archive's: its program reads it"
    return Completed(files, script, notes)


def files_read_by(program: bytes, files: Mapping[str, bytes]) -> list[str]:
    """Files without a suffix, such as `lib/AWS_REGION`, that a program opens: their name stands in it as a text, and it opens files."""
    if b"open(" not in program and b"read_text" not in program:
        return []
    plain = [path for path in files if "." not in posixpath.basename(path)]
    # `os.getenv("AWS_REGION")` names a variable, not the file of that name.
    before = rb"(?<!getenv\()(?<!environ\[)(?<!\.get\()(?<!setdefault\()[\"']"
    return [path for path in sorted(plain) if re.search(before + rb"(?:[\w./]*/)?" + re.escape(posixpath.basename(path)).encode() + rb"[\"']\s*[),/]", program)]


def app_script(files: Mapping[str, bytes]) -> str:
    """The script that the tree's cdktf.json starts; empty where it names none that can be run."""
    try:
        return app_words(read_app(files.get(APP_FILE)))[1]
    except EntryError:
        return ""


def _own_program(files: Mapping[str, bytes], ideal: Completed) -> str:
    """The program that the response itself has; empty where it relies on the archive's."""
    sources = python_sources(files)
    if ideal.script in sources:
        return ideal.script
    own = _program(sources)
    # A stack module that the archive's program imports may start itself below its class. The archive's program is what ran it, and
    # what the ideal is run by: another one on this side would show as a failure that the model never made.
    return "" if own and _is_module_of(ideal, own, sources) else own


def _program(sources: Mapping[str, Source]) -> str:
    """The module that builds the app and synthesizes; the usual names before others, the root before folders."""
    builders = [path for path, source in sources.items() if source.builds_app and not is_test(path)]
    return min(builders, key=lambda path: (_USUAL.index(path) if path in _USUAL else len(_USUAL), path.count("/"), path), default="")


def _is_module_of(ideal: Completed, path: str, sources: Mapping[str, Source]) -> bool:
    """Whether the archive's program imports this file, and what it takes from it is there."""
    entry = ideal.files.get(ideal.script)
    if entry is None:
        return False
    wanted = wanted_modules(ideal.script, read_source(entry.decode("utf-8", errors="replace")))
    return any(module == module_of(path) and set(names) <= sources[path].bound for module, names in wanted if names)


def _settings(archived: bytes | None, script: str) -> bytes:
    """The archive's cdktf.json with `app` starting `script`; a small one where the archive has none that can be read."""
    try:
        settings = json.loads(archived or b"")
    except (ValueError, RecursionError):
        settings = None
    if not isinstance(settings, dict):
        settings = {"language": "python"}
    app = settings.get("app")
    before = app if isinstance(app, str) and _SCRIPT.search(app) else "python tap.py"
    settings["app"] = _SCRIPT.sub(script, before, count=1)
    return (json.dumps(settings, indent=2) + "\n").encode()


def _is_binary(content: bytes) -> bool:
    if b"\0" in content:
        return True
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def pytest_paths(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """What pytest is given: the unit tests where they have a folder of their own, because the others want a live account."""
    for folder in ("tests/unit", "test/unit", "tests", "test"):
        if any(path.startswith(f"{folder}/") for path in files):
            return (folder,)
    return ("tests",)
