"""Turns the end of a program into plain data. Runs inside the sandbox."""

import contextlib
import difflib
import importlib
import os
import pkgutil
import re
import sys
import traceback

_NEAREST = 5


def describe(error, root):
    """The exception as a dictionary: type, message, names, and the frames that lie below `root`."""
    frames = []
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.startswith(root + "/"):
            frames.append({"file": frame.filename[len(root) + 1 :], "line": frame.lineno, "function": frame.name})
    if isinstance(error, SyntaxError) and error.filename and error.filename.startswith(root + "/"):
        frames.append({"file": error.filename[len(root) + 1 :], "line": error.lineno or 1, "function": ""})
    return {
        "type": type(error).__name__,
        "message": _portable(_message(error)),
        "module": getattr(error, "name", None) if isinstance(error, ImportError) else None,
        "symbols": _symbols(error),
        "nearest": nearest(error),
        "frames": frames,
        "traceback": _portable("".join(traceback.format_exception(error)))[-6000:],
    }


def _message(error):
    if isinstance(error, SyntaxError):
        return str(error.msg)
    if isinstance(error, KeyError) and len(error.args) == 1:
        return repr(error.args[0])
    return str(error)


def _portable(text):
    """The same words on every machine: where packages are installed is no part of what went wrong."""
    for folder in sorted({os.path.dirname(os.path.dirname(os.__file__)), sys.prefix, sys.base_prefix}, key=len, reverse=True):
        text = re.sub(re.escape(folder) + r"(?:/lib(?:64)?)?(?:/python[\d.]+)?(?:/site-packages)?/", "", text)
    # Names that Python draws by lot differ from run to run.
    return re.sub(r"/tmp/tmp[a-z0-9_]{8}\b", "/tmp/tmp...", re.sub(r"\b0x[0-9a-f]{6,}\b", "0x...", text))


def _symbols(error):
    if isinstance(error, ImportError):
        return [name for name in (getattr(error, "name_from", None) or _imported_name(error), error.name) if name]
    return [error.name] if isinstance(error, (NameError, AttributeError)) and error.name else []


def _imported_name(error):
    """What `from module import name` asked for; Python before 3.12 keeps it only in the message."""
    parts = str(error).split("'")
    return parts[1] if str(error).startswith("cannot import name") and len(parts) > 1 else None


def nearest(error):
    """The real names closest to one that does not exist, best first; empty where nothing comes close."""
    try:
        if isinstance(error, ModuleNotFoundError) and error.name and "." in error.name:
            parent, _, wanted = error.name.rpartition(".")
            known = [info.name for info in pkgutil.iter_modules(importlib.import_module(parent).__path__)]
        elif isinstance(error, ImportError) and error.name in sys.modules:
            wanted, known = _symbols(error)[0], _public(sys.modules[error.name])
        elif isinstance(error, AttributeError) and error.name and hasattr(error.obj, "__dict__"):
            wanted, known = error.name, [name for name in dir(error.obj) if not name.startswith("_")]
        else:
            return []
    except Exception:
        return []
    return sorted(
        difflib.get_close_matches(wanted, known, n=_NEAREST, cutoff=0.6),
        key=lambda name: (not name.startswith(wanted), -difflib.SequenceMatcher(None, wanted, name).ratio(), name),
    )


def _public(module):
    return list(getattr(module, "__all__", None) or [name for name in dir(module) if not name.startswith("_")])


def exit_code(error):
    """What the shell would see of a SystemExit."""
    if error.code is None:
        return 0
    return error.code if isinstance(error.code, int) else 1


def flush():
    """Bring out what the program printed before the process ends; a stream that the program closed has nothing left."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
