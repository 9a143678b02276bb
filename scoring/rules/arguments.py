"""Calls that do not fit the signature, and values that do not fit the parameter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.diagnostics import Diagnostic
from harness.failures import Category
from scoring.rules.base import CDKTF_DOCS, STOPS_SYNTHESIS, Example, Names, Rule

if TYPE_CHECKING:
    from harness.attribution import Finding

_ARGUMENT = re.compile(r"'(\w+)'")
_STACK_RESOURCES = frozenset({"CloudformationStack", "OpsworksStack"})
"""Classes of the bindings that are no stacks of the response, whatever their name ends in."""


def _adds_parameter(finding: Finding, name: str, owner: str | None = None) -> str | None:
    """The class to whose constructor the fix adds the parameter `name`; None where it does not."""
    for parameter in finding.added_parameters:
        adding = _owner_of(parameter)
        # A function's name starts small, and its signature is no stack's.
        if parameter.rpartition(".")[2] == name and adding[:1].isupper() and owner in (None, adding):
            return adding
    return None


def _own_constructor(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names | None:
    """Holds where the fix adds the parameter to a class, or where the class is by its name one of the response's stacks."""
    name = names.get("undefined") or names.get("extra") or _quoted(names.get("missing", ""))
    owner = _adds_parameter(finding, name, names.get("owner"))
    if owner is None:
        owner = names.get("owner", "")
        if not owner.endswith("Stack") or owner in _STACK_RESOURCES:
            return None
    problem = "uses it without taking it" if "undefined" in names else "does not take it"
    return names | {
        "owner": owner,
        "name": name or "its arguments",
        "problem": "is not given it" if "missing" in names else problem,
        "added": _added_to(finding, owner),
    }


def _added_to(finding: Finding, owner: str) -> str:
    added = [parameter.rpartition(".")[2] for parameter in finding.added_parameters if _owner_of(parameter) == owner]
    return f" The fix adds {', '.join(added)}." if added else ""


def _owner_of(parameter: str) -> str:
    """The class of a parameter's qualified name; a function's own name where it is no constructor's."""
    return parameter.rpartition(".")[0].removesuffix(".__init__").rpartition(".")[2]


def _quoted(text: str) -> str:
    found = _ARGUMENT.search(text)
    return found[1] if found else ""


def _first_argument(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names:
    return names | {"name": _quoted(names["missing"])}


def _short_type(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names:
    short = re.sub(r"\b[\w.]+\.(\w+)", r"\1", names["wanted"])
    return names | {"wanted": short, "got": names["got"].rpartition(".")[2]}


RULES = (
    Rule(
        id="stack-constructor-signature",
        gates=("synth",),
        codes=("NameError", "TypeError"),
        pattern=(
            r"name '(?P<undefined>\w+)' is not defined"
            r"|(?P<owner>\w+)\.__init__\(\) (?:got an unexpected keyword argument '(?P<extra>\w+)'"
            r"|missing \d+ required (?:positional|keyword-only) arguments?: (?P<missing>.+)|takes .+ positional arguments? but .+ given)"
        ),
        refine=_own_constructor,
        category=Category.CDKTF_API,
        symbols=("owner",),
        title="Constructor signature of {owner} does not fit: {name}",
        root_cause=(
            "The constructor of {owner} and the code around it do not agree on {name}: {owner} {problem}. "
            "The signature was never settled between the stack and its callers.{added}"
        ),
        impact="Deployment blocked: the stack cannot be instantiated, so nothing is synthesized.",
        lesson="Constructor consistency: define all parameters that a stack uses up front, and keep its callers and tests in step.",
        documentation=CDKTF_DOCS + "/stacks",
        examples=(
            Example(
                "synth",
                "NameError",
                "name 'environment_suffix' is not defined",
                symbols=("environment_suffix",),
                added_parameters=("TapStack.environment_suffix",),
            ),
            Example("synth", "TypeError", "TerraformStack.__init__() got an unexpected keyword argument 'environment_suffix'"),
            Example(
                "synth",
                "TypeError",
                "Network.__init__() missing 1 required positional argument: 'environment_suffix'",
                added_parameters=("Network.__init__.environment_suffix",),
            ),
            Example("synth", "TypeError", "NetworkStack.__init__() takes 3 positional arguments but 5 were given"),
        ),
    ),
    Rule(
        id="unknown-argument",
        gates=("synth",),
        codes=("TypeError",),
        pattern=r"(?P<owner>\w+)\.__init__\(\) got an unexpected keyword argument '(?P<name>\w+)'",
        category=Category.CDKTF_API,
        symbols=("owner", "name"),
        title="{owner} has no argument {name}",
        root_cause=("The response passes {name}, which {owner} does not accept: a name of another tool, of another provider version, or a guess."),
        impact=STOPS_SYNTHESIS,
        lesson=("CDKTF arguments: use the names of the Terraform provider's attributes (bucket, not bucket_name) and put them where its schema has them."),
        documentation=CDKTF_DOCS + "/resources",
        examples=(
            Example("synth", "TypeError", "S3Bucket.__init__() got an unexpected keyword argument 'bucket_name'"),
            Example("synth", "TypeError", "LambdaFunctionEnvironment.__init__() got an unexpected keyword argument 'A'"),
            Example("synth", "TypeError", "S3Backend.__init__() got an unexpected keyword argument 'use_lockfile'"),
        ),
    ),
    Rule(
        id="missing-argument",
        gates=("synth",),
        codes=("TypeError",),
        pattern=r"(?P<owner>\w+)\.__init__\(\) missing \d+ required (?:positional|keyword-only) arguments?: (?P<missing>.+)",
        refine=_first_argument,
        category=Category.CDKTF_API,
        symbols=("owner", "name"),
        title="{owner} needs {missing}",
        root_cause=("The response leaves out {missing}, without which {owner} cannot be created; a construct's id is its second positional argument."),
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF arguments: give every required argument of a resource; the construct id is positional and called id_.",
        documentation=CDKTF_DOCS + "/resources",
        examples=(
            Example("synth", "TypeError", "Subnet.__init__() missing 1 required keyword-only argument: 'vpc_id'"),
            Example("synth", "TypeError", "S3Bucket.__init__() missing 1 required positional argument: 'id_'"),
        ),
    ),
    Rule(
        id="list-for-single-block",
        gates=("synth",),
        codes=("TypeError",),
        pattern=r"type of argument (?P<name>\w+) must be one of \((?P<wanted>.*Dict\[str, Any\].*)\); got (?P<got>list|tuple) instead",
        refine=_short_type,
        category=Category.CDKTF_API,
        symbols=("name",),
        title="{name} takes one block, not a list",
        root_cause="The provider allows {name} at most once, so the bindings want a single struct; the response wraps it in a {got}.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF blocks: a block that may occur once is a single struct, one that may repeat is a list of structs.",
        documentation=CDKTF_DOCS + "/resources",
        examples=(
            Example(
                "synth",
                "TypeError",
                "type of argument versioning_configuration must be one of (cdktf_cdktf_provider_aws.s3_bucket_versioning."
                "S3BucketVersioningVersioningConfiguration, Dict[str, Any]); got list instead",
            ),
        ),
    ),
    Rule(
        id="wrong-argument-type",
        gates=("synth",),
        codes=("TypeError",),
        pattern=r"type of argument (?P<name>\w+) must be (?:one of )?(?P<wanted>.+); got (?P<got>[\w.]+) instead",
        refine=_short_type,
        category=Category.CDKTF_API,
        symbols=("name", "got"),
        title="{name} is given a {got}",
        root_cause=(
            "The bindings check types: {name} wants {wanted}, and the response passes a {got}. Documents go in as JSON text, resources "
            "by an attribute such as .id."
        ),
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF values: pass policies as json.dumps(...), other resources by attribute (.id, .arn), and depends_on as a list.",
        documentation=CDKTF_DOCS + "/resources",
        examples=(
            Example("synth", "TypeError", "type of argument assume_role_policy must be str; got dict instead"),
            Example("synth", "TypeError", "type of argument bucket must be str; got cdktf_cdktf_provider_aws.s3_bucket.S3Bucket instead"),
            Example("synth", "TypeError", "type of argument provider must be one of (cdktf.TerraformProvider, NoneType); got str instead"),
        ),
    ),
    Rule(
        id="wrong-call",
        gates=("synth",),
        codes=("TypeError",),
        pattern=r"(?P<owner>[\w.]+)\(\) (?:missing \d+ required|got an unexpected keyword argument|takes .+ positional argument|got multiple values)",
        category=Category.PYTHON,
        symbols=("owner",),
        title="Call does not fit the signature of {owner}",
        root_cause="The arguments of a call are not the ones that {owner} takes.",
        impact=STOPS_SYNTHESIS,
        lesson="Python: keep calls in step with the function that they call.",
        documentation="https://docs.python.org/3/library/exceptions.html#TypeError",
        examples=(Example("synth", "TypeError", "Fn.join() missing 2 required positional arguments: 'separator' and 'list'"),),
    ),
)
