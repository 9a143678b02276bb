"""Two Terraform trees side by side: which edits there are, which belong together, and that they lead from one to the other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.fixes import FORMAT, Comparison, compare
from harness.hcl.syntax import parse_hcl
from harness.hcl.tokens import HclError, tokenize
from harness.tree import Tree
from harness.variants import diff, make_variant

MAIN = """\
resource "aws_sqs_queue" "jobs" {
  name = "jobs"
}

resource "aws_iam_role_policy" "worker" {
  name = "worker"

  policy = jsonencode({
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["sqs:*"]
        Resource = aws_sqs_queue.jobs.arn
      },
    ]
  })
}
"""


def _compare(response: str | dict[str, str], ideal: str | dict[str, str]) -> Comparison:
    trees = [Tree({path: text.encode() for path, text in ({"main.tf": side} if isinstance(side, str) else side).items()}) for side in (response, ideal)]
    comparison = compare(*trees)
    assert make_variant(comparison, ()).tree.files == trees[0].files
    assert make_variant(comparison, comparison.fixes).tree.files == trees[1].files
    return comparison


def _changes(comparison: Comparison, fix: str) -> list[str]:
    return [line for line in diff(comparison, [fix], context=0).splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]


def test_two_arguments_are_two_fixes_wherever_they_stand() -> None:
    ideal = MAIN.replace('"jobs"\n}', '"work"\n}').replace('["sqs:*"]', '["sqs:ReceiveMessage"]')
    comparison = _compare(MAIN, ideal)
    assert [_changes(comparison, fix) for fix in comparison.fixes] == [
        ['-  name = "jobs"', '+  name = "work"'],
        ['-        Action   = ["sqs:*"]', '+        Action   = ["sqs:ReceiveMessage"]'],
    ]


def test_a_renamed_resource_comes_with_everything_that_refers_to_it() -> None:
    comparison = _compare(MAIN, MAIN.replace('"aws_sqs_queue" "jobs"', '"aws_sqs_queue" "work"').replace("aws_sqs_queue.jobs", "aws_sqs_queue.work"))
    (fix,) = comparison.fixes
    assert len(comparison.edits_of(fix)) == 2


def test_a_new_resource_is_needed_by_what_refers_to_it() -> None:
    key = 'resource "aws_kms_key" "jobs" {\n  enable_key_rotation = true\n}\n\n'
    ideal = key + MAIN.replace('name = "jobs"\n', 'name = "jobs"\n  kms_master_key_id = aws_kms_key.jobs.id\n').replace('name = "worker"', 'name = "w"')
    comparison = _compare(MAIN, ideal)
    assert sorted(len(comparison.edits_of(fix)) for fix in comparison.fixes if fix != FORMAT) == [1, 2]


def test_a_reference_that_goes_is_needed_by_the_resource_that_goes() -> None:
    ideal = MAIN.split("\n\n", 1)[1].replace("aws_sqs_queue.jobs.arn", '"*"')
    comparison = _compare(MAIN, ideal)
    removal = next(fix for fix in comparison.fixes if "-resource" in "".join(_changes(comparison, fix)))
    assert any('"*"' in line for line in _changes(comparison, removal)) or comparison.fixes[removal].needs


def test_a_block_that_moved_to_another_file_is_never_there_twice() -> None:
    queue, policy = MAIN.split("\n\n", 1)
    comparison = _compare({"main.tf": MAIN}, {"main.tf": policy, "queue.tf": queue + "\n"})
    for fix in comparison.fixes:
        if fix != FORMAT:
            text = b"".join(make_variant(comparison, [fix]).tree.files.values()).decode()
            assert text.count('resource "aws_sqs_queue" "jobs"') == 1


def test_an_argument_that_belongs_into_a_block_is_one_fix() -> None:
    response = 'resource "aws_s3_bucket_versioning" "b" {\n  bucket = "b"\n  status = "Enabled"\n}\n'
    ideal = response.replace('  status = "Enabled"\n', '  versioning_configuration {\n    status = "Enabled"\n  }\n')
    assert len(_compare(response, ideal).fixes) == 1


def test_a_last_element_without_its_comma_stays_in_its_list() -> None:
    one = 'a = [\n  "x",\n  "y"\n]\n'
    comparison = _compare(one, one.replace('  "y"\n', '  "y",\n  "z"\n'))
    for fix in comparison.fixes:
        text = make_variant(comparison, [fix]).tree.files["main.tf"].decode()
        assert [token.text for token in tokenize(text) if token.kind == "string"] in (['"x"', '"y"'], ['"x"', '"y"', '"z"'])
        assert '"y"\n  "z"' not in text


def test_layout_and_comments_are_a_fix_of_their_own() -> None:
    comparison = _compare(MAIN, "# What for.\n" + MAIN.replace('name = "jobs"', 'name   =  "jobs" # why'))
    assert list(comparison.fixes) == [FORMAT]


def test_a_file_that_is_no_hcl_is_compared_line_by_line() -> None:
    comparison = _compare(MAIN.replace('"jobs"\n}', '"jobs\n}').replace('"worker"\n\n', '"w"\n\n'), MAIN)
    assert len(comparison.fixes) == 2


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_the_end_of_a_file_is_kept(end: str) -> None:
    _compare(MAIN.rstrip("\n") + end, MAIN.replace('"jobs"\n', '"work"\n'))


_NAMES = st.sampled_from(["a", "b", "c"])
_VALUES = st.sampled_from(
    ["1", '"x"', "[\n    1,\n    2,\n  ]", "{\n    k = 1\n    l = 2\n  }", "var.a", "<<EOT\n  }\nEOT", "f({\n    k = [\n      1,\n    ]\n  })"]
)
_ARGUMENTS = st.lists(st.tuples(_NAMES, _VALUES), max_size=3, unique_by=lambda pair: pair[0]).map(
    lambda pairs: "".join(f"  {name} = {value}\n" for name, value in pairs)
)
_INNER = st.one_of(_ARGUMENTS, st.tuples(_ARGUMENTS, _NAMES, _ARGUMENTS).map(lambda parts: f"{parts[0]}  {parts[1]}_block {{\n{parts[2]}  }}\n"))
_FILES = st.lists(st.tuples(_NAMES, _INNER, st.sampled_from(["", "# note\n", "\n"])), max_size=4, unique_by=lambda block: block[0]).map(
    lambda blocks: "".join(f'{above}resource "aws_x" "{name}" {{\n{body}}}\n' for name, body, above in blocks)
)


@settings(max_examples=150, deadline=None)
@given(_FILES, _FILES, st.data())
def test_every_set_of_fixes_gives_a_file_with_everything_in_it_once(response: str, ideal: str, data: st.DataObject) -> None:
    comparison = _compare(response, ideal)
    chosen = data.draw(st.sets(st.sampled_from(sorted(comparison.fixes)))) if comparison.fixes else set()
    written = make_variant(comparison, comparison.with_needs(chosen)).tree.files.get("main.tf", b"").decode()
    try:
        blocks = parse_hcl(written)
    except HclError as error:  # the sides can be read, so every mixture of them has to be
        pytest.fail(f"{error}\n{written}")
    assert len({block.address for block in blocks}) == len(blocks), written
    for block in blocks:
        arguments = [item.name for item in block.items if item.kind == "argument"]
        assert len(set(arguments)) == len(arguments), written


def test_a_head_and_the_end_that_closes_it_are_exchanged_together() -> None:
    """`f({` ends with `})` and `{` with `}`: half of either is no file."""
    response = 'resource "aws_x" "a" {\n  b = f({\n    k = [\n      1,\n    ]\n  })\n}\n'
    ideal = 'resource "aws_x" "a" {\n  b = {\n    k = 1\n    l = 2\n  }\n}\n'
    comparison = _compare(response, ideal)
    for fix in comparison.fixes:
        written = make_variant(comparison, comparison.with_needs({fix})).tree.files["main.tf"].decode()
        assert parse_hcl(written), written


def test_an_argument_that_moves_stands_in_its_block_once() -> None:
    response = 'resource "aws_x" "a" {\n  a = 1\n  b = 1\n}\n'
    ideal = 'resource "aws_x" "a" {\n  b = 1\n  a = 1\n  a_block {\n    b = 1\n  }\n}\n'
    comparison = _compare(response, ideal)
    for fix in comparison.fixes:
        (block,) = parse_hcl(make_variant(comparison, comparison.with_needs({fix})).tree.files["main.tf"].decode())
        names = [item.name for item in block.items if item.kind == "argument"]
        assert sorted(names) == sorted(set(names))
