"""Trees are built side by side without the interpreter mixing them up."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator

import pytest

from harness.python_source import parse

TEXT = "\n".join(f"def f{i}(a, b=[1, (2, {{'k': a}})]):\n    return (a + b) * {{x: y for x, y in b}}" for i in range(60))


class Lingers:
    """Dies only in a collection, and lets other threads in while it does."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        for _ in range(50):
            pass


@pytest.fixture
def eager_collections() -> Iterator[None]:
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(5)
    sys.setswitchinterval(1e-6)
    yield
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("eager_collections")
def test_threads_that_parse_at_the_same_time_do_not_disturb_each_other() -> None:
    """With ast.parse itself this test sees dozens of SystemErrors on Python 3.11."""
    errors: list[BaseException] = []

    def work() -> None:
        for _ in range(40):
            Lingers()
            try:
                assert len(parse(TEXT).body) == 60
            except BaseException as error:
                errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_text_that_is_not_python_is_refused() -> None:
    with pytest.raises(SyntaxError):
        parse("def (")
