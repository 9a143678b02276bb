"""Text that a model wrote, made fit for formats that cannot hold every text."""

from __future__ import annotations

import re

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_SURROGATES = re.compile("[\ud800-\udfff]")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def encodable(text: str) -> str:
    """The text with each lone surrogate, which UTF-8 does not have, replaced."""
    # Python knows at once whether a text is ASCII, and most are, whole trees among them.
    return text if text.isascii() else _SURROGATES.sub(REPLACEMENT, text)


def xml_text(text: str) -> str:
    """The text with each character replaced that XML 1.0 does not have, escaped or not (the production Char of its section 2.2)."""
    return _NOT_XML.sub(REPLACEMENT, text)


def one_line(text: str, longest: int) -> str:
    """The text on one line without control characters, cut to at most `longest` characters, the last of which then is an ellipsis."""
    flat = " ".join(_CONTROL.sub(" ", text).split())
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"
