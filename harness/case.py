"""A case: a folder with `case.yaml`, a prompt, what the model wrote and what a human ended up with."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.errors import CaseError
from harness.responses import ResponsePlace, find_responses, same_folder
from harness.tree import Tree, read_tree

CASE_FILE = "case.yaml"
APP_FILE = "cdktf.json"
CDKTF, TERRAFORM = "cdktf", "terraform"
PLATFORMS = (CDKTF, TERRAFORM)
LANGUAGES = {CDKTF: ("python",), TERRAFORM: ("hcl",)}
"""By platform. Of plain Terraform there is only one, which need not be named."""

POLICY_FOLDER = "policies"
MAX_POLICY_BYTES = 1024 * 1024
NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
"""What a case may be called: its name is a folder's, and a word of every report."""

_VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*=")
_PYTHON = re.compile(r"^python(3(\.\d+)?)?$")
_HARMLESS_OPTIONS = frozenset({"-u", "-B", "-E", "-s"})
_FIELDS = frozenset({"title", "platform", "language", "model", "prompt", "entry", "env", "tests", "tags", "expectations", "provenance", "intent"})
_HELP = "docs/case-format.md describes every field"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a plan has to satisfy, in Rego. `path` is the file's, relative to the case; `rules` are those that decide, all
    that can where it is empty (see `harness/intent/decide.py`)."""

    path: str
    text: str
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One pair, loaded and checked. `expectations` are people's claims: they never influence a verdict.

    `entry` is the command that synthesizes either tree, split into words, or None where each tree's own
    `cdktf.json` decides (see `entry_of`); `env` the extra environment it gets; `tests` the paths that pytest
    is given; `provenance` where the case comes from, kept for people and without influence; `policies` what the plan is
    held against. `sample` tells several responses of one model apart;
    `response_folder` is where this one lies, relative to the case.
    """

    name: str
    root: Path
    title: str
    platform: str
    language: str
    model: str
    prompt: str
    entry: tuple[str, ...] | None
    env: Mapping[str, str]
    tests: tuple[str, ...]
    tags: tuple[str, ...]
    expectations: tuple[Mapping[str, Any], ...]
    provenance: Mapping[str, Any]
    response: Tree
    ideal: Tree
    policies: tuple[Policy, ...] = ()
    sample: str = "1"
    response_folder: str = "response"


class EntryError(Exception):
    """A tree does not say how it is run: the tree's fault, so a gate reports it as a diagnostic at `file`.

    `code` is `app-missing` (no cdktf.json, or no app in it), `app-unreadable` (not JSON) or `app-unsupported`
    (no Python script). The three are handed to `Exception.__init__`, so that the error survives a pickle.
    """

    def __init__(self, code: str, message: str, file: str = "cdktf.json") -> None:
        super().__init__(code, message, file)
        self.code = code
        self.message = message
        self.file = file

    def __str__(self) -> str:
        return self.message


def entry_of(case: Case, tree: Tree) -> tuple[str, ...]:
    """The command that synthesizes `tree`, as `("python", SCRIPT, *ARGUMENTS)`: the case's entry, or the app of the tree's cdktf.json.

    Raises `EntryError` where the tree's cdktf.json names nothing that can be run.
    """
    if case.entry is not None:
        return case.entry
    return app_words(read_app(tree.files.get(APP_FILE)))


def read_app(content: bytes | None) -> str:
    """The `app` command of a cdktf.json. Raises `EntryError` where there is none."""
    if content is None:
        raise EntryError("app-missing", f"there is no {APP_FILE}, so nothing says which program synthesizes the tree")
    try:
        settings = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise EntryError("app-unreadable", f"{APP_FILE} is not JSON: {error}") from error
    app = settings.get("app") if isinstance(settings, dict) else None
    if not isinstance(app, str) or not app.strip():
        raise EntryError("app-missing", f"{APP_FILE} names no app, so nothing says which program synthesizes the tree")
    return app


def app_words(app: str) -> tuple[str, ...]:
    """An `app` command as `("python", SCRIPT, *ARGUMENTS)`. Raises `EntryError` for what is no Python script of the tree.

    Leading `VAR=value` words, `pipenv run` and its like, and options of the interpreter are left out: the toolchain and
    the case's `env` stand for them.
    """
    unsupported = EntryError("app-unsupported", f"{APP_FILE} runs {app!r}; only a Python script of the tree can be run, such as 'python tap.py'")
    try:
        words = shlex.split(app)
    except ValueError:
        raise unsupported from None
    while words and _VARIABLE.match(words[0]):
        words.pop(0)
    if words[:2] in (["pipenv", "run"], ["poetry", "run"], ["uv", "run"]):
        words = words[2:]
    if not words or not _PYTHON.match(words.pop(0)):
        raise unsupported
    while words and words[0] in _HARMLESS_OPTIONS:
        words.pop(0)
    script = posixpath.normpath(words[0]) if words else ""
    if not script.endswith(".py") or script.startswith(("/", "../", "-")):
        raise unsupported
    return ("python", script, *words[1:])


def load_case(root: Path, place: ResponsePlace | None = None) -> Case:
    """Read and check the case in the folder `root`, with the response at `place`, by default the case's first.

    What people claim about the case is about `response/`, so a case with another response has no expectations.
    Raises `CaseError` with the file and the field that is wrong.
    """
    root = Path(root)
    if not root.is_dir():
        raise CaseError(f"{root}: no such folder", "name a case folder, such as cases/zero-trust-payments")
    path = root / CASE_FILE
    fields = _read_fields(path)
    entry = _entry(path, fields) if "entry" in fields else None
    prompt_file = root / _text(path, fields, "prompt", "PROMPT.md")
    platform = _choice(path, fields, "platform", PLATFORMS)
    if platform == TERRAFORM and entry is not None:
        raise CaseError(f"{path}: a case of plain Terraform has no entry", "leave the field out; terraform reads the .tf files on top of each tree")
    place = place or find_responses(root)[0]
    return Case(
        name=_name(root),
        root=root,
        title=_text(path, fields, "title"),
        platform=platform,
        language=_choice(path, fields, "language", LANGUAGES[platform], "hcl" if platform == TERRAFORM else None),
        model=place.model or _text(path, fields, "model"),
        prompt=_read_prompt(prompt_file, root),
        entry=entry,
        env=_environment(path, fields),
        tests=_words(path, fields, "tests", ("tests",)),
        tags=_words(path, fields, "tags", ()),
        expectations=_expectations(path, fields) if same_folder(place) else (),
        provenance=_provenance(path, fields),
        response=read_tree(root / place.folder, root),
        ideal=read_tree(root / "ideal", root),
        policies=_policies(path, fields),
        sample=place.sample,
        response_folder=place.folder,
    )


def _name(root: Path) -> str:
    name = root.resolve().name
    if not NAME.match(name):
        raise CaseError(f"{root}: {name!r} is no name for a case", "use letters, digits, dots, dashes and underscores")
    return name


def _read_fields(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise CaseError(f"{path}: missing", _HELP)
    try:
        fields = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except UnicodeDecodeError as error:
        raise CaseError(f"{path}: not UTF-8 ({error.reason} at byte {error.start})", "save the file as UTF-8") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        raise CaseError(f"{path}{where}: not YAML: {getattr(error, 'problem', None) or 'malformed'}", _HELP) from error
    if not isinstance(fields, dict):
        raise CaseError(f"{path}: holds no fields", _HELP)
    unknown = sorted(set(map(str, fields)) - _FIELDS)
    if unknown:
        raise CaseError(f"{path}: unknown field {unknown[0]!r}", _HELP)
    return fields


def _text(path: Path, fields: dict[str, Any], name: str, default: str | None = None) -> str:
    value = fields.get(name, default)
    if not isinstance(value, str) or not value.strip():
        raise CaseError(f"{path}: field {name!r} has to be a text", _HELP)
    return value


def _choice(path: Path, fields: dict[str, Any], name: str, known: tuple[str, ...], default: str | None = None) -> str:
    value = _text(path, fields, name, default)
    if value not in known:
        raise CaseError(f"{path}: {name} {value!r} is not supported", f"known: {', '.join(known)}")
    return value


def _words(path: Path, fields: dict[str, Any], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    value = fields.get(name, list(default))
    if not isinstance(value, list) or not all(isinstance(word, str) and word for word in value):
        raise CaseError(f"{path}: field {name!r} has to be a list of texts", _HELP)
    return tuple(value)


def _environment(path: Path, fields: dict[str, Any]) -> Mapping[str, str]:
    value = fields.get("env") or {}
    if not isinstance(value, dict) or not all(isinstance(name, str) and isinstance(text, (str, int)) for name, text in value.items()):
        raise CaseError(f"{path}: field 'env' has to map names to texts", _HELP)
    return {name: str(text) for name, text in value.items()}


def _entry(path: Path, fields: dict[str, Any]) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(_text(path, fields, "entry")))
    except ValueError as error:
        raise CaseError(f"{path}: entry cannot be split into words: {error}", _HELP) from error
    if len(words) < 2 or words[0] not in ("python", "python3") or not words[1].endswith(".py"):
        raise CaseError(f"{path}: entry {' '.join(words)!r} is not supported", "write it as 'python FILE.py [ARGUMENTS]'")
    if words[1].startswith("/") or ".." in words[1].split("/"):
        raise CaseError(f"{path}: entry {words[1]!r} leaves the tree", "name a file of the tree, such as tap.py")
    return words


def _expectations(path: Path, fields: dict[str, Any]) -> tuple[Mapping[str, Any], ...]:
    value = fields.get("expectations") or []
    if not isinstance(value, list) or not all(isinstance(item, dict) and isinstance(item.get("title"), str) for item in value):
        raise CaseError(f"{path}: each expectation needs at least a title", _HELP)
    return tuple(value)


def _provenance(path: Path, fields: dict[str, Any]) -> Mapping[str, Any]:
    value = fields.get("provenance") or {}
    if not isinstance(value, dict):
        raise CaseError(f"{path}: field 'provenance' has to map names to values", _HELP)
    return value


def _policies(path: Path, fields: dict[str, Any]) -> tuple[Policy, ...]:
    """The policies that `intent` names, else all in the case's folder of policies."""
    root = path.parent
    if "intent" not in fields:
        found = sorted((root / POLICY_FOLDER).glob("*.rego"))
        return tuple(_policy(root, one.relative_to(root).as_posix(), ()) for one in found)
    entries = fields["intent"] if isinstance(fields["intent"], list) else [fields["intent"]]
    policies = []
    for entry in entries:
        named = {"policy": entry} if isinstance(entry, str) else entry
        rules = named.get("rules") or [] if isinstance(named, dict) else None
        if not isinstance(rules, list) or not all(isinstance(rule, str) for rule in rules) or not isinstance(named.get("policy"), str):
            raise CaseError(f"{path}: field 'intent' has to list policies: paths, or mappings with 'policy' and 'rules'", _HELP)
        policies.append(_policy(root, named["policy"], tuple(rules)))
    return tuple(policies)


def _policy(root: Path, name: str, rules: tuple[str, ...]) -> Policy:
    path = root / name
    if not path.resolve().is_relative_to(root.resolve()):
        raise CaseError(f"{path}: the policy lies outside the case", "keep policies in the case's folder policies/")
    if not path.is_file():
        raise CaseError(f"{path}: missing", "write the policy in Rego into this file")
    content = path.read_bytes()
    if len(content) > MAX_POLICY_BYTES:
        raise CaseError(f"{path}: larger than {MAX_POLICY_BYTES // 2**20} MiB", "a policy is a few rules of Rego; data does not belong into it")
    try:
        return Policy(name, content.decode("utf-8"), rules)
    except UnicodeDecodeError as error:
        raise CaseError(f"{path}: not UTF-8", "save the file as UTF-8") from error


def _read_prompt(path: Path, root: Path) -> str:
    if not path.resolve().is_relative_to(root.resolve()):
        raise CaseError(f"{path}: the prompt lies outside the case", _HELP)
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise CaseError(f"{path}: missing", "write the prompt that the model was given into this file") from error
    except UnicodeDecodeError as error:
        raise CaseError(f"{path}: not UTF-8", "save the file as UTF-8") from error
