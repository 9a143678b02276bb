"""Values that the jsii kernel cannot turn into what the constructor wants: maps, lists and blocks mixed up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.diagnostics import Diagnostic
from harness.failures import Category
from scoring.rules.base import CDKTF_DOCS, PROVIDER_DOCS, STOPS_SYNTHESIS, Example, Names, Rule, listed, removed_code, snake_case, with_article
from scoring.rules.kernel import LIST, MAPPING, STRUCT, Step, block, read_refusal, refuse

if TYPE_CHECKING:
    from harness.attribution import Finding

_MISSING = re.compile(r"Missing required properties for (?:@[\w/-]+\.)?(?:\w+\.)*(\w+): ((?:'\w+'(?:, )?)+)")
_NO_ARRAY = "Value is not an array"
_RESOURCES = CDKTF_DOCS + "/resources"


def _refused(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names:
    said = read_refusal(diagnostic.message)
    shown = f" ({said.value})" if re.fullmatch(r"'[^']{0,40}'|\d+|true|false", said.value) else ""
    # The last key of a map is no argument but the user's own word, such as a tag's.
    return (
        names
        | {"owner": said.owner, "path": said.path, "inner": said.keys[-1] if said.keys else said.parameter, "given": said.given + shown}
        | ({"map": ".".join(map(snake_case, said.keys[:-1])) or said.path, "wanted": said.wanted})
    )


def _lacking(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names | None:
    found = _MISSING.search(diagnostic.message)
    if found is None:
        return None
    properties = re.findall(r"'(\w+)'", found[2])
    missing = [snake_case(name) for name in properties]
    code = removed_code(finding)
    spelled = [name for name, real in zip(missing, properties, strict=True) if name != real and re.search(rf"""(["']){name}\1\s*:""", code)]
    how = f" They are given as keys of a plain dict, in Python's spelling ({', '.join(spelled)}), and so were not recognised." if spelled else ""
    real = [name for name in properties if name != snake_case(name)]
    also = f" In a plain dict the keys have jsii's own spelling: {', '.join(real)}." if real and "$jsii.map" in _last_given(diagnostic) else ""
    return {**_refused(names, diagnostic, finding), "struct": found[1], "missing": listed(missing), "how": how + also}


def _last_given(diagnostic: Diagnostic) -> str:
    return read_refusal(diagnostic.message).value


def _one_block(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names:
    if "argument" in names:
        return names | {"path": names["argument"], "got": with_article(names["got"]), "owner": ""}
    return {**_refused(names, diagnostic, finding), "got": "a list"}


def _another_class(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names:
    if "got" in names:
        return names | {"path": names["argument"], "owner": "", "struct": names["got"], "a_struct": with_article(names["got"])}
    return {**_refused(names, diagnostic, finding), "a_struct": with_article(names["struct"])}


RULES = (
    Rule(
        id="provider-default-tags",
        gates=("synth",),
        # Nothing but `defaultTags` itself may be refused: what a proper list of one block holds is another matter.
        pattern=r"Key 'defaultTags': Unable to deserialize value as(?:(?!Key '|Index \d)(?s:.))*?Value is not an array",
        refine=_refused,
        category=Category.CDKTF_API,
        symbols=("owner", "path"),
        title="{owner} wants default_tags as a list with one block",
        root_cause='In CDKTF default_tags is a repeatable block: a list of one struct with a "tags" key. The response passes {given} instead.',
        impact="Deployment blocked: the AWS provider cannot be created, so no resource of the stack can be synthesized.",
        lesson='AWS provider configuration: default_tags is [{{"tags": {{...}}}}], not a mapping of tags.',
        documentation=PROVIDER_DOCS + "#default_tags-configuration-block",
        examples=(
            Example(
                "synth",
                "RuntimeError",
                block("provider.AwsProvider", "defaultTags", "AwsProviderDefaultTags", MAPPING, _NO_ARRAY, optional=True),
                symbols=("AwsProvider",),
            ),
            Example("synth", "RuntimeError", block("provider.AwsProvider", "defaultTags", "AwsProviderDefaultTags", STRUCT, _NO_ARRAY, optional=True)),
        ),
    ),
    Rule(
        id="block-lacks-property",
        gates=("synth",),
        pattern=r"Missing required properties for ",
        refine=_lacking,
        category=Category.CDKTF_API,
        symbols=("owner", "path", "missing"),
        title="{path} of {owner} lacks {missing}",
        root_cause="Each {struct} under {path} has to have {missing}.{how}",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF blocks: in a list, use the struct classes; a plain dict there needs camelCase keys, and snake_case ones are dropped.",
        documentation=_RESOURCES,
        examples=(
            Example(
                "synth",
                "RuntimeError",
                block(
                    "dynamodbTable.DynamodbTable",
                    "globalSecondaryIndex",
                    "DynamodbTableGlobalSecondaryIndex",
                    LIST,
                    "Missing required properties for @cdktf/provider-aws.dynamodbTable.DynamodbTableGlobalSecondaryIndex: 'hashKey', 'projectionType'",
                ),
                response='global_secondary_index=[{"name": "by-owner", "hash_key": "owner", "projection_type": "ALL"}]',
            ),
            Example(
                "synth",
                "RuntimeError",
                block(
                    "wafv2WebAcl.Wafv2WebAcl",
                    "rule",
                    "Wafv2WebAclRule",
                    LIST,
                    "Missing required properties for @cdktf/provider-aws.wafv2WebAcl.Wafv2WebAclRule: 'visibilityConfig'",
                ),
            ),
        ),
    ),
    Rule(
        id="depends-on",
        gates=("synth",),
        pattern=r"type of argument depends_on must be .+; got (?P<got>[\w.]+) instead|Key 'dependsOn': Unable to deserialize value as",
        refine=lambda names, diagnostic, finding: (
            names | {"given": with_article(names["got"].rpartition(".")[2]) if "got" in names else f"a list with {read_refusal(diagnostic.message).given}"}
        ),
        category=Category.CDKTF_API,
        symbols=("given",),
        title="depends_on takes a list of constructs, not {given}",
        root_cause="CDKTF turns the constructs in depends_on into addresses itself. The response passes {given}.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF dependencies: depends_on=[resource], a list of the constructs themselves; no strings, no ids.",
        documentation=_RESOURCES,
        examples=(
            Example(
                "synth",
                "TypeError",
                "type of argument depends_on must be one of (Sequence[cdktf.ITerraformDependable], NoneType); got "
                "cdktf_cdktf_provider_aws.s3_bucket.S3Bucket instead",
            ),
            Example(
                "synth",
                "RuntimeError",
                refuse(
                    "s3Bucket.S3Bucket",
                    Step(
                        "Key 'dependsOn'",
                        "array<cdktf.ITerraformDependable> | undefined",
                        ("an array", "[ 'aws_s3_bucket.b' ]"),
                        Step("Index 0", "cdktf.ITerraformDependable", ("a string", "'aws_s3_bucket.b'"), 'Value does not have the "$jsii.byref" key'),
                    ),
                    optional=True,
                ),
            ),
        ),
    ),
    Rule(
        id="list-for-single-block",
        gates=("synth",),
        pattern=(
            r"type of argument (?P<argument>\w+) must be one of \(.*Dict\[str, Any\].*\); got (?P<got>list|tuple) instead"
            r"|Value is an array \(varargs may have been incorrectly supplied\)"
        ),
        refine=_one_block,
        category=Category.CDKTF_API,
        symbols=("owner", "path"),
        title="{path} takes one block, not a list",
        root_cause="The provider allows {path} at most once, so the bindings want a single struct; the response passes {got}.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF blocks: a block that may occur once is a single struct, one that may repeat is a list of structs.",
        documentation=_RESOURCES,
        examples=(
            Example(
                "synth",
                "TypeError",
                "type of argument versioning_configuration must be one of (cdktf_cdktf_provider_aws.s3_bucket_versioning."
                "S3BucketVersioningVersioningConfiguration, Dict[str, Any]); got list instead",
            ),
            Example(
                "synth",
                "RuntimeError",
                block(
                    "s3Bucket.S3Bucket",
                    "lifecycleRule",
                    "S3BucketLifecycleRule",
                    LIST,
                    Step(
                        "Key 'expiration'",
                        "@cdktf/provider-aws.s3Bucket.S3BucketLifecycleRuleExpiration | undefined",
                        LIST,
                        "Value is an array (varargs may have been incorrectly supplied)",
                    ),
                    optional=True,
                ),
            ),
        ),
    ),
    Rule(
        id="map-needs-strings",
        gates=("synth",),
        pattern=r"Unable to deserialize value as map<string>",
        refine=_refused,
        category=Category.CDKTF_API,
        symbols=("owner", "map"),
        title="{map} of {owner} takes strings only",
        root_cause="Terraform maps such as tags hold strings; the value of {inner} is {given}.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF values: the values of tags and other string maps are strings; convert numbers and booleans.",
        documentation=_RESOURCES,
        examples=(
            Example(
                "synth",
                "RuntimeError",
                refuse(
                    "s3Bucket.S3Bucket",
                    Step("Key 'tags'", "map<string> | undefined", MAPPING, Step("Key 'a'", "string", ("a number", "1"), "Value is not a string")),
                    optional=True,
                ),
            ),
            Example(
                "synth",
                "RuntimeError",
                block(
                    "provider.AwsProvider",
                    "defaultTags",
                    "AwsProviderDefaultTags",
                    LIST,
                    Step("Key 'tags'", "map<string> | undefined", MAPPING, Step("Key 'a'", "string", ("a number", "1"), "Value is not a string")),
                    optional=True,
                ),
            ),
        ),
    ),
    Rule(
        id="value-needs-list",
        gates=("synth",),
        pattern=r"Unable to deserialize value as array<(?:string|number|boolean[^>\n]*)>(?:(?!Key '|Index \d)(?s:.))*?Value is not an array",
        refine=_refused,
        category=Category.CDKTF_API,
        symbols=("owner", "path"),
        title="{path} of {owner} takes a list",
        root_cause="{path} wants {wanted}, and the response passes {given}.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF values: where the provider takes several (cidr_blocks, actions), pass a list even of one.",
        documentation=_RESOURCES,
        examples=(
            Example(
                "synth",
                "RuntimeError",
                block(
                    "securityGroup.SecurityGroup",
                    "ingress",
                    "SecurityGroupIngress",
                    LIST,
                    Step("Key 'cidrBlocks'", "array<string> | undefined", ("a string", "'0.0.0.0/0'"), _NO_ARRAY),
                    optional=True,
                ),
            ),
            Example(
                "synth",
                "RuntimeError",
                "@jsii/kernel.SerializationError: Passed to parameter list of static method cdktf.TerraformIterator.fromList: Unable to deserialize "
                "value as array<string> | cdktf.IResolvable | array<number> | array<boolean | cdktf.IResolvable>\n"
                "├── 🛑 Failing value is an object\n│      { '$jsii.map': [Object] }\n╰── 🔍 Failure reason(s):\n"
                "    ├─ [as array<string>] Value is not an array\n    ├─ [as array<number>] Value is not an array\n"
                "    ├─ [as array<boolean | cdktf.IResolvable>] Value is not an array\n"
                '    ╰─ [as cdktf.IResolvable] Value does not have the "$jsii.byref" key',
            ),
        ),
    ),
    Rule(
        id="block-needs-list",
        gates=("synth",),
        pattern=r"Unable to deserialize value as[^\n]*array<(?s:.*)Value is not an array",
        refine=_refused,
        category=Category.CDKTF_API,
        symbols=("owner", "path"),
        title="{path} of {owner} takes a list of blocks",
        root_cause="The provider allows {path} to repeat, so the bindings want a list of structs; the response passes {given}.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF blocks: a block that may repeat is a list of structs, even where there is only one.",
        documentation=_RESOURCES,
        examples=(
            Example("synth", "RuntimeError", block("dynamodbTable.DynamodbTable", "attribute", "DynamodbTableAttribute", MAPPING, _NO_ARRAY)),
            Example(
                "synth",
                "RuntimeError",
                block("s3BucketLifecycleConfiguration.S3BucketLifecycleConfiguration", "rule", "S3BucketLifecycleConfigurationRule", MAPPING, _NO_ARRAY),
            ),
        ),
    ),
    Rule(
        id="struct-of-another-class",
        gates=("synth",),
        pattern=(
            r"Wired struct has type '(?:@[\w/-]+\.)?(?:\w+\.)*(?P<struct>\w+)', which does not match expected type"
            r"|type of argument (?P<argument>\w+) must be one of \((?:\w+\.)*(?P<wanted>\w+), Dict\[str, Any\].*\); "
            r"got cdktf_cdktf_provider_(?:\w+\.)+(?P<got>\w+) instead"
        ),
        refine=_another_class,
        category=Category.CDKTF_API,
        symbols=("owner", "path", "struct"),
        title="{path} is given {a_struct}",
        root_cause="Every block has a struct class of its own. {path} wants {wanted}, and the response passes {a_struct}.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF blocks: take the struct class that carries the resource's and the block's name.",
        documentation=_RESOURCES,
        examples=(
            Example(
                "synth",
                "RuntimeError",
                block(
                    "securityGroup.SecurityGroup",
                    "ingress",
                    "SecurityGroupIngress",
                    LIST,
                    "Wired struct has type '@cdktf/provider-aws.s3BucketVersioning.S3BucketVersioningVersioningConfiguration', which does not match "
                    "expected type",
                    optional=True,
                ),
            ),
            Example(
                "synth",
                "TypeError",
                "type of argument versioning must be one of (cdktf_cdktf_provider_aws.s3_bucket.S3BucketVersioning, Dict[str, Any], NoneType); got "
                "cdktf_cdktf_provider_aws.s3_bucket_versioning.S3BucketVersioningVersioningConfiguration instead",
            ),
        ),
    ),
    Rule(
        id="wrong-value-in-block",
        gates=("synth",),
        pattern=r"Unable to deserialize value as",
        refine=_refused,
        category=Category.CDKTF_API,
        symbols=("owner", "path"),
        title="{path} of {owner} is given {given}",
        root_cause="{path} wants {wanted}, and the response gives it {given}.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF blocks: use the struct classes of the bindings, which say what each field takes.",
        documentation=_RESOURCES,
        examples=(
            Example(
                "synth",
                "RuntimeError",
                block(
                    "securityGroup.SecurityGroup",
                    "ingress",
                    "SecurityGroupIngress",
                    LIST,
                    Step("Key 'protocol'", "string | undefined", ("a number", "6"), "Value is not a string"),
                    optional=True,
                ),
            ),
            Example(
                "synth",
                "RuntimeError",
                refuse(
                    "s3Bucket.S3Bucket",
                    Step("Key 'forEach'", "cdktf.ITerraformIterator | undefined", ("an array", "[ 'a' ]"), 'Value does not have the "$jsii.byref" key'),
                    optional=True,
                ),
            ),
        ),
    ),
    Rule(
        id="tuple-for-list",
        gates=("synth",),
        pattern=r"type object '(?P<got>\w+)' has no attribute '__jsii_type__'",
        category=Category.CDKTF_API,
        symbols=("got",),
        title="A Python {got} where CDKTF wants a list, a struct or an object of its own",
        root_cause=(
            "jsii can carry lists, dictionaries, plain values and its own classes to the kernel, but no {got}. "
            "A class of the response that CDKTF calls, such as an aspect, says so with @jsii.implements."
        ),
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF values: hand over lists and structs, never tuples, sets or undeclared classes of your own.",
        documentation=_RESOURCES,
        examples=(
            Example("synth", "AttributeError", "type object 'tuple' has no attribute '__jsii_type__'", symbols=("__jsii_type__",)),
            Example("synth", "AttributeError", "type object 'TagEverything' has no attribute '__jsii_type__'", symbols=("__jsii_type__",)),
        ),
    ),
)
