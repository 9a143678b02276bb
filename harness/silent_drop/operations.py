"""What was done in Python with a token, as diagnostics: the result says nothing about the value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.diagnostics import Diagnostic, Location
from harness.silent_drop.given import Operation
from harness.silent_drop.losses import GATE, Evidence
from harness.silent_drop.source import counts, only_hands_on


@dataclass(frozen=True, slots=True)
class _Kind:
    """What an operation is called, what comes of it, what to write, and the names that the right code has."""

    code: str
    text: str
    symbols: tuple[str, ...]


_KINDS = {
    ("length", "list"): _Kind("token-length", "len() of it is 1, whatever it will hold; write Fn.length_of(...)", ("length_of", "len")),
    ("length", "string"): _Kind("token-length", "len() counts the letters of a placeholder; write Fn.length_of(...)", ("length_of", "len")),
    ("iterate", "list"): _Kind(
        "token-iterated",
        "a loop over it runs once, whatever it will hold; write Fn.element(...), a TerraformIterator or a list of the program's own",
        ("element",),
    ),
    ("index", "list"): _Kind("token-indexed", "an element or a slice of it stands for the whole list; write Fn.element(...) or Fn.slice(...)", ("element",)),
    ("compare", "string"): _Kind(
        "token-compared", "compared in Python it is never the value; write Fn.conditional(...), or decide by an input of the program", ("conditional",)
    ),
    ("compare", "number"): _Kind(
        "token-compared", "compared in Python it is a huge negative number; write Fn.conditional(...), or decide by an input of the program", ("conditional",)
    ),
    ("compare", "list"): _Kind("token-compared", "what is looked for in it is never found; write Fn.contains(...) in an expression", ("contains",)),
    ("calculate", "number"): _Kind(
        "token-arithmetic",
        "what Python calculates with it is lost or nonsense; write an expression, Token.as_number(...) over a string of Terraform",
        ("as_number",),
    ),
    ("edit", "string"): _Kind(
        "token-edited", "Python edits the placeholder, not the value; write Fn.split, Fn.replace, Fn.substr and the like", ("split", "replace")
    ),
}


def operations_on_tokens(evidence: Evidence) -> Iterator[Diagnostic]:
    """One diagnostic for each thing done with each token, with all lines that do it."""
    places: dict[tuple[str, str, str, str], dict[Location, Operation]] = {}
    for operation in evidence.given.operations:
        if (operation.do, operation.kind) in _KINDS and _counts(evidence, operation):
            key = (operation.do, operation.kind, operation.owner, operation.name)
            places.setdefault(key, {}).setdefault(Location(operation.at.file, operation.at.line), operation)
    for (do, kind, owner, name), found in places.items():
        what = _KINDS[do, kind]
        of = f" of {evidence.called(owner)}" if owner else ""
        said = [evidence.sources.text_of(operation.at) for operation in found.values()]
        yield Diagnostic(
            gate=GATE,
            code=what.code,
            message=f"{name}{of} is a token for a {kind} that is known at apply: {what.text}",
            locations=tuple(dict.fromkeys([*found, *(place for operation in found.values() for place in operation.through)])),
            address=evidence.address(owner),
            symbols=(name, *what.symbols),
            detail="\n".join(f"{place.file}:{place.line}: {text}" for place, text in zip(found, said, strict=True)),
            path=owner or None,
        )


def _counts(evidence: Evidence, operation: Operation) -> bool:
    """Whether the line means the value. Some operations happen on the way, and hand the token on as it is."""
    if operation.do not in ("length", "iterate"):
        return True
    chain = evidence.sources.node_at(operation.at)
    if not chain:
        return False
    return counts(chain[0]) if operation.do == "length" else not only_hands_on(*chain)
