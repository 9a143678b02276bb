"""Calls that do not fit the signature."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.diagnostics import Diagnostic
from harness.failures import Category
from scoring.rules.base import CDKTF_DOCS, PROVIDER_DOCS, STOPS_SYNTHESIS, Example, Names, Rule, listed
from scoring.rules.bindings import is_of_bindings

if TYPE_CHECKING:
    from harness.attribution import Finding

_ARGUMENT = re.compile(r"'(\w+)'")
_BY_POSITION = frozenset({"scope", "id", "id_", "ns", "self"})
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
    """Holds where the fix adds the parameter to a class, or where the class is one of the response's own, by its name or its parameters."""
    missing = _ARGUMENT.findall(names.get("missing", ""))
    name = names.get("undefined") or names.get("extra") or (missing[0] if missing else "")
    owner = _adds_parameter(finding, name, names.get("owner"))
    if owner is None:
        owner = names.get("owner", "")
        # All that the bindings take by position are a scope and an id.
        positional = names.get("how") == "positional" and not set(missing) & _BY_POSITION
        if owner in _STACK_RESOURCES or not (owner.endswith("Stack") or positional):
            return None
    if "undefined" in names:
        problem = f"uses {name} without taking it"
    elif missing:
        problem = f"is not given {listed(missing)}"
    else:
        problem = f"does not take {name}" if name else f"takes {names['takes']} and is given {names['given']}"
    if owner == "TerraformStack":
        problem += " (a scope and an id is all that the base class takes)"
    return names | {
        "owner": owner,
        "name": ", ".join(missing) or name or "how many arguments it takes",
        "problem": problem,
        "added": _added_to(finding, owner),
    }


def _added_to(finding: Finding, owner: str) -> str:
    added = [parameter.rpartition(".")[2] for parameter in finding.added_parameters if _owner_of(parameter) == owner]
    return f" The fix adds {', '.join(added)}." if added else ""


def _owner_of(parameter: str) -> str:
    """The class of a parameter's qualified name; a function's own name where it is no constructor's."""
    return parameter.rpartition(".")[0].removesuffix(".__init__").rpartition(".")[2]


def _of_bindings(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names | None:
    """Holds for a class of the bindings; a class of the response's own is another rule's."""
    missing = _ARGUMENT.findall(names.get("missing", ""))
    return names | {"name": names.get("name") or listed(missing or ["?"])} if is_of_bindings(names["owner"]) else None


RULES = (
    Rule(
        id="stack-constructor-signature",
        gates=("synth",),
        codes=("NameError", "TypeError"),
        pattern=(
            r"name '(?P<undefined>\w+)' is not defined"
            r"|(?P<owner>\w+)\.__init__\(\) (?:got an unexpected keyword argument '(?P<extra>\w+)'"
            r"|missing \d+ required (?P<how>positional|keyword-only) arguments?: (?P<missing>.+)"
            r"|takes (?P<takes>.+) positional arguments? but (?P<given>.+) (?:was|were) given)"
        ),
        refine=_own_constructor,
        category=Category.CDKTF_API,
        symbols=("owner",),
        title="Constructor signature of {owner} does not fit: {name}",
        root_cause=(
            "The constructor of {owner} and the code around it do not fit each other: it {problem}. "
            "The signature was never settled between the class and its callers.{added}"
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
            Example("synth", "TypeError", "DataLayer.__init__() missing 2 required positional arguments: 'vpc_id' and 'role_arn'"),
        ),
    ),
    Rule(
        id="backend-argument",
        gates=("synth",),
        codes=("TypeError",),
        pattern=r"(?P<owner>\w*Backend)\.__init__\(\) got an unexpected keyword argument '(?P<name>\w+)'",
        category=Category.TERRAFORM,
        symbols=("owner", "name"),
        title="{owner} has no argument {name}",
        root_cause=(
            "CDKTF's {owner} knows the settings of an older Terraform, and {name} is none of them. Terraform itself may know it: "
            "then it is set by stack.add_override."
        ),
        impact=STOPS_SYNTHESIS,
        lesson='CDKTF backends: what the class does not take (use_lockfile) goes in by stack.add_override("terraform.backend.s3.use_lockfile", True).',
        documentation=CDKTF_DOCS + "/resources#escape-hatch",
        examples=(Example("synth", "TypeError", "S3Backend.__init__() got an unexpected keyword argument 'use_lockfile'"),),
    ),
    Rule(
        id="environment-without-variables",
        gates=("synth",),
        codes=("TypeError",),
        pattern=r"(?P<owner>LambdaFunctionEnvironment)\.__init__\(\) got an unexpected keyword argument '(?P<name>\w+)'",
        category=Category.CDKTF_API,
        symbols=("owner",),
        title="A lambda function's environment wants its variables under variables",
        root_cause="environment is a block with one key, variables, which holds the mapping. The response puts {name} right into the block.",
        impact=STOPS_SYNTHESIS,
        lesson='CDKTF blocks: a lambda function takes environment={{"variables": {{...}}}}.',
        documentation=PROVIDER_DOCS + "/resources/lambda_function",
        examples=(Example("synth", "TypeError", "LambdaFunctionEnvironment.__init__() got an unexpected keyword argument 'TABLE_NAME'"),),
    ),
    Rule(
        id="unknown-argument",
        gates=("synth",),
        codes=("TypeError",),
        pattern=r"(?P<owner>\w+)\.__init__\(\) got an unexpected keyword argument '(?P<name>\w+)'",
        refine=_of_bindings,
        category=Category.CDKTF_API,
        symbols=("owner", "name"),
        title="{owner} has no argument {name}",
        root_cause=("The response passes {name}, which {owner} does not accept: a name of another tool, of another provider version, or a guess."),
        impact=STOPS_SYNTHESIS,
        lesson=("CDKTF arguments: use the names of the Terraform provider's attributes (bucket, not bucket_name) and put them where its schema has them."),
        documentation=CDKTF_DOCS + "/resources",
        examples=(
            Example("synth", "TypeError", "S3Bucket.__init__() got an unexpected keyword argument 'bucket_name'"),
            Example("synth", "TypeError", "S3BucketVersioningVersioningConfiguration.__init__() got an unexpected keyword argument 'enabled'"),
            Example("synth", "TypeError", "TerraformResourceLifecycle.__init__() got an unexpected keyword argument 'preventDestroy'"),
        ),
    ),
    Rule(
        id="missing-argument",
        gates=("synth",),
        codes=("TypeError",),
        pattern=r"(?P<owner>\w+)\.__init__\(\) missing \d+ required (?:positional|keyword-only) arguments?: (?P<missing>.+)",
        refine=_of_bindings,
        category=Category.CDKTF_API,
        symbols=("owner", "name"),
        title="{owner} needs {name}",
        root_cause=("The response leaves out {name}, without which {owner} cannot be created; a construct's id is its second positional argument."),
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF arguments: give every required argument of a resource; the construct id is positional and called id_.",
        documentation=CDKTF_DOCS + "/resources",
        examples=(
            Example("synth", "TypeError", "Subnet.__init__() missing 1 required keyword-only argument: 'vpc_id'"),
            Example("synth", "TypeError", "S3Bucket.__init__() missing 1 required positional argument: 'id_'"),
            Example("synth", "TypeError", "S3Backend.__init__() missing 1 required keyword-only argument: 'key'"),
        ),
    ),
    Rule(
        id="argument-by-position",
        gates=("synth",),
        codes=("TypeError",),
        pattern=r"(?P<owner>\w+)\.__init__\(\) takes (?P<takes>.+) positional arguments? but (?P<given>.+) (?:was|were) given",
        refine=_of_bindings,
        category=Category.CDKTF_API,
        symbols=("owner",),
        title="{owner} takes its arguments by keyword",
        root_cause="Behind scope and id, the bindings take every argument by its name only, and structs take all of theirs so.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF arguments: pass everything but scope and id by keyword, in structs everything.",
        documentation=CDKTF_DOCS + "/resources",
        examples=(
            Example("synth", "TypeError", "S3Bucket.__init__() takes 3 positional arguments but 4 were given"),
            Example("synth", "TypeError", "S3BucketVersioningVersioningConfiguration.__init__() takes 1 positional argument but 2 were given"),
        ),
    ),
    Rule(
        id="terraform-function-call",
        gates=("synth",),
        codes=("TypeError",),
        pattern=r"Fn\.(?P<name>\w+)\(\) (?:missing|got|takes)",
        category=Category.CDKTF_API,
        symbols=("name",),
        title="Fn.{name} is called with other arguments than it takes",
        root_cause="Fn has Terraform's functions with Terraform's arguments, in Terraform's order; the call to Fn.{name} does not fit them.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF functions: Fn.* takes what the function of that name takes in Terraform (separator before list in join).",
        documentation=CDKTF_DOCS + "/functions",
        examples=(
            Example("synth", "TypeError", "Fn.join() missing 1 required positional argument: 'list'"),
            Example("synth", "TypeError", "Fn.conditional() missing 1 required positional argument: 'false_value'"),
        ),
    ),
    Rule(
        id="wrong-call",
        gates=("synth",),
        codes=("TypeError",),
        pattern=(
            r"(?P<owner>[\w.]+?)(?:\.__init__)?\(\) (?:missing \d+ required|got an unexpected keyword argument"
            r"|takes .+ positional argument|got multiple values|argument after \*)"
        ),
        refine=lambda names, diagnostic, finding: names | {"owner": names["owner"].rpartition("<locals>.")[2].rpartition(".")[2] or names["owner"]},
        category=Category.PYTHON,
        symbols=("owner",),
        title="Call does not fit the signature of {owner}",
        root_cause="The arguments of a call are not the ones that {owner} takes: {summary}.",
        impact=STOPS_SYNTHESIS,
        lesson="Python: keep calls in step with the function that they call.",
        documentation="https://docs.python.org/3/library/exceptions.html#TypeError",
        examples=(
            Example("synth", "TypeError", "AlarmFactory.__init__() got an unexpected keyword argument 'topic'"),
            Example("synth", "TypeError", "S3Bucket.__init__() got multiple values for argument 'scope'"),
            Example("synth", "TypeError", "make_tags() takes 1 positional argument but 2 were given"),
        ),
    ),
)
