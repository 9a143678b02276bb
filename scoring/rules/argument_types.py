"""Values of a type that the parameter does not take: the bindings check the types of their arguments themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.diagnostics import Diagnostic
from harness.failures import Category
from scoring.rules.base import CDKTF_DOCS, STOPS_SYNTHESIS, Example, Names, Rule, with_article

if TYPE_CHECKING:
    from harness.attribution import Finding

_BETWEEN = re.compile(r", (?![^\[]*\])")
_QUALIFIED = re.compile(r"\b(?:[\w<>]+\.)+(\w+)")
_DOCUMENT = re.compile(r"polic(?:y|ies)|definition|document|pattern|body|json|secret_string|input|template|specification|schema|content")
_ADVICE = {
    ("str", "str"): " It is the class that was passed, not a value of it.",
    ("str", "list"): " It takes one value.",
    ("str", "bool"): ' The provider models it as text: "true" or "false".',
    ("str", "int"): " The provider models it as text, so the number goes in quotes.",
    ("str", "float"): " The provider models it as text, so the number goes in quotes.",
    ("int or float", "str"): " It goes in as a number, or through Token.as_number where Terraform computes it.",
    ("bool or IResolvable", "str"): " It goes in as True or False, without quotes.",
}


def _types(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names:
    """The types without their packages, as one says them."""
    parts = [_QUALIFIED.sub(r"\1", part) for part in _BETWEEN.split(names["wanted"].removeprefix("(").removesuffix(")"))]
    wanted = " or ".join(part for part in parts if part != "NoneType")
    got = names["got"].rpartition(".")[2]
    return names | {"wanted": wanted, "got": got, "a_got": "None" if got == "NoneType" else with_article(got), "advice": _ADVICE.get((wanted, got), "")}


def _says(wanted: str, got: str) -> str:
    return rf"type of argument (?P<name>\w+)(?:\[\d+\])? must be (?:one of )?(?P<wanted>{wanted}); got (?P<got>{got}) instead"


RULES = (
    Rule(
        id="scope-not-a-construct",
        gates=("synth",),
        codes=("TypeError",),
        pattern=r"type of argument scope must be (?P<wanted>constructs\.\w+); got (?P<got>[\w.<>]+) instead",
        refine=_types,
        category=Category.CDKTF_API,
        symbols=("got",),
        title="A construct's scope is {a_got}",
        root_cause="The first argument of every construct is the construct that it belongs to, usually the stack (self). The response passes {a_got}.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF constructs: scope first (self), then the id, then the arguments by keyword.",
        documentation=CDKTF_DOCS + "/constructs",
        examples=(
            Example("synth", "TypeError", "type of argument scope must be constructs.Construct; got str instead"),
            Example("synth", "TypeError", "type of argument scope must be constructs.Construct; got NoneType instead"),
        ),
    ),
    Rule(
        id="provider-not-an-object",
        gates=("synth",),
        codes=("TypeError",),
        pattern=r"type of argument provider must be (?:one of )?(?P<wanted>.*TerraformProvider.*); got (?P<got>[\w.<>]+) instead",
        refine=_types,
        category=Category.CDKTF_API,
        symbols=("got",),
        title="provider is given {a_got} instead of the provider construct",
        root_cause='In CDKTF a resource names its provider by the object, not by an address such as "aws.west" and not by the class.',
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF providers: keep the object that AwsProvider(..., alias=...) makes, and pass it as provider.",
        documentation=CDKTF_DOCS + "/providers",
        examples=(Example("synth", "TypeError", "type of argument provider must be one of (cdktf.TerraformProvider, NoneType); got str instead"),),
    ),
    Rule(
        id="resource-for-value",
        gates=("synth",),
        codes=("TypeError",),
        pattern=_says(r"\(?str.*", r"cdktf_cdktf_provider_\w+\.[\w.]+"),
        refine=_types,
        category=Category.CDKTF_API,
        symbols=("name", "got"),
        title="{name} is given the whole {got} instead of one of its attributes",
        root_cause="{name} wants {wanted}, and the response passes the {got} object. Resources refer to each other by an attribute, such as .id or .arn.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF references: pass an attribute of the other resource (.id, .arn, .name), not the resource.",
        documentation=CDKTF_DOCS + "/resources",
        examples=(
            Example("synth", "TypeError", "type of argument bucket must be one of (str, NoneType); got cdktf_cdktf_provider_aws.s3_bucket.S3Bucket instead"),
        ),
    ),
    Rule(
        id="document-for-string",
        gates=("synth",),
        codes=("TypeError",),
        pattern=_says(r"str|\(str, NoneType\)", r"dict|list"),
        refine=lambda names, diagnostic, finding: _types(names, diagnostic, finding) if _DOCUMENT.search(names["name"]) else None,
        category=Category.CDKTF_API,
        symbols=("name", "got"),
        title="{name} takes JSON text, not {a_got}",
        root_cause="The provider models {name} as a string that holds a document; the response passes the document itself, as {a_got}.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF values: policies, container definitions and event patterns go in as json.dumps(...).",
        documentation=CDKTF_DOCS + "/resources",
        examples=(
            Example("synth", "TypeError", "type of argument assume_role_policy must be str; got dict instead"),
            Example("synth", "TypeError", "type of argument container_definitions must be str; got list instead"),
        ),
    ),
    Rule(
        id="list-elements",
        gates=("synth",),
        codes=("TypeError",),
        pattern=_says(r"\(?Sequence\[.*", r"list|tuple"),
        refine=_types,
        category=Category.CDKTF_API,
        symbols=("name",),
        title="{name} is given a list with elements of the wrong type",
        root_cause="{name} wants {wanted}. The response passes a list, but at least one of its elements is of another type: an object, a list, None.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF values: lists hold plain values of one type; take .id of resources, and flatten lists of lists.",
        documentation=CDKTF_DOCS + "/resources",
        examples=(Example("synth", "TypeError", "type of argument subnets must be one of (Sequence[str], NoneType); got list instead"),),
    ),
    Rule(
        id="required-value-none",
        gates=("synth",),
        codes=("TypeError",),
        pattern=_says(r".+", r"NoneType"),
        refine=_types,
        category=Category.PYTHON,
        symbols=("name",),
        title="{name} is None",
        root_cause="{name} is required as {wanted}, and what the response passes is None at that moment: it was never set, or its source returns nothing.",
        impact=STOPS_SYNTHESIS,
        lesson="Python: see to it that what is handed on was set; a function without return gives None.",
        documentation="https://docs.python.org/3/library/constants.html#None",
        examples=(Example("synth", "TypeError", "type of argument vpc_id must be str; got NoneType instead"),),
    ),
    Rule(
        id="wrong-argument-type",
        gates=("synth",),
        codes=("TypeError",),
        pattern=_says(r".+", r"[\w.<>]+"),
        refine=_types,
        category=Category.CDKTF_API,
        symbols=("name", "got"),
        title="{name} is given {a_got}",
        root_cause="The bindings check types: {name} wants {wanted}, and the response passes {a_got}.{advice}",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF values: give each argument the type that the bindings name; where the provider has text, even numbers and booleans are text.",
        documentation=CDKTF_DOCS + "/resources",
        examples=(
            Example("synth", "TypeError", "type of argument deregistration_delay must be one of (str, NoneType); got int instead"),
            Example("synth", "TypeError", "type of argument at_rest_encryption_enabled must be one of (str, NoneType); got bool instead"),
            Example("synth", "TypeError", "type of argument from_port must be one of (int, float, NoneType); got str instead"),
            Example("synth", "TypeError", "type of argument tags must be one of (Mapping[str, str], NoneType); got list instead"),
            Example("synth", "TypeError", "type of argument value[0] must be cdktf.TerraformStack; got cdktf_cdktf_provider_aws.sns_topic.SnsTopic instead"),
        ),
    ),
)
