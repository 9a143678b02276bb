"""A reduced schema keeps every name, the bodies that are used, and all that is not a type."""

import pytest

from harness.terraform.inside.schema import ProviderSchema


def field(number, content):
    assert len(content) < 0x80 * 0x80
    length = bytes([len(content)]) if len(content) < 0x80 else bytes([len(content) & 0x7F | 0x80, len(content) >> 7])
    return bytes([number << 3 | 2]) + length + content


def entry(number, name, schema):
    return field(number, field(1, name.encode()) + field(2, schema))


EMPTY = field(2, b"")
PROVIDER = field(1, b"provider block")
BUCKET = entry(2, "aws_s3_bucket", b"b" * 300)
VPC = entry(2, "aws_vpc", b"v" * 200)
VPC_DATA = entry(3, "aws_vpc", b"d" * 50)
FUNCTION = entry(7, "arn_parse", b"function")
ANSWER = PROVIDER + BUCKET + VPC + VPC_DATA + FUNCTION


def test_unused_types_keep_their_names_and_lose_their_bodies():
    reduced = ProviderSchema(ANSWER).reduced(frozenset({"aws_s3_bucket"}), frozenset())
    assert reduced == PROVIDER + BUCKET + entry(2, "aws_vpc", EMPTY) + entry(3, "aws_vpc", EMPTY) + FUNCTION


def test_resources_and_data_sources_of_one_name_are_told_apart():
    reduced = ProviderSchema(ANSWER).reduced(frozenset(), frozenset({"aws_vpc"}))
    assert VPC_DATA in reduced
    assert VPC not in reduced


def test_everything_used_is_the_whole_answer():
    schema = ProviderSchema(ANSWER)
    assert schema.reduced(frozenset({"aws_s3_bucket", "aws_vpc"}), frozenset({"aws_vpc"})) == schema.whole() == ANSWER


def test_an_answer_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="wire type 0"):
        ProviderSchema(b"\x08\x01")
