"""The errors that Assay reports to a person: what happened, where, and what to do about it."""

from __future__ import annotations


class AssayError(Exception):
    """Something a user can understand and mend.

    `message` says what happened and to which file or case, `remedy` the one thing to do. Both are
    plain attributes handed to `Exception.__init__`, so that an error survives a pickle on its way
    back from a worker process.
    """

    exit_code = 2

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n  {self.remedy}" if self.remedy else self.message


class UsageError(AssayError):
    """The command was called with something that does not make sense."""


class CaseError(AssayError):
    """A case folder cannot be used as it is: missing, malformed, unreadable or unsafe."""


class ToolMissing(AssayError):
    """A tool that this run cannot do without is not on the machine."""

    exit_code = 3


class HarnessFault(AssayError):
    """Assay itself, or a tool it stands on, broke; never counted as the response's failure."""

    exit_code = 3
