"""Names and lines of code, brought to one form, so that a claim's words and a tool's words can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CAMEL = re.compile(r"\b(?:[A-Z][a-z0-9]+|[A-Z]{2,}(?=[A-Z][a-z])){2,}[A-Z]?\b|\b[A-Z][A-Za-z0-9]*(?:Error|Exception)\b|\b[a-z]+[a-z0-9]*(?:[A-Z][a-z0-9]+)+\b")
_SNAKE = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b|\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
_QUOTED = re.compile(r"['\"`\u2018\u201c]([A-Za-z_][\w.]*)['\"`\u2019\u201d]")
_COMMENT = re.compile(r"\s+(?:#|//)(?!\{).*$|^\s*(?:#|//).*$")
_WORD = re.compile(r"[a-z0-9]+")
_SPLIT = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_")

COMMONPLACE = frozenset(
    """
    tapstack environmentsuffix constructid scope self id name names type key keys value values region awsregion provider tags tag commontags
    defaulttags-environment bucket role policy vpc vpcid subnetids arn status description statebucket statebucketregion terraformstack construct app
    kwargs args resource resources config configuration environment managedby project owner prod dev staging python true false none str int list dict
    error exception lib tests test main init import dependson securitygroupids envsuffix suffix cdktf cdktfcdktfprovideraws
    typeerror importerror attributeerror valueerror keyerror runtimeerror modulenotfounderror nameerror syntaxerror jsiierror assertionerror
    """.split()  # noqa: SIM905 - one text reads and grows better
) - {"defaulttags-environment"}
"""Names, in the form of `canonical`, that half of all stacks hold or that only say how something failed: sharing one proves nothing."""

_STOP_WORDS = frozenset(
    """
    missing incorrect invalid wrong configuration config issue error failure problem aws for the and not with from that this instead does has have without into
    incomplete improper lack non use used using usage setting resource model response ideal required name class code value type parameter argument format stack
    are was were its only than them they when which what each all any can cannot will would should must been being set but too out two one more
    """.split()  # noqa: SIM905 - one text reads and grows better
)


def canonical(name: str) -> str:
    """One form for a name that is written `KmsKey`, `aws_kms_key`, `kms_key`, `kmsKey` or, with the bindings' suffix, `KmsKeyA`."""
    bare = name.rpartition(".")[2]
    if re.search(r"[a-z0-9]A$", bare):
        bare = bare[:-1]
    folded = bare.replace("_", "").lower()
    for prefix in ("dataaws", "aws"):
        if folded.startswith(prefix) and len(folded) > len(prefix) + 2:
            return folded.removeprefix(prefix)
    return folded


def is_telling(name: str) -> bool:
    """Whether sharing this name says anything."""
    return len(name) > 2 and canonical(name) not in COMMONPLACE


def is_kind(name: str) -> bool:
    """Whether it names a whole resource (`KmsKey`, `aws_kms_key`), which many different failures can be about."""
    bare = name.rpartition(".")[2]
    return name.startswith("aws_") or bool(re.match(r"[A-Z][a-z0-9]", bare))


def names(text: str) -> Iterator[str]:
    """Class names, attributes and constants in a text, in their order."""
    found = sorted({(match.start(), match[0]) for pattern in (_CAMEL, _SNAKE) for match in pattern.finditer(text)})
    return (name for _, name in found)


def quoted_names(text: str) -> Iterator[str]:
    """Names in quotes or backticks: what a message is about."""
    return (match[1] for match in _QUOTED.finditer(text))


def code_names(line: str) -> set[str]:
    """Every name on a line of code."""
    return set(_NAME.findall(line))


def code_lines(code: str) -> list[str]:
    """Lines of code without comments, layout, trailing commas and a choice of quotes; empty ones left out."""
    return [bare for line in code.splitlines() if (bare := code_line(line))]


def code_line(line: str) -> str:
    """One line, in the form of `code_lines`."""
    return re.sub(r"\s+", " ", _COMMENT.sub("", line)).replace("'", '"').strip().rstrip(",").strip()


def words(text: str) -> set[str]:
    """The stems of a sentence's telling words; names are split into theirs."""
    flat = _SPLIT.sub(" ", text).lower()
    stems = (_stem(word) for word in _WORD.findall(flat) if word not in _STOP_WORDS and (len(word) > 2 or word == "id"))
    return {stem for stem in stems if stem not in _STOP_WORDS}


def listed(values: Iterable[str], most: int = 3) -> str:
    """Some values as a list in a sentence."""
    shown = list(dict.fromkeys(values))
    more = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + more


def _stem(word: str) -> str:
    for ending in ("ations", "ation", "ings", "ing", "ies", "ly", "ed", "es", "s", ""):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            bare = word.removesuffix(ending)
            return bare[:-1] if bare.endswith(("e", "y")) and len(bare) > 3 else bare
    return word
