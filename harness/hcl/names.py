"""What a piece of Terraform defines and refers to: the addresses that tie edits together."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.hcl.syntax import address_of
from harness.symbols import Names, Symbol

_HEAD = re.compile(r'^[ \t]*(resource|data|variable|output|module|provider)[ \t]+"?([\w-]+)"?(?:[ \t]+"?([\w-]+)"?)?[ \t]*\{', re.MULTILINE)
_ALIAS = re.compile(r'^[ \t]*alias[ \t]*=[ \t]*"([\w-]+)"', re.MULTILINE)
_LOCALS = re.compile(r"^[ \t]*locals[ \t]*\{(.*?)^[ \t]*\}", re.MULTILINE | re.DOTALL)
_LOCAL = re.compile(r"^[ \t]*([\w-]+)[ \t]*=(?!=)", re.MULTILINE)
_ARGUMENT = re.compile(r"\s*([A-Za-z_][\w-]*)[ \t]*=(?!=)")
_USE = re.compile(r"(?<![\w.\-/:])(data\.[\w-]+\.[\w-]+|(?:var|local|module)\.[\w-]+|[a-z]\w*_\w+\.[A-Za-z_][\w-]*|aws\.[\w-]+)(?![\w-])")
_COMMENT = re.compile(r"^[ \t]*(?:#|//)[^\n]*$", re.MULTILINE)
_OWNER = "terraform:"


def names_of_hcl(text: str, scope: Sequence[str] = ()) -> Names:
    """The addresses in a piece of a `.tf` file, such as `aws_vpc.main` and `var.region`; `scope` names the blocks around it.

    Read without a grammar, because a piece may be half of a block. What only looks like an address does no harm: an
    address counts where one of the two trees defines it.
    """
    text = _COMMENT.sub("", text)
    names = Names()
    for kind, first, second in _HEAD.findall(text):
        if kind != "provider":
            _define(names, address_of(kind, [first, second] if second else [first]))
    for body in [*_LOCALS.findall(text), *([text] if list(scope) == ["locals"] else [])]:
        for name in _LOCAL.findall(body):
            _define(names, f"local.{name}")
    if scope and list(scope) != ["locals"] and (argument := _ARGUMENT.match(text)):
        # A block takes a name once, so an argument that moves comes when the other one goes.
        names.defines |= {Symbol("construct", f"{_OWNER}{'.'.join(scope)}", argument[1])}
    for alias in _ALIAS.findall(text):
        _define(names, f"aws.{alias}")
    names.uses |= {Symbol("name", _OWNER, address) for address in _USE.findall(text)}
    return names


def _define(names: Names, address: str) -> None:
    # Who drops a name needs who brings it; who brings an address, which can be taken once, needs who drops it.
    names.defines |= {Symbol("name", _OWNER, address), Symbol("construct", _OWNER, address)}
