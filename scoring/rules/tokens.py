"""Values that are known only after apply, treated as if they were known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.diagnostics import Diagnostic
from harness.failures import Category
from scoring.rules.base import CDKTF_DOCS, STOPS_SYNTHESIS, Example, Merge, Names, Rule, added_code, removed_code

if TYPE_CHECKING:
    from harness.attribution import Finding

_TAKEN_APART = re.compile(r"\w\.\w+\[-?\w+\]|\.split\(")


def _of_a_token(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names | None:
    """An index out of range is a token's only where the fix shows it: an attribute was taken apart, or a function of Terraform replaces it."""
    if "index" in names and "Fn." not in added_code(finding) and not _TAKEN_APART.search(removed_code(finding)):
        return None
    return names


RULES = (
    Rule(
        id="token-in-string",
        gates=("synth",),
        pattern=r"Found an encoded list token string in a scalar string context",
        category=Category.CDKTF_API,
        merge=Merge.PER_RULE,
        symbols=(),
        title="A list token is used as if it were a string",
        root_cause=(
            "A list that Terraform knows only at apply is a token in Python. The response puts it into a string, indexes it or loops "
            "over it, "
            "as in HCL; CDKTF has the Fn functions and iterators for that."
        ),
        impact="Deployment blocked: synthesis refuses the token, because it cannot tell which element is meant.",
        lesson=("CDKTF tokens: always use Fn.* (Fn.element(list, i)) on values that Terraform computes, never string interpolation or indexing."),
        documentation=CDKTF_DOCS + "/tokens",
        examples=(
            Example(
                "synth",
                "RuntimeError",
                "Error: Found an encoded list token string in a scalar string context.\n"
                "In CDKTF, we represent lists, with values unknown until after runtime, as arrays with a single element— a string token "
                '(["Token.1"]).',
            ),
        ),
    ),
    Rule(
        id="token-list-extended",
        gates=("synth",),
        pattern=r"Cannot add elements to list token",
        category=Category.CDKTF_API,
        merge=Merge.PER_RULE,
        symbols=(),
        title="Elements are added to a list token in Python",
        root_cause="A list that Terraform computes is one token in Python; adding to it there makes a list that cannot be resolved.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF tokens: put computed lists together with Fn.concat, not with +.",
        documentation=CDKTF_DOCS + "/functions",
        examples=(
            Example(
                "synth",
                "RuntimeError",
                "Error: Cannot add elements to list token, got: #{TfToken[TOKEN.0]},x.\n\n"
                '    We expect the elements of a tokenized string array to be a single token string. For example, ["&{TfToken[Token.1]}"].',
            ),
        ),
    ),
    Rule(
        id="token-indexed",
        gates=("synth",),
        pattern=r"(?P<index>list index out of range)|'(?P<name>\w+(?:List|Map))' object is not (?:subscriptable|iterable)",
        codes=("IndexError", "TypeError"),
        refine=_of_a_token,
        category=Category.CDKTF_API,
        symbols=("name",),
        title="A computed value is indexed, split or looped over in Python",
        root_cause=(
            "In Python a computed list has a single element and a computed string no parts: each is a token. A computed block list has no "
            "index operator at all."
        ),
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF tokens: take elements by Fn.element(list, i), parts by Fn.split, items of computed block lists by .get(i).",
        documentation=CDKTF_DOCS + "/tokens",
        examples=(
            Example(
                "synth",
                "IndexError",
                "list index out of range",
                response="availability_zone=zones.names[1]",
                ideal="availability_zone=Fn.element(zones.names, 1)",
            ),
            Example("synth", "TypeError", "'AcmCertificateDomainValidationOptionsList' object is not subscriptable"),
            Example("synth", "TypeError", "'AcmCertificateDomainValidationOptionsList' object is not iterable"),
        ),
    ),
    Rule(
        id="token-as-number",
        gates=("synth",),
        pattern=r"invalid literal for \w+\(\) with base \d+: '\$\{TfToken|could not convert string to float: '\$\{TfToken",
        category=Category.CDKTF_API,
        merge=Merge.PER_RULE,
        symbols=(),
        title="A token is converted to a number in Python",
        root_cause="The value is known only at apply; until then Python holds a placeholder, which is no number.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF tokens: convert computed values with Token.as_number, and calculate with them in Terraform expressions.",
        documentation=CDKTF_DOCS + "/tokens",
        examples=(Example("synth", "ValueError", "invalid literal for int() with base 10: '${TfToken[TOKEN.0]}'"),),
    ),
)
