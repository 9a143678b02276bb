"""Plain Python: what stops any program."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from harness.diagnostics import Diagnostic
from harness.failures import Category
from scoring.rules.base import STOPS_SYNTHESIS, Example, Merge, Names, Rule, added_code
from scoring.rules.bindings import module_of, suffixed

if TYPE_CHECKING:
    from harness.attribution import Finding

_EXCEPTIONS = "https://docs.python.org/3/library/exceptions.html"
_CDK_STACK = frozenset({"region", "account", "partition", "url_suffix", "stack_id", "stack_name", "availability_zones", "format_arn"})
_IMPORT = r"from\s+([\w.]+)\s+import\s+(?:\([^)]*?|[^\n(]*?)\b{name}\b"


def _not_imported(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names | None:
    """Holds where the fix imports the name, or where it is one of the bindings' or of the standard library's."""
    name = names["name"]
    imported = re.search(_IMPORT.format(name=re.escape(name)), added_code(finding))
    module = imported[1] if imported else module_of(name)
    if not module and name not in sys.stdlib_module_names:
        return None
    hint = f" The bindings call the class {suffixed(name)}." if suffixed(name) and not imported else ""
    if module.startswith("cdktf_"):
        hint = f" {name} is a class of the bindings.{hint}"
    return names | {"statement": f"from {module} import {suffixed(name) or name}" if module else f"import {name}", "hint": hint}


def _attribute(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names:
    """Whose attribute, and a hint where it is one that a stack has in the AWS CDK."""
    name = names.get("name") or names["member"]
    hint = f" In the AWS CDK a stack has {name}; in CDKTF it has not." if name in _CDK_STACK else ""
    return names | {"owner": names.get("owner") or names["holder"], "name": name, "hint": hint}


def _in_tree(path: str) -> str:
    return path.removeprefix("/case/")


RULES = (
    Rule(
        id="syntax-error",
        gates=("synth",),
        codes=("SyntaxError", "IndentationError", "TabError"),
        category=Category.PYTHON,
        symbols=("file",),
        title="{file} is not Python: {summary}",
        root_cause="The file does not parse, so nothing that imports it can run: {summary}.",
        impact=STOPS_SYNTHESIS,
        lesson="Python: parse every file before handing it over.",
        documentation=_EXCEPTIONS + "#SyntaxError",
        examples=(
            Example("synth", "SyntaxError", "'(' was never closed"),
            Example("synth", "IndentationError", "expected an indented block after function definition on line 1"),
        ),
    ),
    Rule(
        id="import-missing",
        gates=("synth",),
        codes=("NameError",),
        pattern=r"name '(?P<name>\w+)' is not defined",
        refine=_not_imported,
        category=Category.PYTHON,
        merge=Merge.PER_RULE,
        symbols=("name",),
        title="Names are used without being imported: {name}",
        root_cause="The response uses {name}, and what imports it is missing or was lost: {statement}.{hint}",
        impact=STOPS_SYNTHESIS,
        lesson="Python: import every class where it is used, in every file; a linter finds what is missing at once.",
        documentation=_EXCEPTIONS + "#NameError",
        examples=(
            Example("synth", "NameError", "name 'KmsAlias' is not defined", symbols=("KmsAlias",)),
            Example("synth", "NameError", "name 'S3BucketVersioning' is not defined", symbols=("S3BucketVersioning",)),
            Example("synth", "NameError", "name 'Fn' is not defined", symbols=("Fn",)),
            Example("synth", "NameError", "name 'json' is not defined", symbols=("json",)),
            Example("synth", "NameError", "name 'Network' is not defined", symbols=("Network",), ideal="from lib.network import Network"),
        ),
    ),
    Rule(
        id="used-before-assignment",
        gates=("synth",),
        codes=("UnboundLocalError", "NameError"),
        pattern=r"cannot access (?:local|free) variable '(?P<name>\w+)'",
        category=Category.PYTHON,
        symbols=("name",),
        title="{name} is used before it has a value",
        root_cause="The function assigns to {name}, or imports it, only after this use or on another branch.",
        impact=STOPS_SYNTHESIS,
        lesson="Python: give a variable its value on every way that leads to its use; import at the top of the file.",
        documentation=_EXCEPTIONS + "#UnboundLocalError",
        examples=(
            Example("synth", "UnboundLocalError", "cannot access local variable 'AwsProvider' where it is not associated with a value"),
            Example("synth", "NameError", "cannot access free variable 'vpc' where it is not associated with a value in enclosing scope", symbols=("vpc",)),
        ),
    ),
    Rule(
        id="undefined-name",
        gates=("synth",),
        codes=("NameError",),
        pattern=r"name '(?P<name>\w+)' is not defined",
        category=Category.PYTHON,
        symbols=("name",),
        title="{name} is used but never defined",
        root_cause="The response uses {name} without importing, defining or receiving it.",
        impact=STOPS_SYNTHESIS,
        lesson="Python: import or define every name before using it; a linter finds these at once.",
        documentation=_EXCEPTIONS + "#NameError",
        examples=(Example("synth", "NameError", "name 'common_tags' is not defined", symbols=("common_tags",)),),
    ),
    Rule(
        id="undefined-attribute",
        gates=("synth",),
        codes=("AttributeError",),
        pattern=r"'(?P<owner>\w+)' object has no attribute '(?P<name>\w+)'|(?:type object|module) '(?P<holder>[\w.]+)' has no attribute '(?P<member>\w+)'",
        refine=_attribute,
        category=Category.PYTHON,
        symbols=("owner", "name"),
        title="{owner} has no attribute {name}",
        root_cause=(
            "The response reads {name} from {owner}, which never had it: it was not set, not handed over, or the value is of another type than expected.{hint}"
        ),
        impact=STOPS_SYNTHESIS,
        lesson="Python: set in the constructor every attribute that other code reads.",
        documentation=_EXCEPTIONS + "#AttributeError",
        examples=(
            Example("synth", "AttributeError", "'SecurityStack' object has no attribute 'account_id'", symbols=("account_id",)),
            Example("synth", "AttributeError", "'Network' object has no attribute 'subnets'", symbols=("subnets",)),
            Example("synth", "AttributeError", "'StorageStack' object has no attribute 'region'", symbols=("region",)),
            Example("synth", "AttributeError", "'dict' object has no attribute 'foo'", symbols=("foo",)),
            Example("synth", "AttributeError", "'NoneType' object has no attribute 'id'", symbols=("id",)),
            Example("synth", "AttributeError", "module 'constructs' has no attribute 'ConstructNode'", symbols=("ConstructNode",)),
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
        id="key-missing",
        gates=("synth",),
        codes=("KeyError",),
        pattern=r"KeyError: (?P<name>.+)",
        category=Category.PYTHON,
        symbols=("name",),
        title="A dictionary has no key {name}",
        root_cause="The response looks {name} up in a dictionary, such as its own configuration, that does not have it.",
        impact=STOPS_SYNTHESIS,
        lesson="Python: keep the keys that code reads and the dictionaries that it is given in step.",
        documentation=_EXCEPTIONS + "#KeyError",
        examples=(Example("synth", "KeyError", "'vpc_id'"),),
    ),
    Rule(
        id="index-out-of-range",
        gates=("synth",),
        codes=("IndexError",),
        category=Category.PYTHON,
        merge=Merge.PER_RULE,
        symbols=(),
        title="A list is shorter than the code expects",
        root_cause="The response takes an element that a list does not have: {summary}.",
        impact=STOPS_SYNTHESIS,
        lesson="Python: take elements by loops over what is there, not by positions that are taken for granted.",
        documentation=_EXCEPTIONS + "#IndexError",
        examples=(Example("synth", "IndexError", "list index out of range"),),
    ),
    Rule(
        id="file-not-found",
        gates=("synth",),
        codes=("FileNotFoundError", "NotADirectoryError"),
        pattern=r"\[Errno \d+\] [\w ]+: '(?P<path>[^']+)'",
        refine=lambda names, diagnostic, finding: names | {"path": _in_tree(names["path"])},
        category=Category.PACKAGING,
        symbols=("path",),
        title="A file that the program needs was never written: {path}",
        root_cause="The response opens or starts {path}, which is not part of what it wrote.",
        impact=STOPS_SYNTHESIS,
        lesson="Packaging: ship every file that the program reads, and name it relative to __file__.",
        documentation=_EXCEPTIONS + "#FileNotFoundError",
        examples=(
            Example("synth", "FileNotFoundError", "[Errno 2] No such file or directory: 'lambda.zip'"),
            Example("synth", "FileNotFoundError", "[Errno 2] No such file or directory: '/case/lib/policy.json'"),
        ),
    ),
    Rule(
        id="not-json-serializable",
        gates=("synth",),
        codes=("TypeError",),
        pattern=r"Object of type (?P<name>\w+) is not JSON serializable",
        category=Category.PYTHON,
        symbols=("name",),
        title="A {name} is put into a JSON document",
        root_cause="json.dumps writes dictionaries, lists, strings, numbers, booleans and None; a {name} is none of these.",
        impact=STOPS_SYNTHESIS,
        lesson="Python: turn sets into lists and dates into text before json.dumps.",
        documentation="https://docs.python.org/3/library/json.html#json.JSONEncoder",
        examples=(
            Example("synth", "TypeError", "Object of type set is not JSON serializable"),
            Example("synth", "TypeError", "Object of type datetime is not JSON serializable"),
        ),
    ),
    Rule(
        id="value-of-another-type",
        gates=("synth",),
        codes=("TypeError", "ValueError"),
        pattern=(
            r"'(?P<got>\w+)' object is not (?:callable|subscriptable|iterable|a mapping)|cannot unpack non-iterable (?P<unpacked>\w+) object"
            r"|argument of type '(?P<container>\w+)' is not iterable|object of type '(?P<sized>\w+)' has no len|can only concatenate (?P<text>\w+)"
            r"|unsupported operand type\(s\) for [^:]+: '(?P<left>\w+)'|(?P<indexed>string|list|tuple) indices must be|unhashable type: '(?P<key>\w+)'"
            r"|(?:too many|not enough) values to unpack|Can't instantiate abstract class (?P<abstract>\w+)"
        ),
        refine=lambda names, diagnostic, finding: names | {"kind": next(iter(_found(names)), "")},
        category=Category.PYTHON,
        symbols=("kind",),
        title="A value is not what the code takes it for: {summary}",
        root_cause="Python says: {summary}. The value comes from elsewhere, and is None or of another type than this code was written for.",
        impact=STOPS_SYNTHESIS,
        lesson="Python: know what each function returns, and what each parameter is given.",
        documentation=_EXCEPTIONS + "#TypeError",
        examples=(
            Example("synth", "TypeError", "'NoneType' object is not subscriptable"),
            Example("synth", "TypeError", "'module' object is not callable"),
            Example("synth", "TypeError", 'can only concatenate str (not "int") to str'),
            Example("synth", "TypeError", "unsupported operand type(s) for +: 'NoneType' and 'str'"),
            Example("synth", "TypeError", "string indices must be integers, not 'str'"),
            Example("synth", "TypeError", "cannot unpack non-iterable int object"),
            Example("synth", "TypeError", "object of type 'int' has no len()"),
            Example("synth", "ValueError", "too many values to unpack (expected 2)"),
            Example("synth", "TypeError", "Can't instantiate abstract class Layer with abstract method build"),
            Example("synth", "TypeError", "argument of type 'NoneType' is not iterable"),
        ),
    ),
)


def _found(names: dict[str, str]) -> list[str]:
    return [names[key] for key in ("got", "unpacked", "container", "sized", "text", "left", "indexed", "key", "abstract") if key in names]
