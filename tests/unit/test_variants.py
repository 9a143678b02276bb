"""Laws of fixes and variants, over sources that hypothesis writes."""

from __future__ import annotations

import ast
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.diagnostics import Location
from harness.fixes import FORMAT, compare
from harness.tree import Tree
from harness.variants import diff, make_variant

NAMES = st.sampled_from(["alpha", "beta", "gamma", "delta"])
SIMPLE = st.one_of(
    st.builds(lambda name, value: [f"{name} = {value}"], NAMES, st.integers(0, 3)),
    st.builds(lambda name: [f"import {name}"], NAMES),
    st.builds(lambda name, value: [f'print("{name}", {value})'], NAMES, st.integers(0, 3)),
    st.builds(lambda name: ["# a remark", f"use({name},", "    1)"], NAMES),
    st.builds(
        lambda name, keys, last: [
            f"make(self, '{name}',",
            *(f"     {key}={value}," for key, value in keys.items()),
            f"     tags={{'a': 1, '{last}': [2, Use(x={len(last)})]}})",
        ],
        NAMES,
        st.dictionaries(NAMES, st.one_of(st.integers(0, 2), st.just("[1, 'é']")), max_size=3),
        NAMES,
    ),
    st.builds(lambda names: [f"from pack import {', '.join(sorted(names))}"], st.sets(NAMES, min_size=1)),
    st.builds(lambda name: [f'text = """{name}', "  kept as it is", '"""'], NAMES),
)


def _indented(lines: list[str], width: int, inside_string: bool = False) -> list[str]:
    result = []
    for line in lines:
        result.append(line if inside_string or not line else " " * width + line)
        inside_string ^= line.count('"""') % 2 == 1
    return result


@st.composite
def blocks(draw: st.DrawFn, depth: int = 2, width: int = 4) -> list[str]:
    """A list of source lines that parses; `width` is the indentation of every block in it."""
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["simple", "simple", "def", "class", "if"])) if depth else "simple"
        if kind == "simple":
            lines += draw(SIMPLE)
            continue
        body = _indented(draw(blocks(depth=depth - 1, width=width)), width)
        name = draw(NAMES)
        if kind == "def":
            keywords = draw(st.lists(st.sampled_from(["gamma", "delta=1", "omega: int = 2"]), unique=True))
            catching = draw(st.sampled_from([[], ["**rest"]]))
            more = draw(st.sampled_from([[], ["*", *keywords] if keywords else [], ["extra=3"]]))
            lines += [f"def {name}({', '.join(['a', f'b={draw(st.integers(0, 2))}', *more, *catching])}):", *body]
        elif kind == "class":
            lines += [f"class {name.title()}(Base):", *body]
        else:
            lines += [f"if {name}:", *body, "else:", *_indented(draw(blocks(depth=0, width=width)), width)]
        if draw(st.booleans()):
            lines.append("")
    return lines


@st.composite
def sources(draw: st.DrawFn) -> str:
    """A Python module, with either indentation and perhaps without a newline at its end."""
    text = "\n".join(draw(blocks(width=draw(st.sampled_from([2, 4])))))
    return text + draw(st.sampled_from(["\n", "", "\n\n"]))


def _compare(response: str, ideal: str):
    return compare(Tree({"lib/a.py": response.encode()}), Tree({"lib/a.py": ideal.encode()}))


@given(sources(), sources())
@settings(max_examples=150, deadline=None)
def test_no_fix_gives_the_response_and_all_fixes_give_the_ideal(response: str, ideal: str) -> None:
    comparison = _compare(response, ideal)
    assert make_variant(comparison, ()).tree == comparison.response
    assert make_variant(comparison, comparison.fixes).tree == comparison.ideal


@given(sources(), sources(), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_every_set_of_fixes_parses_and_knows_where_its_lines_come_from(response: str, ideal: str, random) -> None:
    comparison = _compare(response, ideal)
    chosen = [fix for fix in comparison.fixes if random.random() < 0.5]
    variant = make_variant(comparison, chosen)
    text = variant.tree.text("lib/a.py")
    ast.parse(text)
    if "lib/a.py" in variant.origins:
        lines = text.count("\n") + (not text.endswith("\n") and bool(text))
        assert len(variant.origins["lib/a.py"]) == lines
        assert all(1 <= origin.line <= response.count("\n") + 2 for origin in variant.origins["lib/a.py"])


@given(sources())
@settings(max_examples=50, deadline=None)
def test_a_tree_compared_with_itself_has_no_fix(source: str) -> None:
    assert not _compare(source, source).fixes


RESPONSE = {
    "tap.py": "from lib.stack import Stack\nStack(app, 'x', suffix='dev')\n",
    "lib/stack.py": """from lib.keys import Keys
from aws.bucket import Bucket


class Stack(Base):
  def __init__(self, scope, id, **kwargs):
    super().__init__(scope, id)
    keys = Keys(self, "keys")
    Bucket(self, "bucket", name=f"b-{suffix}")
    Topic(self, "topic", days=1)
""",
    "lib/keys.py": "class Keys(Base):\n  def __init__(self, scope, id):\n    super().__init__(scope, id)\n    self.policy = 'arn:1234'\n",
    "tests/test_stack.py": "def test_stack():\n    assert Stack(app, 'x')\n",
}
IDEAL = {
    "tap.py": "from lib.stack import Stack\nStack(app, 'x', suffix='dev')\n",
    "lib/stack.py": """from lib.keys import Keys
from aws.bucket import BucketA
from aws.identity import Identity


class Stack(Base):
    def __init__(self, scope, id, suffix):
        super().__init__(scope, id)
        current = Identity(self, "current")
        keys = Keys(self, "keys", account=current.account)
        BucketA(self, "bucket", name=f"b-{suffix}")
        Topic(self, "topic", days=2)
""",
    "lib/keys.py": "class Keys(Base):\n    def __init__(self, scope, id, account):\n"
    "        super().__init__(scope, id)\n        self.policy = f'arn:{account}'\n",
    "tests/test_stack.py": "def test_stack():\n    assert Stack(app, 'x', suffix='t')\n",
}


@pytest.fixture(scope="module")
def comparison():
    return compare(*(Tree({path: text.encode() for path, text in files.items()}) for files in (RESPONSE, IDEAL)))


def _fix_with(comparison, text: str) -> str:
    found = [fix for fix in comparison.fixes if any(text in edit.ideal_text for edit in comparison.edits_of(fix))]
    assert len(found) == 1, found
    return found[0]


def test_an_import_and_its_uses_are_one_fix(comparison) -> None:
    edits = comparison.edits_of(_fix_with(comparison, "import BucketA"))
    assert len(edits) == 2
    assert "BucketA(self" in edits[1].ideal_text


def test_a_new_required_parameter_its_caller_and_what_serves_it_are_one_fix(comparison) -> None:
    fix = _fix_with(comparison, "account=current.account")
    texts = "".join(edit.ideal_text for edit in comparison.edits_of(fix))
    assert "def __init__(self, scope, id, account)" in texts
    assert "import Identity" in texts
    assert 'Identity(self, "current")' in texts


def test_a_test_is_never_one_fix_with_the_code_it_tests(comparison) -> None:
    fix = _fix_with(comparison, "suffix='t'")
    assert all(edit.in_tests for edit in comparison.edits_of(fix))
    assert not comparison.fixes[fix].needs


def test_parameters_are_edits_of_their_own() -> None:
    comparison = _compare(
        "def f(self, scope, *, suffix: str):\n    return suffix\n", "def f(self, scope, *, suffix: str, region: str = 'x', **rest):\n    return suffix\n"
    )
    assert [edit.ideal_part for edit in comparison.edits] == ["region: str = 'x'", "**rest"]
    texts = {make_variant(comparison, [fix]).tree.text("lib/a.py").splitlines()[0] for fix in comparison.fixes}
    assert texts == {"def f(self, scope, *, suffix: str, region: str = 'x'):", "def f(self, scope, *, suffix: str, **rest):"}


def test_a_renamed_method_and_what_is_inside_of_it_are_told_apart() -> None:
    response = "class A(B):\n    def policy_for(self, arn):\n        return {'arn': arn, 'account': self.account, 'days': 1, 'name': 'policy', 'on': True}\n"
    ideal = "class A(B):\n    def _policy(self, account, arn):\n        return {'arn': arn, 'account': account, 'days': 2, 'name': 'policy', 'on': True}\n"
    comparison = _compare(response, ideal)
    by_part = {edit.ideal_part: fix for fix in comparison.fixes for edit in comparison.edits_of(fix)}
    head = next(fix for part, fix in by_part.items() if "def _policy" in part)
    assert head in comparison.with_needs([by_part["'account': account"]])
    assert comparison.with_needs([by_part["'days': 2"]]) == {by_part["'days': 2"]}


def test_independent_statements_are_separate_fixes(comparison) -> None:
    assert len(comparison.edits_of(_fix_with(comparison, "days=2"))) == 1


def test_layout_is_one_fix_of_its_own(comparison) -> None:
    assert FORMAT in comparison.fixes
    changed = make_variant(comparison, [FORMAT]).tree
    for path in changed.python_files():
        assert ast.dump(ast.parse(changed.text(path))) == ast.dump(ast.parse(RESPONSE[path]))


def test_undoing_one_fix_changes_only_its_statements(comparison) -> None:
    fix = _fix_with(comparison, "days=2")
    text = make_variant(comparison, set(comparison.fixes) - {fix}).tree.text("lib/stack.py")
    assert text == IDEAL["lib/stack.py"].replace("days=2", "days=1")


def test_needs_and_dependents_are_each_others_reverse(comparison) -> None:
    for one, two in itertools.permutations(comparison.fixes, 2):
        assert (two in comparison.with_needs([one])) == (one in comparison.with_dependents([two]))


def test_the_diff_names_both_sides(comparison) -> None:
    text = diff(comparison, [_fix_with(comparison, "days=2")])
    assert "--- response/lib/stack.py" in text
    assert '-    Topic(self, "topic", days=1)' in text
    assert '+    Topic(self, "topic", days=2)' in text


def test_files_on_one_side_only_are_added_and_removed_whole() -> None:
    comparison = compare(Tree({"a.py": b"x = 1\n", "old.py": b"y = 1\n"}), Tree({"a.py": b"x = 1\n", "new.py": b"z = 1\n"}))
    assert len(comparison.fixes) == 2
    assert make_variant(comparison, comparison.fixes).tree.files.keys() == {"a.py", "new.py"}


def test_a_response_that_does_not_parse_is_compared_by_lines() -> None:
    comparison = compare(Tree({"a.py": b"def f(:\n    return 1\n"}), Tree({"a.py": b"def f():\n    return 1\n"}))
    assert [edit.statements for edit in comparison.edits] == [1]
    assert make_variant(comparison, comparison.fixes).tree == comparison.ideal


def test_a_file_that_is_not_utf8_is_replaced_whole() -> None:
    comparison = compare(Tree({"a.py": b"x = '\xff'\n"}), Tree({"a.py": b"x = 1\n"}))
    assert len(comparison.edits) == 1
    assert make_variant(comparison, comparison.fixes).tree == comparison.ideal


def test_a_statement_that_only_moved_is_one_fix() -> None:
    response = "import b\nimport a\n\nuse(a, b)\n"
    ideal = "import a\nimport b\n\nuse(a, b)\n"
    assert len(_compare(response, ideal).fixes) == 1


def test_a_package_that_the_response_leaves_out_is_one_fix() -> None:
    tap = b"from lib.stack import Stack\n\nStack()\n"
    ideal = {"tap.py": tap, "lib/__init__.py": b"", "lib/stack.py": b"from lib.keys import KEY\n\nStack = KEY\n", "lib/keys.py": b"KEY = int\n"}
    comparison = compare(Tree({"tap.py": tap}), Tree(ideal))
    assert [len(fix.edits) for fix in comparison.fixes.values()] == [3]


@given(sources(), sources(), st.integers(0, 30), st.sampled_from(["x = (", "def f(:", "'", "    indented = 1"]), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_a_file_that_does_not_parse_is_mended_first(response: str, ideal: str, line: int, mistake: str, random) -> None:
    lines = response.split("\n")
    lines.insert(min(line, len(lines)), mistake)
    comparison = _compare("\n".join(lines), ideal)
    assert make_variant(comparison, ()).tree == comparison.response
    assert make_variant(comparison, comparison.fixes).tree == comparison.ideal
    mending = [fix for fix in comparison.fixes if any(edit.mends for edit in comparison.edits_of(fix))]
    if mending:
        chosen = comparison.with_needs(fix for fix in comparison.fixes if random.random() < 0.5) | set(mending)
        ast.parse(make_variant(comparison, chosen).tree.text("lib/a.py"))


def test_one_mistake_of_syntax_is_one_fix_beside_the_others() -> None:
    response = "import a\n\n\ndef f():\n    return g(1, x='2)\n\n\nname = 1\nother = a.b(1)\n"
    ideal = "import a\n\n\ndef f():\n    return g(1, x='2')\n\n\nname = 2\nother = a.b(1)\n"
    comparison = _compare(response, ideal)
    assert [[edit.mends for edit in comparison.edits_of(fix)] for fix in comparison.fixes] == [[True], [False]]
    assert "name = 2" in make_variant(comparison, comparison.fixes).tree.text("lib/a.py")


BIG = """import json
from cdktf import TerraformStack
from aws.vpc import Vpc
from aws.queue import Queue


# The network.
class Network(Base):
    def __init__(self, scope, id):
        super().__init__(scope, id)
        self.vpc = Vpc(self, "vpc", cidr="10.0.0.0/8", tags={"a": 1})


class Queues(Base):
    def __init__(self, scope, id):
        super().__init__(scope, id)
        Queue(self, "queue", policy=json.dumps({}), delay=1)


class Tap(TerraformStack):
    def __init__(self, scope, id):
        super().__init__(scope, id)
        Network(self, "network")
        Queues(self, "queues")
"""
SPLIT = {
    "lib/network.py": """from aws.vpc import Vpc


class Network(Base):
    def __init__(self, scope, id):
        super().__init__(scope, id)
        self.vpc = Vpc(self, "vpc", cidr="10.0.0.0/16", tags={"a": "1"})
""",
    "lib/queues.py": """import json

from aws.queue import Queue


class Queues(Base):
    def __init__(self, scope, id):
        super().__init__(scope, id)
        Queue(self, "queue", policy=json.dumps({"x": 1}), delay=2)
""",
    "lib/tap.py": """from cdktf import TerraformStack

from lib.network import Network
from lib.queues import Queues


class Tap(TerraformStack):
    def __init__(self, scope, id):
        super().__init__(scope, id)
        Network(self, "network")
        Queues(self, "queues")
""",
}


@pytest.fixture(scope="module")
def split_up():
    return compare(Tree({"lib/tap.py": BIG.encode()}), Tree({path: text.encode() for path, text in SPLIT.items()}))


def test_definitions_that_moved_are_compared_statement_by_statement(split_up) -> None:
    assert make_variant(split_up, ()).tree == split_up.response
    assert make_variant(split_up, split_up.fixes).tree == split_up.ideal
    parts = {edit.ideal_part for fix in split_up.fixes if len(split_up.fixes[fix].edits) == 1 for edit in split_up.edits_of(fix)}
    assert {'cidr="10.0.0.0/16"', '"a": "1"', "delay=2"} <= parts


def test_a_mistake_inside_a_moved_definition_is_mended_where_it_stands(split_up) -> None:
    fix = next(fix for fix in split_up.fixes if any(edit.ideal_part == "delay=2" for edit in split_up.edits_of(fix)))
    variant = make_variant(split_up, [fix])
    assert variant.tree.files.keys() == {"lib/tap.py"}
    assert variant.tree.text("lib/tap.py") == BIG.replace("delay=1", "delay=2")
    line = next(number for number, text in enumerate(BIG.splitlines(), start=1) if "delay=1" in text)
    origin = variant.origin(Location("lib/tap.py", line))
    assert (origin.file, origin.line) == ("lib/tap.py", line)


def test_a_definition_moves_with_its_imports_and_its_users(split_up) -> None:
    moving = [fix for fix in split_up.fixes if any(edit.carries for edit in split_up.edits_of(fix))]
    assert len(moving) == 2
    for fix in moving:
        tree = make_variant(split_up, split_up.with_needs([fix])).tree
        for path in tree.python_files():
            ast.parse(tree.text(path))
        moved = next(path for path in tree.files if path != "lib/tap.py")
        assert "import" in tree.text(moved)
        assert f"from {moved.removesuffix('.py').replace('/', '.')} import" in tree.text("lib/tap.py")
    undone = make_variant(split_up, set(split_up.fixes) - split_up.with_dependents([moving[0]])).tree
    assert "lib/network.py" not in undone.files and "class Network" in undone.text("lib/tap.py")
