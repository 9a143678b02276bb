"""The construct tree: ids, providers, assets."""

from __future__ import annotations

from harness.failures import Category
from scoring.rules.base import CDKTF_DOCS, STOPS_SYNTHESIS, Example, Names, Rule, nearest_names, with_article
from scoring.rules.bindings import is_of_bindings


def _bindings_operand(names: dict[str, str]) -> Names | None:
    name = names.get("name") or names["other"]
    return names | {"name": name, "a_name": with_article(name)} if is_of_bindings(name) else None


def _bindings_attribute(names: dict[str, str], near: tuple[str, ...]) -> Names | None:
    owner = names.get("owner") or names.get("type") or names["module"]
    if "module" not in names and not is_of_bindings(owner):
        return None
    hint = f" Nearest: {', '.join(near[:3])}." if near else ""
    return names | {"owner": owner, "name": names.get("name") or names.get("member") or names["defined"], "hint": hint}


RULES = (
    Rule(
        id="duplicate-construct-id",
        gates=("synth",),
        pattern=r"There is already a Construct with name '(?P<name>[^']+)' in (?P<scope>\w+)",
        category=Category.CDKTF_API,
        symbols=("name",),
        title="Two constructs are called {name}",
        root_cause="Construct ids are unique within their scope, whatever the type; a resource and an output may not share one either.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF constructs: ids are unique within a scope, across resources, data sources and outputs.",
        documentation=CDKTF_DOCS + "/constructs",
        examples=(Example("synth", "RuntimeError", "There is already a Construct with name 'b' in TerraformStack [S]"),),
    ),
    Rule(
        id="construct-id-invalid",
        gates=("synth",),
        pattern=(
            r'Cannot create TerraformStack with id "(?P<spaced>[^"]*)"\. It contains a whitespace'
            r'|You cannot use a token [^\n]* as the id of a construct(?s:.*?)following id: "(?P<token>[^"]*)"'
            r"|Only root constructs may have an (?P<empty>empty) ID"
        ),
        refine=lambda names, diagnostic, finding: (
            names
            | {
                "what": "has white space in it" if "spaced" in names else "is a token" if "token" in names else "is empty",
                "name": names.get("spaced") or names.get("token") or "",
            }
        ),
        category=Category.CDKTF_API,
        symbols=("name",),
        title="A construct's id {what}",
        root_cause="Ids name constructs while the stack is built, so they are plain text that is known then; this one {what}.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF constructs: ids are plain words known in Python, without spaces and without references.",
        documentation=CDKTF_DOCS + "/constructs",
        examples=(
            Example(
                "synth",
                "RuntimeError",
                'Cannot create TerraformStack with id "my stack". It contains a whitespace character.\n\n'
                'Please remove any whitespace characters in your TerraformStack id, like so: "mystack"\n',
            ),
            Example(
                "synth",
                "RuntimeError",
                "You cannot use a token (e.g., a reference to an attribute) as the id of a construct. Ids of constructs must be known at synthesis "
                "time, and token values are only known when Terraform runs. Please use a concrete value for your constructs ID instead.\n"
                'You passed the following id: "${TfToken[TOKEN.0]}"\n',
            ),
            Example("synth", "RuntimeError", "Only root constructs may have an empty ID"),
        ),
    ),
    Rule(
        id="stacks-in-a-circle",
        gates=("synth",),
        pattern=r"Cannot add dependency (?P<one>\S+) to (?P<other>\S+), because it would cause a circular dependency",
        category=Category.ARCHITECTURE,
        symbols=("one", "other"),
        title="The stacks {one} and {other} depend on each other",
        root_cause="Stacks are deployed one after the other. {other} already needs {one}, and now {one} is to need {other}, so neither can be the first.",
        impact=STOPS_SYNTHESIS,
        lesson="Architecture: let references between stacks go one way; move what both need into a third stack.",
        documentation=CDKTF_DOCS + "/stacks",
        examples=(
            Example(
                "synth",
                "RuntimeError",
                "Error: Cannot add dependency network to data, because it would cause a circular dependency.\n\n"
                "TerraformStack network is already dependent on data directly, or dependent on a TerraformStack within data.\n\n"
                "To learn more about circular dependency references, refer to: "
                "https://developer.hashicorp.com/terraform/cdktf/concepts/stacks#:~:text=Cross%2DStack%20References\n",
            ),
        ),
    ),
    Rule(
        id="base-constructor-not-called",
        gates=("synth",),
        codes=("TypeError",),
        pattern=r"Don't know how to convert object to JSON: <(?:[\w.<>]+\.)?(?P<owner>\w+) object at",
        category=Category.CDKTF_API,
        symbols=("owner",),
        title="{owner} is used as a construct before it is one",
        root_cause=(
            "An object becomes a construct when super().__init__(scope, id) runs. In {owner} that call is missing, comes after "
            "the first use of self, or {owner} extends no construct class."
        ),
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF constructs: the first statement of a constructor is super().__init__(scope, id).",
        documentation=CDKTF_DOCS + "/constructs",
        examples=(
            Example("synth", "TypeError", "Don't know how to convert object to JSON: <__main__.StorageStack object at 0x7fd542a51ed0>"),
            Example("synth", "TypeError", "Don't know how to convert object to JSON: <lib.network.Network object at 0x7fa222cc2f90>"),
        ),
    ),
    Rule(
        id="read-only-attribute",
        gates=("synth",),
        codes=("AttributeError",),
        pattern=r"property '(?P<name>\w+)' of '(?P<owner>\w+)' object has no setter",
        category=Category.CDKTF_API,
        symbols=("owner", "name"),
        title="{name} of {owner} cannot be assigned to",
        root_cause="{owner} has {name} from CDKTF, where it can only be read. The response uses the name for something of its own, or sets a computed value.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF constructs: keep clear of the base class's names (node, path); set values in the constructor.",
        documentation=CDKTF_DOCS + "/constructs",
        examples=(
            Example("synth", "AttributeError", "property 'node' of 'ClusterStack' object has no setter"),
            Example("synth", "AttributeError", "property 'arn' of 'S3Bucket' object has no setter"),
        ),
    ),
    Rule(
        id="no-provider",
        gates=("synth",),
        pattern=r"Found resources without a matching provider construct.*following providers: (?P<name>[\w, -]+)",
        category=Category.CDKTF_API,
        symbols=("name",),
        title="The stack has no provider: {name}",
        root_cause=("A stack with resources needs a provider construct of its own; each TerraformStack is synthesized and deployed by itself."),
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF providers: create the provider in every stack that has its resources.",
        documentation=CDKTF_DOCS + "/providers",
        examples=(
            Example(
                "synth",
                "RuntimeError",
                "Error: Validation failed with the following errors:\n  [S] Found resources without a matching provider construct. "
                "Please make "
                "sure to add provider constructs [e.g. new RandomProvider(...)] to your stack 'S' for the following providers: aws",
            ),
        ),
    ),
    Rule(
        id="asset-not-a-directory",
        gates=("synth",),
        pattern=r"TerraformAsset (?P<name>\S+) expects path to point to a directory\. Instead, this file was passed: '(?P<path>[^']*)'",
        refine=lambda names, diagnostic, finding: names | {"path": names["path"].removeprefix("/case/")},
        category=Category.PACKAGING,
        symbols=("name", "path"),
        title="The asset {name} wants a directory and is given {path}",
        root_cause="AssetType.DIRECTORY and AssetType.ARCHIVE pack a whole directory; {path} is not of the kind that the asset's type wants.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF assets: AssetType.ARCHIVE zips a directory itself; a file that exists already, zipped or not, is AssetType.FILE.",
        documentation=CDKTF_DOCS + "/assets",
        examples=(
            Example(
                "synth",
                "RuntimeError",
                "TerraformAsset handler-code expects path to point to a directory. Instead, this file was passed: '/case/lambda/handler.zip'. "
                "Please correct the path to point to a directory.\n"
                "Learn more about TerraformAsset: https://developer.hashicorp.com/terraform/cdktf/concepts/assets\n    ",
            ),
        ),
    ),
    Rule(
        id="asset-missing",
        gates=("synth",),
        pattern=r"TerraformAsset (?P<name>\S+) was created with a relative path '(?P<path>[^']*)'|ENOENT: no such file or directory, \w+ '(?P<absent>[^']*)'",
        category=Category.PACKAGING,
        refine=lambda names, diagnostic, finding: names | {"path": (names.get("path") or names["absent"]).removeprefix("/case/")},
        symbols=("path",),
        title="An asset's path leads nowhere: {path}",
        root_cause="The response packages {path}, which is not there, or names it by a path that only works from another directory.",
        impact=STOPS_SYNTHESIS,
        lesson="Packaging: ship the files that assets are made of, and name them by absolute paths built from __file__.",
        documentation=CDKTF_DOCS + "/assets",
        examples=(
            Example(
                "synth",
                "RuntimeError",
                "TerraformAsset a was created with a relative path './nope', but we cannot find the cdktf.json within your current working directory",
            ),
            Example("synth", "RuntimeError", "ENOENT: no such file or directory, stat '/nonexistent/x'"),
        ),
    ),
    Rule(
        id="resource-in-json",
        gates=("synth",),
        codes=("TypeError",),
        pattern=r"Object of type (?P<name>[A-Z]\w+) is not JSON serializable",
        refine=lambda names, diagnostic, finding: names if is_of_bindings(names["name"]) else None,
        category=Category.CDKTF_API,
        symbols=("name",),
        title="A whole {name} is put into a JSON document",
        root_cause="json.dumps can write plain values only. The document refers to the {name} object where it needs one of its attributes.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF references: in documents refer to an attribute (.arn, .id), which is a string; computed block lists go in by .get(0).",
        documentation=CDKTF_DOCS + "/resources",
        examples=(
            Example("synth", "TypeError", "Object of type S3Bucket is not JSON serializable"),
            Example("synth", "TypeError", "Object of type S3BucketLifecycleRuleList is not JSON serializable"),
        ),
    ),
    Rule(
        id="resource-as-text",
        gates=("synth",),
        codes=("TypeError",),
        pattern=r"unsupported operand type\(s\) for [^:]+: (?:'(?P<name>[A-Z]\w+)' and '\w+'|'\w+' and '(?P<other>[A-Z]\w+)')",
        refine=lambda names, diagnostic, finding: _bindings_operand(names),
        category=Category.CDKTF_API,
        symbols=("name",),
        title="Python calculates with {a_name} object",
        root_cause="A resource is no text and no number: it is referred to by one of its attributes, such as .arn. The response adds to the {name} itself.",
        impact=STOPS_SYNTHESIS,
        lesson='CDKTF references: build names and ARNs from attributes, as in f"{{bucket.arn}}/*".',
        documentation=CDKTF_DOCS + "/resources",
        examples=(Example("synth", "TypeError", "unsupported operand type(s) for +: 'S3Bucket' and 'str'"),),
    ),
    Rule(
        id="enumeration-member-unknown",
        gates=("synth",),
        codes=("AttributeError",),
        pattern=r"^AttributeError: (?P<name>[A-Z][A-Z0-9_]*)$",
        category=Category.CDKTF_API,
        symbols=("name",),
        title="An enumeration has no member {name}",
        root_cause="CDKTF's enumerations, such as AssetType, have few members; {name} is none of them.",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF assets: AssetType has FILE, DIRECTORY and ARCHIVE.",
        documentation=CDKTF_DOCS + "/assets",
        examples=(Example("synth", "AttributeError", "ZIP", symbols=("ZIP",)),),
    ),
    Rule(
        id="attribute-not-in-bindings",
        gates=("synth",),
        codes=("AttributeError",),
        pattern=(
            r"'(?P<owner>(?!NoneType)[A-Z]\w*(?<!Stack))' object has no attribute '(?P<name>\w+)'"
            r"|type object '(?P<type>[A-Z]\w+)' has no attribute '(?P<member>\w+)'"
            r"|module '(?P<module>cdktf[\w.]*)' has no attribute '(?P<defined>\w+)'"
        ),
        refine=lambda names, diagnostic, finding: _bindings_attribute(names, nearest_names(diagnostic)),
        category=Category.CDKTF_API,
        symbols=("owner", "name"),
        title="{owner} has no {name}",
        root_cause="The response reads {name}, which {owner} does not have: an attribute of the raw AWS API, of HCL, or a guess.{hint}",
        impact=STOPS_SYNTHESIS,
        lesson="CDKTF attributes: a resource has the attributes of its Terraform documentation, and Fn the functions of Terraform.",
        documentation=CDKTF_DOCS + "/functions",
        examples=(
            Example("synth", "AttributeError", "'S3Bucket' object has no attribute 'bucket_arn'", symbols=("bucket_arn",)),
            Example("synth", "AttributeError", "type object 'Fn' has no attribute 'sub'", symbols=("sub",), detail="nearest: substr, sum"),
        ),
    ),
)
