"""Values that the jsii kernel cannot turn into what the constructor wants: maps, lists and blocks mixed up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.diagnostics import Diagnostic
from harness.failures import Category
from scoring.rules.base import CDKTF_DOCS, PROVIDER_DOCS, STOPS_SYNTHESIS, Example, Names, Rule, snake_case

if TYPE_CHECKING:
    from harness.attribution import Finding

_KEY = re.compile(r"Key '(\w+)': Unable to deserialize value as ([^\n]+)")
_CLASS = re.compile(r"of new [\w@/.-]+?\.(\w+): ")

_REFUSED = """\
Passed to parameter config of new @cdktf/provider-aws.{module}.{owner}: Unable to deserialize value as \
@cdktf/provider-aws.{module}.{owner}Config | undefined
├── 🛑 Failing value is an object
│      {{ '$jsii.struct': [Object] }}
╰── 🔍 Failure reason(s):
    ╰─ Key '{key}': Unable to deserialize value as {wanted}
        ├── 🛑 Failing value is an object
        │      {{ '$jsii.map': [Object] }}
        ╰── 🔍 Failure reason(s):
{reasons}"""

_NO_ARRAY = """\
            ├─ [as array<{struct}>] Value is not an array
            ╰─ [as cdktf.IResolvable] Value does not have the "$jsii.byref" key"""


def _list_refused(module: str, owner: str, key: str, struct: str) -> str:
    """The kernel's message, letter by letter, for a map where a list of blocks is wanted."""
    struct = f"@cdktf/provider-aws.{module}.{struct}"
    wanted = f"cdktf.IResolvable | array<{struct}> | undefined"
    return _REFUSED.format(module=module, owner=owner, key=key, wanted=wanted, reasons=_NO_ARRAY.format(struct=struct))


def _refused(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names:
    keys = _KEY.findall(diagnostic.message)
    owner = _CLASS.search(diagnostic.message)
    # The outermost key is the argument that stands in the code, the innermost the value that does not fit.
    outer, inner = (keys[0], keys[-1]) if keys else (("value", "?"), ("value", "?"))
    return names | {
        "owner": owner[1] if owner else "the construct",
        "name": snake_case(outer[0]),
        "inner": snake_case(inner[0]),
        "wanted": inner[1].replace(" | undefined", "").rpartition(".")[2].rstrip(">") or inner[1],
    }


RULES = (
    Rule(
        id="provider-default-tags",
        gates=("synth",),
        pattern=r"Key 'defaultTags': Unable to deserialize value as",
        refine=_refused,
        category=Category.CDKTF_API,
        symbols=("owner", "name"),
        title="{owner} wants default_tags as a list with one block",
        root_cause='In CDKTF default_tags is a repeatable block: a list of one struct with a "tags" key. The response passes a plain mapping.',
        impact="Deployment blocked: the AWS provider cannot be created, so no resource of the stack can be synthesized.",
        lesson='AWS provider configuration: default_tags is [{{"tags": {{...}}}}], not a mapping of tags.',
        documentation=PROVIDER_DOCS + "#default_tags",
        examples=(
            Example(
                "synth",
                "RuntimeError",
                _list_refused("provider", "AwsProvider", "defaultTags", "AwsProviderDefaultTags"),
                symbols=("AwsProvider",),
            ),
        ),
    ),
    Rule(
        id="block-needs-list",
        gates=("synth",),
        pattern=r"Unable to deserialize value as[^\n]*array<(?s:.*)Value is not an array",
        refine=_refused,
        category=Category.CDKTF_API,
        symbols=("owner", "name"),
        title="{name} of {owner} takes a list of blocks",
        root_cause="The provider allows {name} to repeat, so the bindings want a list of structs; the response passes a single mapping.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF blocks: a block that may repeat is a list of structs, even where there is only one.",
        documentation=CDKTF_DOCS + "/resources",
        examples=(
            Example("synth", "RuntimeError", _list_refused("dynamodbTable", "DynamodbTable", "attribute", "DynamodbTableAttribute")),
            Example(
                "synth",
                "RuntimeError",
                _list_refused("s3BucketLifecycleConfiguration", "S3BucketLifecycleConfiguration", "rule", "S3BucketLifecycleConfigurationRule"),
            ),
        ),
    ),
    Rule(
        id="map-needs-strings",
        gates=("synth",),
        pattern=r"Unable to deserialize value as map<string>",
        refine=_refused,
        category=Category.CDKTF_API,
        symbols=("owner", "name"),
        title="{name} of {owner} takes strings only",
        root_cause="Terraform maps such as tags hold strings; the response gives {inner} another type.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF values: the values of tags and other string maps are strings; convert numbers and booleans.",
        documentation=CDKTF_DOCS + "/resources",
        examples=(
            Example(
                "synth",
                "RuntimeError",
                _REFUSED.format(
                    module="vpc",
                    owner="Vpc",
                    key="tags",
                    wanted="map<string> | undefined",
                    reasons="            ╰─ Key 'n': Unable to deserialize value as string",
                ),
            ),
        ),
    ),
    Rule(
        id="wrong-value-in-block",
        gates=("synth",),
        pattern=r"Unable to deserialize value as",
        refine=_refused,
        category=Category.CDKTF_API,
        symbols=("owner", "name", "inner"),
        title="{name} of {owner} has a value of the wrong type",
        root_cause="Inside {name}, {inner} wants {wanted}, and the response gives it something else.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF blocks: use the struct classes of the bindings, which say what each field takes.",
        documentation=CDKTF_DOCS + "/resources",
        examples=(
            Example(
                "synth",
                "RuntimeError",
                "Passed to parameter config of new @cdktf/provider-aws.securityGroup.SecurityGroup: Unable to deserialize value as "
                "@cdktf/provider-aws.securityGroup.SecurityGroupConfig | undefined\n"
                "╰─ Key 'ingress': Unable to deserialize value as cdktf.IResolvable | "
                "array<@cdktf/provider-aws.securityGroup.SecurityGroupIngress>\n"
                "            ├─ [as array<@cdktf/provider-aws.securityGroup.SecurityGroupIngress>] Index 0: Unable to deserialize value as "
                "@cdktf/provider-aws.securityGroup.SecurityGroupIngress\n"
                "                    ╰─ Key 'fromPort': Unable to deserialize value as number | undefined",
            ),
        ),
    ),
    Rule(
        id="tuple-for-list",
        gates=("synth",),
        pattern=r"type object '(?P<got>\w+)' has no attribute '__jsii_type__'",
        category=Category.CDKTF_API,
        symbols=("got",),
        title="A Python {got} where CDKTF wants a list or a struct",
        root_cause="jsii can carry lists, dictionaries, plain values and its own classes to the kernel, but no {got}.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF values: hand over lists and structs, never tuples, sets or classes of your own.",
        documentation=CDKTF_DOCS + "/resources",
        examples=(Example("synth", "AttributeError", "type object 'tuple' has no attribute '__jsii_type__'", symbols=("__jsii_type__",)),),
    ),
)
