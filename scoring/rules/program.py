"""Plain Python: what stops any program, and programs that end without a stack."""

from __future__ import annotations

from harness.failures import Category
from scoring.rules.base import STOPS_SYNTHESIS, Example, Merge, Rule

_EXCEPTIONS = "https://docs.python.org/3/library/exceptions.html"

RULES = (
    Rule(
        id="syntax-error",
        gates=("synth",),
        codes=("SyntaxError", "IndentationError", "TabError"),
        category=Category.PYTHON,
        symbols=("file",),
        title="{file} is not Python: {summary}",
        root_cause="The file does not parse, so nothing that imports it can run.",
        impact=STOPS_SYNTHESIS,
        lesson="Python: parse every file before handing it over.",
        documentation=_EXCEPTIONS + "#SyntaxError",
        examples=(Example("synth", "SyntaxError", "'(' was never closed"),),
    ),
    Rule(
        id="undefined-name",
        gates=("synth",),
        codes=("NameError", "UnboundLocalError"),
        pattern=r"name '(?P<name>\w+)' is not defined|local variable '(?P<local>\w+)'",
        refine=lambda names, diagnostic, finding: names | {"name": names.get("name") or names["local"]},
        category=Category.PYTHON,
        symbols=("name",),
        title="{name} is used but never defined",
        root_cause="The response uses {name} without importing, defining or receiving it.",
        impact=STOPS_SYNTHESIS,
        lesson="Python: import or define every name before using it; a linter finds these at once.",
        documentation=_EXCEPTIONS + "#NameError",
        examples=(
            Example("synth", "NameError", "name 'Fn' is not defined", symbols=("Fn",)),
            Example("synth", "UnboundLocalError", "cannot access local variable 'AwsProvider' where it is not associated with a value"),
        ),
    ),
    Rule(
        id="undefined-attribute",
        gates=("synth",),
        codes=("AttributeError",),
        pattern=r"'(?P<owner>\w+)' object has no attribute '(?P<name>\w+)'",
        category=Category.PYTHON,
        symbols=("owner", "name"),
        title="{owner} has no attribute {name}",
        root_cause=(
            "The response reads {name} from a {owner}, which never had it: it was not set, not handed over, or the value is of another "
            "type than expected."
        ),
        impact=STOPS_SYNTHESIS,
        lesson="Python: set in the constructor every attribute that other code reads.",
        documentation=_EXCEPTIONS + "#AttributeError",
        examples=(
            Example("synth", "AttributeError", "'SecurityStack' object has no attribute 'account_id'", symbols=("account_id",)),
            Example("synth", "AttributeError", "'dict' object has no attribute 'foo'", symbols=("foo",)),
            Example("synth", "AttributeError", "'NoneType' object has no attribute 'id'", symbols=("id",)),
        ),
    ),
    Rule(
        id="environment-variable-required",
        gates=("synth",),
        codes=("KeyError",),
        pattern=r"'(?P<name>[A-Z][A-Z0-9_]*)'",
        category=Category.PACKAGING,
        symbols=("name",),
        title="Synthesis needs the environment variable {name}",
        root_cause="The response reads {name} from the environment without a default, and nothing in the task says that it is set.",
        impact=STOPS_SYNTHESIS,
        lesson="Packaging: give every environment variable a default, or take the value as a parameter.",
        documentation="https://docs.python.org/3/library/os.html#os.environ",
        examples=(Example("synth", "KeyError", "'BUCKET_NAME'"),),
    ),
    Rule(
        id="file-not-found",
        gates=("synth",),
        codes=("FileNotFoundError",),
        pattern=r"No such file or directory: '(?P<path>[^']+)'",
        category=Category.PACKAGING,
        symbols=("path",),
        title="A file that the program reads was never written: {path}",
        root_cause="The response opens {path}, which is not part of what it wrote.",
        impact=STOPS_SYNTHESIS,
        lesson="Packaging: ship every file that the program reads, and name it relative to __file__.",
        documentation=_EXCEPTIONS + "#FileNotFoundError",
        examples=(Example("synth", "FileNotFoundError", "[Errno 2] No such file or directory: 'lambda.zip'"),),
    ),
    Rule(
        id="never-synthesizes",
        gates=("synth",),
        codes=("no-synthesis", "entry-missing", "exit-code"),
        category=Category.CDKTF_API,
        merge=Merge.PER_RULE,
        symbols=(),
        title="The program ends without a stack",
        root_cause="The entry program never gets to app.synth(), so CDKTF writes nothing.",
        impact="Deployment blocked: there is nothing to deploy.",
        lesson="CDKTF programs: the entry file creates the App and every stack, and ends with app.synth().",
        documentation="https://developer.hashicorp.com/terraform/cdktf/concepts/cdktf-architecture",
        examples=(
            Example("synth", "no-synthesis", "the program ended without synthesizing a stack: app.synth() was never reached"),
            Example("synth", "entry-missing", "the entry program tap.py is not in the tree", symbols=("tap.py",)),
        ),
    ),
    Rule(
        id="over-limit",
        gates=("synth",),
        codes=("time-limit", "memory-limit", "process-limit", "output-limit"),
        category=Category.PYTHON,
        symbols=("code",),
        title="The program had to be stopped: {code}",
        root_cause="A loop without end, a blocking call or runaway output: {summary}.",
        impact=STOPS_SYNTHESIS,
        lesson="Python: synthesis builds a tree and ends; it waits for nothing and starts nothing.",
        documentation="https://developer.hashicorp.com/terraform/cdktf/concepts/cdktf-architecture",
        examples=(Example("synth", "time-limit", "the program did not end within 60 s and was stopped"),),
    ),
)
