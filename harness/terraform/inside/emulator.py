"""Moto's server behind a guard: what moto lacks is answered at once, by an error that no client tries again.

Moto raises, or answers 5xx or an HTML 404, for an operation that it does not know; the provider tries
that for many minutes. The guard turns it into a client error with a code of its own, and remembers it.
Run as `python emulator.py DESCRIPTOR`, a listening socket, with a password on stdin: what is not AWS (what was lacking, an empty account)
is for who knows it, since the commands of provisioners can ask, too.
"""

from __future__ import annotations

import io
import json
import re
import secrets
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

MARKER = "AssayEmulatorLacks"
NEWS_PATH = "/assay/news"
RESET_PATH = "/moto-api/reset"
PASSWORD_HEADER = "X-Assay-Password"
_OURS = (NEWS_PATH, "/moto-api/")
_CREDENTIAL = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/")
_READS = re.compile(r":(Describe|Get|List|Head|BatchGet|Lookup|Query|Scan|Search|Validate|Test|GET /|HEAD /)")
_WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Guard:
    """WSGI middleware around moto's application."""

    def __init__(self, application: _WSGI, password: str = "") -> None:
        self._application = application
        self._password = password
        self._lacking: list[str] = []
        self._written = False
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(_OURS) and not secrets.compare_digest(environ.get("HTTP_X_ASSAY_PASSWORD", ""), self._password):
            start_response("403 Forbidden", [])
            return [b""]
        if environ["PATH_INFO"] == NEWS_PATH:
            return self._tell(start_response)
        operation = operation_name(environ)
        try:
            status, headers, body = _answer_of(self._application, environ)
        except Exception as error:
            # Whatever moto raises, the client gets an answer.
            print(f"{operation}: {error!r}", file=sys.stderr, flush=True)
            status, headers, body = "500 Internal Server Error", [], b""
        lacking = _is_lacking(status, body)
        with self._lock:
            self._written = environ["PATH_INFO"] != RESET_PATH and (self._written or not _READS.search(operation))
            self._lacking += [operation] if lacking else []
        if lacking:
            status, headers, body = lacking_answer(environ, operation)
        start_response(status, headers)
        return [body]

    def _tell(self, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """What was lacking since the last time somebody asked, and whether anything was written since the account was empty."""
        with self._lock:
            told = {"lacking": sorted(set(self._lacking)), "written": self._written}
            self._lacking = []
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(told).encode()]


def operation_name(environ: dict[str, Any]) -> str:
    """`service:Operation` of a request, or `service:METHOD /path` where the protocol names no operation."""
    signed = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    service = signed[1] if signed else "unknown"
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return f"{service}:{target.rpartition('.')[2]}"
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        body = _body(environ)
        if action := parse_qs(body.decode(errors="replace")).get("Action"):
            return f"{service}:{action[0]}"
    return f"{service}:{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"


def lacking_answer(environ: dict[str, Any], operation: str) -> tuple[str, list[tuple[str, str]], bytes]:
    """A client error in the shape of the request's protocol. The request id carries the marker for protocols not known here."""
    message = f"{operation} is not emulated"
    headers = [("x-amzn-RequestId", MARKER), ("x-amz-request-id", MARKER), ("X-Amzn-ErrorType", MARKER)]
    kind = environ.get("CONTENT_TYPE", "")
    if environ.get("HTTP_X_AMZ_TARGET") or "json" in kind:
        body = json.dumps({"__type": MARKER, "code": MARKER, "message": message})
        return "400 Bad Request", [*headers, ("Content-Type", "application/x-amz-json-1.1")], body.encode()
    error = f"<Error><Type>Sender</Type><Code>{MARKER}</Code><Message>{_escape(message)}</Message></Error>"
    if operation.startswith("ec2:"):
        body = f"<Response><Errors>{error}</Errors><RequestID>{MARKER}</RequestID></Response>"
    elif operation.startswith("s3:"):
        body = error
    else:
        body = f"<ErrorResponse>{error}<RequestId>{MARKER}</RequestId></ErrorResponse>"
    return "400 Bad Request", [*headers, ("Content-Type", "text/xml")], body.encode()


def _is_lacking(status: str, body: bytes) -> bool:
    """Services answer XML, JSON or nothing; a page is the web framework's, for a path that no service has."""
    return status.startswith("5") or (status[:3] in ("404", "405") and body.lstrip()[:14].lower() == b"<!doctype html")


def _answer_of(application: _WSGI, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
    """Run the application to its end, so that what it raises while it answers is seen too."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], None]:
        started[:] = [status, headers]
        return lambda _: None

    body = b"".join(application(environ, start_response))
    return started[0], started[1], body


def _body(environ: dict[str, Any]) -> bytes:
    """The request's body, put back for the application."""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def main(descriptor: int, password: str) -> None:
    """Serve on the listening socket `descriptor` until killed."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    class QuietHandler(MotoRequestHandler):  # type: ignore[misc]
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing about answers that were given."""

    guard = Guard(DomainDispatcherApplication(create_backend_app), password)
    make_server("127.0.0.1", 0, guard, threaded=True, request_handler=QuietHandler, fd=descriptor).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.stdin.read())
