"""Runs one program of a tree inside the sandbox and reports how it ended. Standard library only.

usage: subject.py ROOT STAND_INS KERNEL_FD REPORT_FD LAZY_PACKAGES (run SCRIPT | pytest PATHS...) [ARGS...]

The report is one JSON object on REPORT_FD. It describes; it does not decide: that a stack was
synthesized counts only when the kernel, in a sandbox of its own, says so.
"""

import json
import os
import sys
import tokenize
import types

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import given  # noqa: E402
import kernel_link  # noqa: E402
import lazy_bindings  # noqa: E402
import outcome  # noqa: E402
import tokens  # noqa: E402

sys.path.pop(0)


def main(argv):
    root, stand_ins, kernel, report, lazy, mode, *rest = argv
    report_fd = int(report)
    os.set_inheritable(report_fd, False)
    lazy_bindings.install(lazy.split(","))
    kernel_link.attach(int(kernel), stand_ins)
    recorder = given.install(root)
    # What tests do with tokens is theirs to judge.
    operations = tokens.install(root, recorder) if mode == "run" else []
    result = {"outcome": "returned", "exit_code": 0, "exception": None, "tests": None, "lines": recorder.lines}
    try:
        if mode == "run":
            run_script(root, rest[0], rest[1:])
        else:
            sys.path.insert(0, HERE)
            import test_report

            sys.path.remove(HERE)
            result["tests"] = test_report.run(rest, root)
    except SystemExit as error:
        result.update(outcome="exit", exit_code=outcome.exit_code(error))
    except BaseException as error:
        result.update(outcome="exception", exit_code=1, exception=outcome.describe(error, root))
        sys.stderr.write(result["exception"]["traceback"])
    outcome.flush()
    result["given"] = {**recorder.report(), "tokens": operations}
    with os.fdopen(report_fd, "w") as stream:
        json.dump(result, stream)
    return result["exit_code"]


def read_source(path):
    """The source as Python itself reads it; `compile` alone would accept bytes that no interpreter takes from a file."""
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (UnicodeDecodeError, SyntaxError):
        with open(path, "rb") as file:
            data = file.read()
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            said = f"Non-UTF-8 code starting with '\\x{data[error.start]:02x}' in file {os.path.basename(path)} on line {line}, "
            raise SyntaxError(said + "but no encoding declared; see https://peps.python.org/pep-0263/ for details", (path, line, 1, "")) from None
        raise


def run_script(root, script, arguments):
    """Do what `python SCRIPT ARGUMENTS` does: a fresh `__main__`, the script's folder first on the path."""
    path = os.path.join(root, script)
    code = compile(read_source(path), path, "exec")
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__=path, __builtins__=__builtins__)
    sys.modules["__main__"] = module
    sys.argv = [script, *arguments]
    sys.path.insert(0, os.path.dirname(path))
    exec(code, module.__dict__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
