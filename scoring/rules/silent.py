"""What cdktf accepts and then drops: the silent-drop gate saw it given, and did not see it arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.diagnostics import Diagnostic
from harness.failures import Category, Severity
from scoring.rules.base import CDKTF_DOCS, Example, Names, Rule

if TYPE_CHECKING:
    from harness.attribution import Finding

_GATE = ("silent-drop",)
_TOKEN = r"(?P<name>\w+)(?: of (?P<owner>\S+)(?: \((?P<type>\w+)\))?)? is a token"
_NEVER_MEANT = "Nothing fails: the stack deploys, with something else in it than the code says."


def _where(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names:
    """The block that lost the key, or the resource itself."""
    return names | {"block": names.get("block") or names["resource"]}


RULES = (
    Rule(
        id="block-keys-dropped",
        gates=_GATE,
        codes=("key-dropped",),
        pattern=r"\): (?P<key>\S+)(?: of (?P<block>\S+))? was given and did not arrive",
        refine=_where,
        category=Category.CDKTF_API,
        symbols=("symbol", "block"),
        title="{key} of {block} is dropped without an error",
        root_cause=(
            "A plain dict inside a list block is handed to jsii as it is, and jsii keeps only the camelCase names that the struct has. {key} is none of "
            "them, so it is gone: it is null or missing in cdk.tf.json."
        ),
        impact=_NEVER_MEANT,
        lesson="CDKTF blocks: in a list, write the struct classes of the bindings; a plain dict there silently loses every snake_case or unknown key.",
        documentation=CDKTF_DOCS + "/resources",
        examples=(
            Example(
                "silent-drop",
                "key-dropped",
                "s/sg (aws_security_group): from_port of ingress was given and did not arrive in cdk.tf.json; write SecurityGroupIngress(from_port=...), "
                "or in a plain mapping the key fromPort",
                address="aws_security_group.sg",
                symbols=("SecurityGroupIngress", "ingress", "from_port"),
            ),
            Example(
                "silent-drop",
                "key-dropped",
                "s/aws (provider): Team of default_tags was given and did not arrive in cdk.tf.json; the block is AwsProviderDefaultTags, and it takes tags",
                address="provider.aws",
                symbols=("AwsProviderDefaultTags", "default_tags", "Team"),
            ),
        ),
    ),
    Rule(
        id="token-taken-for-list",
        gates=_GATE,
        codes=("token-length", "token-iterated", "token-indexed"),
        pattern=_TOKEN,
        category=Category.CDKTF_API,
        symbols=("name",),
        title="{name} is counted, looped over or indexed before it has a value",
        root_cause="In Python a computed list is one token in a list of one, whatever it will hold: its length is 1, a loop runs once, element 0 is all of it.",
        impact="Nothing fails: the stack is built for one element, however many there are.",
        lesson="CDKTF tokens: the length of a computed list is Fn.length_of(list), an element Fn.element(list, i); loops need a list of the program's own.",
        documentation=CDKTF_DOCS + "/tokens",
        examples=(
            Example(
                "silent-drop",
                "token-length",
                "names of s/az (aws_availability_zones) is a token for a list that is known at apply: len() of it is 1, whatever it will hold; write "
                "Fn.length_of(...)",
                address="data.aws_availability_zones.az",
                symbols=("names", "length_of", "len"),
            ),
            Example(
                "silent-drop",
                "token-iterated",
                "names of s/az (aws_availability_zones) is a token for a list that is known at apply: a loop over it runs once, whatever it will hold; write "
                "Fn.element(...), a TerraformIterator or a list of the program's own",
                address="data.aws_availability_zones.az",
                symbols=("names", "element"),
            ),
        ),
    ),
    Rule(
        id="token-arithmetic",
        gates=_GATE,
        codes=("token-arithmetic",),
        pattern=_TOKEN,
        category=Category.CDKTF_API,
        symbols=("name",),
        title="Python calculates with {name} before it has a value",
        root_cause="A computed number is a token in Python: a huge negative float. What is added to it is lost in rounding, and other operations destroy it.",
        impact=_NEVER_MEANT,
        lesson="CDKTF tokens: calculate with computed numbers in a Terraform expression, never in Python.",
        documentation=CDKTF_DOCS + "/tokens",
        examples=(
            Example(
                "silent-drop",
                "token-arithmetic",
                "visibility_timeout_seconds of s/q (aws_sqs_queue) is a token for a number that is known at apply: what Python calculates with it is lost or "
                "nonsense; write an expression, Token.as_number(...) over a string of Terraform",
                address="aws_sqs_queue.q",
                symbols=("visibility_timeout_seconds", "as_number"),
            ),
        ),
    ),
    Rule(
        id="token-compared",
        gates=_GATE,
        codes=("token-compared",),
        pattern=_TOKEN,
        category=Category.CDKTF_API,
        symbols=("name",),
        title="{name} is compared before it has a value",
        root_cause="In Python {name} is a placeholder. Compared there, it equals nothing, so one branch is dead whatever the value will be.",
        impact="Nothing fails: the same branch is taken in every account and region.",
        lesson="CDKTF tokens: decide by inputs of the program, or let Terraform decide with Fn.conditional; an if over a computed value is always the same.",
        documentation=CDKTF_DOCS + "/tokens",
        examples=(
            Example(
                "silent-drop",
                "token-compared",
                "region of s/b (aws_s3_bucket) is a token for a string that is known at apply: compared in Python it is never the value; write "
                "Fn.conditional(...), or decide by an input of the program",
                address="aws_s3_bucket.b",
                symbols=("region", "conditional"),
            ),
        ),
    ),
    Rule(
        id="token-edited",
        gates=_GATE,
        codes=("token-edited",),
        pattern=_TOKEN,
        category=Category.CDKTF_API,
        symbols=("name",),
        title="{name} is split, cut or replaced before it has a value",
        root_cause="Methods of Python's strings work on the placeholder: split and replace find nothing and hand on all of it, upper and lower spoil it.",
        impact=_NEVER_MEANT,
        lesson="CDKTF tokens: take computed strings apart with Fn.split, Fn.replace and Fn.element, or use the attribute that has the part (arn_suffix).",
        documentation=CDKTF_DOCS + "/functions",
        examples=(
            Example(
                "silent-drop",
                "token-edited",
                "arn of s/b (aws_s3_bucket) is a token for a string that is known at apply: Python edits the placeholder, not the value; write Fn.split, "
                "Fn.replace, Fn.substr and the like",
                address="aws_s3_bucket.b",
                symbols=("arn", "split", "replace"),
            ),
        ),
    ),
    Rule(
        id="override-misplaced",
        gates=_GATE,
        codes=("override-misplaced",),
        pattern=r'add_override\("(?P<key>[^"]+)"\) (?P<what>.+)',
        category=Category.TERRAFORM,
        symbols=("key",),
        title="The override {key} lands in the wrong place",
        root_cause="The override {what}.",
        impact="What the override says takes no effect: Terraform does not look there for it.",
        lesson="CDKTF overrides: a resource's add_override takes a path inside of the resource (\"versioning.enabled\"), a stack's the whole path.",
        documentation=CDKTF_DOCS + "/resources",
        examples=(
            Example(
                "silent-drop",
                "override-misplaced",
                's/b (aws_s3_bucket): add_override("resource.aws_s3_bucket.b.force_destroy") was nested inside of the resource as a block resource: an '
                'override\'s path is relative to the resource; write add_override("force_destroy", ...)',
                address="aws_s3_bucket.b",
                symbols=("add_override", "resource.aws_s3_bucket.b.force_destroy"),
            ),
            Example(
                "silent-drop",
                "override-misplaced",
                's: add_override("backend.s3.x") put a block backend at the top of the stack, where Terraform knows none; write terraform.backend.s3.x',
                symbols=("add_override", "backend.s3.x"),
            ),
        ),
    ),
    Rule(
        id="attribute-after-construction",
        gates=_GATE,
        codes=("attribute-after-construction",),
        pattern=r": (?P<name>\w+) was set after construction and did not arrive in cdk\.tf\.json: (?P<class>\w+) has",
        category=Category.CDKTF_API,
        symbols=("class", "name"),
        title="{name} is set on {class}, which has no such attribute",
        root_cause="Python lets any attribute be set on any object. {class} has no {name}, so it stays a note on the Python side and never reaches cdktf.",
        impact=_NEVER_MEANT,
        lesson="CDKTF resources: hand everything to the constructor; there a wrong name is an error, on the finished resource it is silence.",
        documentation=CDKTF_DOCS + "/resources",
        examples=(
            Example(
                "silent-drop",
                "attribute-after-construction",
                "s/b (aws_s3_bucket): bogus was set after construction and did not arrive in cdk.tf.json: S3Bucket has no such attribute; hand it to the "
                "constructor under the name that the resource has for it",
                address="aws_s3_bucket.b",
                symbols=("bogus", "S3Bucket"),
            ),
        ),
    ),
    Rule(
        id="construct-id-changed",
        gates=_GATE,
        codes=("id-changed",),
        pattern=r'its id "(?P<id>[^"]+)" did not arrive',
        category=Category.CDKTF_API,
        severity=Severity.MEDIUM,  # everything is there, under another name
        symbols=("id",),
        title='The construct id "{id}" does not arrive as it is written',
        root_cause="cdktf takes out of an id whatever Terraform does not allow in a name. The spaces are gone, and the resource or output is called otherwise.",
        impact="Whoever looks for the name that the code has, in outputs or state, does not find it.",
        lesson="CDKTF constructs: ids are letters, digits, - and _; cdktf silently drops everything else, spaces first.",
        documentation=CDKTF_DOCS + "/constructs",
        examples=(
            Example(
                "silent-drop",
                "id-changed",
                's/my bucket (aws_s3_bucket): the spaces of its id "my bucket" did not arrive: Terraform knows aws_s3_bucket.mybucket; '
                "write an id without spaces",
                address="aws_s3_bucket.mybucket",
                symbols=("my bucket",),
            ),
        ),
    ),
)
