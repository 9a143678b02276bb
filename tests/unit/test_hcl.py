"""Plain Terraform read without terraform: tokens, blocks, addresses, and the stack that they are."""

from __future__ import annotations

import json

import pytest

from harness.constraints.graph import build_graphs
from harness.hcl.configuration import block_lines, build_stack, source_files, terraform_files
from harness.hcl.inside.reader import read
from harness.hcl.names import names_of_hcl
from harness.hcl.syntax import BODY, LIST, OBJECT, count_items, parse_hcl
from harness.hcl.tokens import HclError, tokenize
from harness.tree import Tree

BUCKET = """\
# The bucket.
resource "aws_s3_bucket" "logs" {
  bucket = "acme-${var.suffix}-${lookup({ a = "}" }, "a")}" /* } */
  tags   = { Name = "x" }

  lifecycle { prevent_destroy = true }

  rule {
    days = 3 # {
  }

  policy = jsonencode({
    Statement = [
      { Effect = "Allow" },
      { Effect = "Deny" },
    ]
  })

  text = <<-EOT
    } not a brace
  EOT
}
"""


def test_brackets_in_strings_comments_and_heredocs_close_nothing() -> None:
    (bucket,) = parse_hcl(BUCKET)
    assert (bucket.address, bucket.first, bucket.last) == ("aws_s3_bucket.logs", 2, 22)
    assert [(item.name, item.first, item.last, item.inside) for item in bucket.items] == [
        ("bucket", 3, 3, ""),
        ("tags", 4, 4, ""),
        ("lifecycle", 6, 6, ""),
        ("rule", 8, 10, BODY),
        ("policy", 12, 17, OBJECT),
        ("text", 19, 21, ""),
    ]
    (statement,) = bucket.items[4].items
    assert (statement.name, statement.inside) == ("Statement", LIST)
    assert [one.comma for one in statement.items] == [True, True]
    assert count_items(BUCKET) == 9


def test_layout_and_comments_are_no_part_of_the_syntax() -> None:
    other = BUCKET.replace("  rule {\n    days = 3 # {\n  }", "  rule   {\n\n    days=3\n  }").replace("# The bucket.\n", "")
    assert parse_hcl(BUCKET)[0].syntax == parse_hcl(other)[0].syntax


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('resource "a" "b" {\n  x = 1\n', 2),
        ('a = "open\n', 1),
        ("a = <<EOT\nx\n", 1),
        ("a = [1\n", 1),
        ("a =\n", 1),
        ("}\n", 1),
        ("block x\n", 1),
        ("/* open", 1),
        ("a = (1]\n", 1),
        ('a = "' + '${"' * 500, 1),
        ("b {\n" * 200, 101),
    ],
)
def test_what_is_not_hcl_is_an_error_with_its_line(text: str, line: int) -> None:
    with pytest.raises(HclError) as error:
        parse_hcl(text)
    assert error.value.line == line


def test_tokens_keep_their_places() -> None:
    tokens = tokenize(BUCKET)
    assert [BUCKET[token.start : token.end] for token in tokens] == [token.text for token in tokens]
    assert [token.line for token in tokens] == sorted(token.line for token in tokens)


def test_names_are_addresses_whatever_the_piece() -> None:
    names = names_of_hcl('variable "size" {}\ndata "aws_ami" "it" {}\nlocals {\n  a = var.size\n}\n')
    assert {symbol.name for symbol in names.defines} == {"var.size", "data.aws_ami.it", "local.a"}
    assert {symbol.name for symbol in names.uses} == {"var.size"}
    piece = names_of_hcl('  vpc = "${aws_vpc.main.id}/${data.aws_ami.it.id}" # aws_vpc.other\n', ("aws_subnet.a",))
    assert {symbol.name for symbol in piece.uses} >= {"aws_vpc.main", "data.aws_ami.it"}
    assert {symbol.name for symbol in names_of_hcl("  b = 1\n", ("locals",)).defines} == {"local.b"}


def test_the_reader_gives_what_a_synthesized_stack_has() -> None:
    body = read(BUCKET)["body"]
    stack = build_stack({"main.tf": body})
    bucket = stack["resource"]["aws_s3_bucket"]["logs"]
    assert bucket["//"] == {"metadata": {"path": "aws_s3_bucket.logs"}}
    assert bucket["rule"] == [{"days": 3}]
    assert json.loads(bucket["policy"]) == {"Statement": [{"Effect": "Allow"}, {"Effect": "Deny"}]}
    assert bucket["text"] == "} not a brace\n"
    assert bucket["bucket"].startswith("acme-${var.suffix}-${")


def test_only_a_literal_becomes_json() -> None:
    text = 'a = jsonencode(local.x)\nb = jsonencode({ r = "${aws_s3_bucket.a.arn}/*", n = [1, true, null], s = jsonencode([1]) })\n'
    body = read(text)["body"]
    assert body["a"] == "${jsonencode(local.x)}"
    assert json.loads(body["b"]) == {"r": "${aws_s3_bucket.a.arn}/*", "n": [1, True, None], "s": "[1]"}


def test_a_text_that_cannot_be_read_says_where() -> None:
    answer = read('resource "a" "b" {\n  x = \n}\n')
    assert answer["line"] == 2 and answer["error"]


def test_names_stand_bare_where_only_names_can_stand() -> None:
    text = 'resource "aws_vpc" "v" {\n  provider = aws.peer\n  depends_on = [aws_eip.e]\n  lifecycle {\n    ignore_changes = [tags]\n  }\n}\n'
    vpc = build_stack({"main.tf": read(text)["body"]})["resource"]["aws_vpc"]["v"]
    assert (vpc["provider"], vpc["depends_on"], vpc["lifecycle"]) == ("aws.peer", ["aws_eip.e"], [{"ignore_changes": ["tags"]}])


def test_files_are_one_stack_and_overrides_come_last() -> None:
    first = read('resource "aws_vpc" "v" {\n  a = 1\n  b = 1\n}\nprovider "aws" {}\nlocals {\n  x = 1\n}\n')["body"]
    second = {"provider": {"aws": {"alias": "peer"}}, "variable": {"size": {"default": 3}}}
    override = read('resource "aws_vpc" "v" {\n  b = 2\n}\n')["body"]
    stack = build_stack({"a.tf": first, "b.tf.json": second, "z_override.tf": override})
    assert {name: value for name, value in stack["resource"]["aws_vpc"]["v"].items() if name != "//"} == {"a": 1, "b": 2}
    assert stack["provider"]["aws"] == [{}, {"alias": "peer"}]
    assert (stack["variable"], stack["locals"]) == ({"size": {"default": 3}}, {"x": 1})


def test_terraform_gets_the_files_as_they_are_but_for_backend_lock_and_state() -> None:
    main = 'terraform {\n  required_version = "1"\n  backend "s3" {\n    bucket = "x"\n  }\n}\n'
    settings = {"terraform": [{"cloud": {"organization": "x"}}], "locals": {"a": 1}}
    tree = Tree(
        {
            "main.tf": main.encode(),
            "x.tf.json": json.dumps(settings).encode(),
            ".terraform.lock.hcl": b"x",
            "terraform.tfstate": b"{}",
            "code/app.py": b"backend",
        }
    )
    files = terraform_files(tree)
    assert files.keys() == {"main.tf", "x.tf.json", "code/app.py"}
    kept = files["main.tf"].decode()
    assert "backend" not in kept and kept.count("\n") == main.count("\n") and kept.startswith('terraform {\n  required_version = "1"\n')
    assert json.loads(files["x.tf.json"]) == {"terraform": [{}], "locals": {"a": 1}}
    assert files["code/app.py"] == b"backend"


def test_a_tree_without_a_backend_is_handed_on_byte_for_byte() -> None:
    tree = Tree({"main.tf": BUCKET.encode(), "broken.tf": b'terraform {\n  backend "s3" {\n'})
    assert terraform_files(tree) == dict(tree.files)


def test_blocks_have_lines_and_only_the_top_of_the_tree_counts() -> None:
    tree = Tree(
        {
            "main.tf": BUCKET.encode(),
            "vars.tf": b'variable "suffix" {}\nlocals {\n  a = 1\n}\n',
            "modules/x/main.tf": b'variable "y" {}\n',
            "n.tf.json": b'{\n "resource": {\n  "aws_vpc": {\n   "v": {}\n  }\n }\n}',
        }
    )
    assert source_files(tree) == ["main.tf", "n.tf.json", "vars.tf"]
    assert block_lines(tree) == {"aws_s3_bucket.logs": ("main.tf", 2), "aws_vpc.v": ("n.tf.json", 4), "var.suffix": ("vars.tf", 1), "local.a": ("vars.tf", 3)}


@pytest.mark.parametrize(("files", "region"), [({"main.tf"}, "eu-central-1"), ({"main.tf", "terraform.tfvars"}, None)])
def test_a_providers_region_is_read_from_a_variables_default(files: set[str], region: str | None) -> None:
    text = 'variable "region" {\n  default = "eu-central-1"\n}\nprovider "aws" {\n  region = var.region\n}\nresource "aws_vpc" "main" {}\n'
    (graph,) = build_graphs({"root": build_stack({"main.tf": read(text)["body"]})}, frozenset(files))
    assert graph.region(graph.nodes[0]) == region
