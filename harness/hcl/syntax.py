"""HCL as a tree of blocks, arguments and what stands in brackets, each with the lines that it takes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.hcl.tokens import OPENING, HclError, Token, tokenize

_NAME = re.compile(r"[^\W\d][\w-]*\Z")
_MAX_DEPTH = 100
BODY, OBJECT, LIST = "body", "object", "list"
"""What a bracket holds: arguments and blocks, pairs of an object, elements of a list or of a call."""


@dataclass(frozen=True, slots=True)
class Item:
    """One block, argument, pair or element.

    `kind` is `block`, `argument` or `element`; `name` a block's type, an argument's name, or a pair's key as it is
    written; `labels` a block's. `first` and `last` are its lines, from 1, `span` its offsets into the text. `syntax` is equal
    for what differs in layout and comments only. `items` are a block's, or those in an argument's bracket; where each of them
    has lines of its own, `inside` is what they are (`BODY`, `OBJECT` or `LIST`), `head` the line on which the bracket opens,
    `head_syntax` the syntax up to there and `tail_syntax` that from the closing bracket on. An element may end with a `comma`.
    """

    kind: str
    name: str
    labels: tuple[str, ...]
    first: int
    last: int
    syntax: str
    span: tuple[int, int] = (0, 0)
    inside: str = ""
    head: int = 0
    head_syntax: str = ""
    tail_syntax: str = ""
    items: tuple[Item, ...] = ()
    comma: bool = False

    @property
    def address(self) -> str:
        """What a block is called elsewhere: `aws_vpc.main`, `data.aws_ami.it`, `var.name`; its type where nothing names it."""
        return address_of(self.name, self.labels)


def address_of(kind: str, labels: Sequence[str]) -> str:
    """The address of a block on top of a file, by its type and labels."""
    if kind == "resource" and len(labels) == 2:
        return ".".join(labels)
    short = {"variable": "var", "output": "output", "module": "module", "data": "data", "provider": "provider"}
    return ".".join([short.get(kind, kind), *labels])


def parse_hcl(text: str) -> tuple[Item, ...]:
    """The blocks and arguments of a file. Raises `HclError` where it cannot be read."""
    parser = _Parser(tokenize(text))
    return parser.body(end=None, depth=0)


def count_items(text: str) -> int:
    """How many blocks and arguments a file holds; its lines, where it cannot be read."""
    try:
        waiting = list(parse_hcl(text))
    except HclError:
        return len(text.splitlines())
    count = 0
    while waiting:
        item = waiting.pop()
        count += 1
        waiting += item.items if item.kind == "block" else ()
    return count


class _Parser:
    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.at = 0

    def body(self, end: str | None, depth: int) -> tuple[Item, ...]:
        """The items up to the bracket `end`, which is left for the caller, or to the end of the file."""
        if depth > _MAX_DEPTH:
            raise HclError("blocks are nested too deeply", self.tokens[self.at].line)
        items: list[Item] = []
        while True:
            self._skip_newlines()
            if self.at == len(self.tokens):
                if end is None:
                    return tuple(items)
                raise HclError(f"{end} is missing at the end of the file", self.tokens[-1].last)
            if self.tokens[self.at].kind == "close" and self.tokens[self.at].text == end:
                return tuple(items)
            items.append(self._item(depth))

    def _skip_newlines(self) -> None:
        while self.at < len(self.tokens) and self.tokens[self.at].kind == "newline":
            self.at += 1

    def _item(self, depth: int) -> Item:
        start = self.at
        first = self.tokens[start]
        if first.kind != "word" or not _NAME.match(first.text):
            raise HclError(f"an argument or a block was expected, and {first.text[:20]!r} found", first.line)
        self.at += 1
        if self._is("="):
            self.at += 1
            self._expression(depth)
            return self._argument(start, depth)
        labels = []
        while self.at < len(self.tokens) and self.tokens[self.at].kind in ("string", "word"):
            labels.append(self.tokens[self.at].text.strip('"'))
            self.at += 1
        if not self._is("{"):
            raise HclError(f"{first.text} is followed by neither = nor a block", first.line)
        return self._block(start, tuple(labels), depth)

    def _is(self, text: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at].text == text

    def _block(self, start: int, labels: tuple[str, ...], depth: int) -> Item:
        opening = self.at
        self.at += 1
        items = self.body("}", depth + 1)
        closing = self.at
        self.at += 1
        span = self.tokens[start : self.at]
        item = Item("block", span[0].text, labels, span[0].line, span[-1].last, _syntax(span), (span[0].start, span[-1].end))
        return self._with_items(item, start, opening, closing, BODY, items)

    def _expression(self, depth: int) -> None:
        """Move behind an expression: to a newline, a comma or a closing bracket outside its own brackets."""
        waiting: list[str] = []
        start = self.at
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.kind == "open":
                waiting.append(OPENING[token.text])
            elif token.kind == "close":
                if not waiting:
                    break
                if waiting.pop() != token.text:
                    raise HclError(f"a bracket is closed by {token.text}", token.line)
            elif not waiting and (token.kind == "newline" or token.text == ","):
                break
            self.at += 1
        if waiting:
            raise HclError(f"{waiting[-1]} is missing", self.tokens[start].line)
        if self.at == start:
            raise HclError("an expression is missing", self.tokens[min(start, len(self.tokens) - 1)].line)

    def _argument(self, start: int, depth: int) -> Item:
        span = self.tokens[start : self.at]
        item = Item("argument", span[0].text, (), span[0].line, span[-1].last, _syntax(span), (span[0].start, span[-1].end))
        return self._descend(item, start, self.at, depth)

    def _descend(self, item: Item, start: int, end: int, depth: int) -> Item:
        """The item with the items in its bracket, where it ends its first line and is closed at the start of its last one."""
        opening = next((at for at in range(start, end) if self.tokens[at].kind == "newline"), start) - 1
        if opening < start or self.tokens[opening].kind != "open" or depth > _MAX_DEPTH:
            return item
        closing = self._matching(opening, end)
        rest = self.tokens[closing:end]
        if closing == 0 or self.tokens[closing - 1].kind != "newline" or any(token.kind != "close" and token.text != "," for token in rest):
            return item
        inside = OBJECT if self.tokens[opening].text == "{" else LIST
        kept, self.at = self.at, opening + 1
        items = self._elements(closing, inside, depth + 1)
        self.at = kept
        return item if items is None else self._with_items(item, start, opening, closing, inside, items, end)

    def _matching(self, opening: int, end: int) -> int:
        depth = 0
        for at in range(opening, end):
            depth += {"open": 1, "close": -1}.get(self.tokens[at].kind, 0)
            if depth == 0:
                return at
        return 0

    def _elements(self, closing: int, inside: str, depth: int) -> tuple[Item, ...] | None:
        """The pairs or elements up to `closing`; None for what is no plain list of them, such as a `for` expression."""
        items: list[Item] = []
        self._skip_newlines()
        if self.tokens[self.at].text == "for":
            return None
        while self.at < closing:
            start = self.at
            self._expression(depth)
            end = self.at
            comma = self._is(",")
            self.at += comma
            span = self.tokens[start:end]
            name = _key(span) if inside == OBJECT else ""
            if inside == OBJECT and not name:
                return None
            kind = "argument" if name else "element"
            item = Item(kind, name, (), span[0].line, span[-1].last, _syntax(span), (span[0].start, span[-1].end), comma=comma)
            items.append(self._descend(item, start, end, depth))
            self._skip_newlines()
        return tuple(items)

    def _with_items(self, item: Item, start: int, opening: int, closing: int, inside: str, items: tuple[Item, ...], end: int = 0) -> Item:
        """The item with its insides; only where each of them has lines of its own can they be exchanged one by one."""
        head, tail = self.tokens[opening].line, self.tokens[closing].line
        lines = [head, *(line for one in items for line in (one.first, one.last)), tail]
        if not items or any(before >= after for before, after in zip(lines[0::2], lines[1::2], strict=True)):
            return replace(item, items=items)
        syntaxes = _syntax(self.tokens[start : opening + 1]), _syntax(self.tokens[closing : end or closing + 1])
        return replace(item, items=items, inside=inside, head=head, head_syntax=syntaxes[0], tail_syntax=syntaxes[1])


def _key(span: Sequence[Token]) -> str:
    """The key of a pair, as it is written; empty where the tokens are no pair."""
    depth = 0
    for number, token in enumerate(span):
        depth += {"open": 1, "close": -1}.get(token.kind, 0)
        if depth == 0 and token.text in ("=", ":"):
            return _syntax(span[:number]).strip('"')
    return ""


def _syntax(span: Sequence[Token]) -> str:
    return " ".join(token.text for token in span if token.kind != "newline" and not (token.text == "," and token is span[-1]))
