"""A provider's schema cut down to the types that one configuration uses.

Terraform asks a provider for its whole schema in every command: 5 MB for hashicorp/aws, and 2 s of
CPU between encoding and decoding it. The types that a configuration does not use only matter by their
names (terraform suggests the nearest for a misspelt one), so these stay, with an empty body.

The answer is read at the level of protobuf fields; the numbers are those of tfplugin5.proto and
tfplugin6.proto, `GetProviderSchema.Response`.
"""

from __future__ import annotations

from collections.abc import Iterator

_RESOURCE_TYPES = 2
_DATA_TYPES = 3
_MAP_KEY = 1
_LENGTH_DELIMITED = 2
_EMPTY_TYPE = b"\x12\x02\x12\x00"
"""A map value: `Schema { block: Block {} }`."""


class ProviderSchema:
    """The encoded answer of a provider, split into its entries once."""

    def __init__(self, answer: bytes) -> None:
        self._whole = answer
        self._entries = [(field, _type_name(field, body), raw) for field, raw, body in _fields(answer)]

    def reduced(self, resources: frozenset[str], data: frozenset[str]) -> bytes:
        """The answer with all type names, but only the bodies of the named resource and data source types."""
        wanted = {_RESOURCE_TYPES: resources, _DATA_TYPES: data}
        return b"".join(raw if field not in wanted or name in wanted[field] else _without_body(field, name) for field, name, raw in self._entries)

    def whole(self) -> bytes:
        """The answer as the provider gave it."""
        return self._whole


def _type_name(field: int, body: bytes) -> str:
    if field not in (_RESOURCE_TYPES, _DATA_TYPES):
        return ""
    return next(value for number, _, value in _fields(body) if number == _MAP_KEY).decode()


def _without_body(field: int, name: str) -> bytes:
    text = name.encode()
    entry = _field(_MAP_KEY, text) + _EMPTY_TYPE
    return _field(field, entry)


def _field(number: int, body: bytes) -> bytes:
    return bytes([number << 3 | _LENGTH_DELIMITED]) + _encode_length(len(body)) + body


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, encoded field and content of each field; all fields at these levels are length-delimited."""
    position = 0
    while position < len(message):
        start = position
        tag, position = _decode_varint(message, position)
        if tag & 7 != _LENGTH_DELIMITED:
            raise ValueError(f"field {tag >> 3} of the provider's schema has wire type {tag & 7}")
        length, position = _decode_varint(message, position)
        yield tag >> 3, message[start : position + length], message[position : position + length]
        position += length


def _decode_varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position


def _encode_length(length: int) -> bytes:
    encoded = bytearray()
    while length > 0x7F:
        encoded.append(length & 0x7F | 0x80)
        length >>= 7
    encoded.append(length)
    return bytes(encoded)
