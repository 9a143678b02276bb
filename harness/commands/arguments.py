"""What several commands take."""

from __future__ import annotations

import argparse


def positive(text: str) -> int:
    """A whole number from 1 on."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("has to be at least 1")
    return number


def names(text: str) -> list[str]:
    """Names with commas between them."""
    return [name for part in text.split(",") if (name := part.strip())]
