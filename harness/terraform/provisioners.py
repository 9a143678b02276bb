"""Provisioners: commands of the subject's choice, run shielded from what tells the verdict; and what became of them.

`local-exec` runs in a sandbox of its own, inside the sandbox (`inside/shield.py`). `remote-exec` and `file` need a machine, which
an emulated AWS does not have: they are taken out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.diagnostics import Diagnostic
from harness.gates.base import Lasting
from harness.terraform.calls import StepAnswer
from harness.terraform.environment import plan_hole
from harness.terraform.inside.emulator import MARKER
from harness.terraform.inside.shield import RECORD
from harness.terraform.stacks import OVERRIDE_FILE, blocks, resources

_LOCAL = "local-exec"
_SHELL = ("/bin/sh", "-c")
"""What terraform itself takes where a provisioner asks for no interpreter."""
_NOTHING = {_LOCAL: {"command": "true", "interpreter": list(_SHELL)}}
_ERROR = "local-exec provisioner error"
_NO_FOLDER = re.compile(r"': chdir |fork/exec .*: no such file or directory")
_EXPRESSION = re.compile(r"\$\{(.*)\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Ran:
    """What one command came to, for the resource at `address`: the `tool` or the `network` that it needs and nobody has here, or
    why there was no `shield`; each empty where it ran as it was meant.
    """

    address: str
    exit_code: int = 0
    tool: str = ""
    network: str = ""
    shield: str = ""

    @property
    def reason(self) -> str:
        """Why nothing can be said of it; empty where it ran."""
        if self.tool:
            return Lasting(f"the provisioner of {self.address} needs `{self.tool}`, which is not in the sandbox")
        if self.network:
            return Lasting(f"the provisioner of {self.address} needs a network beyond the emulated AWS: {self.network}")
        return f"the provisioner of {self.address} was not run, since no sandbox can be made inside the sandbox here: {self.shield}" if self.shield else ""


def shield_command(python: Path, agent: str) -> tuple[str, ...]:
    """What stands before a provisioner's interpreter. Python takes nothing from the environment or from the folder that it starts in."""
    return (str(python), "-E", "-s", "-B", f"{agent}/shield.py")


def shielded(stack: Mapping[str, Any], shield: Sequence[str]) -> dict[str, Any]:
    """The stack as it is deployed: each `local-exec` started by `shield`, the others and their connections taken out."""
    changed: dict[str, Any] = json.loads(json.dumps(stack))
    for address, body in _bodies(changed):
        body.pop("connection", None)
        if provisioners := list(_provisioners(body)):
            body["provisioner"] = [{_LOCAL: _started(address, settings, shield)} for kind, settings in provisioners if _runs(kind, settings)]
        if not body.get("provisioner"):
            body.pop("provisioner", None)
    return changed


def override(stack: Mapping[str, Any], shield: Sequence[str]) -> dict[str, bytes]:
    """The file that does the same for a configuration of text: in an override file, provisioners take the place of all those of their resource.

    They cannot take the place of none, so what is taken out leaves one that does nothing.
    """
    changed = dict(resources(shielded(stack, shield)))
    found: dict[str, dict[str, Any]] = {}
    for address in provisioned(stack):
        kind, name = address.split(".", 1)
        found.setdefault(kind, {})[name] = {"provisioner": changed[address].get("provisioner") or [_NOTHING]}
    return {OVERRIDE_FILE: json.dumps({"resource": found}, indent=2, sort_keys=True).encode()} if found else {}


def provisioned(stack: Mapping[str, Any]) -> list[str]:
    """The addresses of resources with a provisioner."""
    return [address for address, body in _bodies(stack) if body.get("provisioner")]


def unreachable(stack: Mapping[str, Any]) -> list[str]:
    """Why provisioners are taken out, resource by resource."""
    found: list[str] = []
    for address, body in _bodies(stack):
        if any(kind == _LOCAL and not _runs(kind, settings) for kind, settings in _provisioners(body)):
            found.append(Lasting(f"the provisioner of {address} is not run, since its interpreter is an expression"))
        if kinds := sorted({kind for kind, _ in _provisioners(body) if kind != _LOCAL}):
            found.append(Lasting(f"the {' and '.join(kinds)} provisioner of {address} needs a machine to connect to, which an emulated AWS does not have"))
    return found


def runs(*steps: StepAnswer | None) -> list[Ran]:
    """What the commands of a stack came to in all of its steps."""
    found: dict[str, None] = {}
    for step in steps:
        # Later steps hand back what earlier ones wrote as well.
        found |= dict.fromkeys((step.files.get(RECORD, b"") if step else b"").decode(errors="replace").splitlines())
    return [Ran(**json.loads(line)) for line in found]


def is_provisioners(said: Diagnostic) -> bool:
    """Whether an error is that of a command."""
    return _ERROR in said.message


def provisioner_hole(said: Diagnostic, ran: Sequence[Ran]) -> str:
    """Why the error of a command is not the code's; empty where it is. What the command printed is its own word, and counts for the emulator's only."""
    if MARKER in said.message:
        return plan_hole(said)
    ended = any(one.address == _base(said.address) and one.exit_code for one in ran)
    # Terraform itself cannot start a command in a folder that is not there; any other one leaves a record.
    return "" if ended or _NO_FOLDER.search(said.message) else f"the provisioner of {said.address} was stopped before it ended"


def undone_hole(said: Diagnostic, undone: Set[str]) -> str:
    """Why an error may follow from a command that was not run as it was meant; empty where it does not."""
    return Lasting(f"not judged: {said.address} hangs together with a provisioner that could not be run") if _base(said.address) in undone else ""


def _base(address: str | None) -> str:
    return (address or "").partition("[")[0]


def related(stack: Mapping[str, Any], addresses: Sequence[str]) -> set[str]:
    """The resources that build on those at `addresses`, those that they build on, and themselves: what a command that was not run may have left undone."""
    text = {address: json.dumps(body) for address, body in _bodies(stack)}
    names = {address: re.compile(rf"(?<![\w.-]){re.escape(address)}(?![\w-])") for address in text}
    uses = {address: {other for other, name in names.items() if other != address and name.search(text[address])} for address in text}
    used = {address: {other for other, of in uses.items() if address in of} for address in text}
    return {one for edges in (uses, used) for one in _reached(edges, addresses)}


def _reached(edges: Mapping[str, set[str]], start: Sequence[str]) -> set[str]:
    found: set[str] = set()
    left = list(start)
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += edges.get(one, ())
    return found


def _bodies(stack: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for address, body in resources(stack):
        yield from ((address, one) for one in blocks(body))


def _provisioners(body: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Kind and settings, in the order in which they run."""
    for block in blocks(body.get("provisioner")):
        for kind, settings in block.items():
            yield from ((kind, one) for one in blocks(settings) if kind != "//")


def _started(address: str, settings: Mapping[str, Any], shield: Sequence[str]) -> dict[str, Any]:
    """The settings with the shield for an interpreter. The environment becomes arguments: the shield itself shall not start in one of the subject's choice."""
    kept = {name: value for name, value in settings.items() if name not in ("interpreter", "environment", "connection", "//")}
    words = [*shield, address, *_environment(settings.get("environment")), "--"]
    return {**kept, "interpreter": [*words, *(settings.get("interpreter") or _SHELL)]}


def _runs(kind: str, settings: Mapping[str, Any]) -> bool:
    """Whether a provisioner is one that is run: its interpreter has to be written out, for another one to stand before it."""
    return kind == _LOCAL and isinstance(settings.get("interpreter") or [], list)


def _environment(value: Any) -> list[str]:
    if isinstance(value, str) and (given := _EXPRESSION.fullmatch(value)):
        return ["--settings", f"${{jsonencode({given[1]})}}"]
    return [word for block in blocks(value) for name, one in block.items() if one is not None for word in ("--set", f"{name}={_text(one)}")]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
