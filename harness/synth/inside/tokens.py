"""Watches what the program does with tokens. Runs inside the sandbox.

Outside of cdktf a token is a plain `str`, `list` or `float` that stands for a value known at apply. Python calculates with
the placeholder, and nobody complains. Here the bindings hand out subclasses which behave the same, and write down the
operation and its place where the code of the tree itself does what only makes sense on the value. They carry the names of
the types that they stand for, so that messages read as ever, and turn into plain values when copied or pickled.
A program that asks for the exact type of something might notice them: there nothing is watched.
"""

import dis
import importlib
import os
import re
import sys

_STRING, _LIST = re.compile(r"\$\{TfToken\[[^\]]*\]\}\Z"), re.compile(r"#\{TfToken\[[^\]]*\]\}\Z")
_SMALLEST = -1e280
"""cdktf encodes numbers as floats below -1e288 (`createTokenDouble` in its `tokens/private/encoding.ts`); no attribute is that small."""
_MARKS = ("TfToken", "${", "#{", "&{")
"""What a program looks for that wants to know whether it has a token."""
_MOST = 2_000
_CALLERS = 2
_ASKS_FOR_TYPES = re.compile(
    rb"(?:\btype\([^()\n]*\)|\.__class__)\s*(?:==|!=|is\b|in\b|not\b)|(?:==|!=|\bis|\bnot|\bin|,)\s*(?:type\(|[\w.]+\.__class__)|\bintern\("
)
_TYPE_WORDS = (b"type(", b"__class__", b"intern(")
_USES_YAML = re.compile(rb"^\s*(?:import|from)\s+yaml\b", re.MULTILINE)
_COMPARES = frozenset({"COMPARE_OP", "CONTAINS_OP"})


def install(root, recorder):
    """Watch the tokens that the bindings hand to the code below `root`; returns the growing list of operations."""
    import jsii

    watch = Watch(root, recorder)
    if not watch.watchable():
        return watch.operations
    jsii.get, jsii.sget = watch.wrapping(jsii.get), watch.wrapping(jsii.sget)
    jsii.invoke, jsii.sinvoke = watch.wrapping(jsii.invoke), watch.wrapping(jsii.sinvoke)
    return watch.operations


class Watch:
    """Makes watched tokens, and keeps what was done with them.

    An operation is `{"do", "kind", "owner", "name", "at", "through"}`: what was done, to a `string`, `number` or `list`, of the construct
    at the path `owner` (empty where it is none), which attribute or function it came from, and `[file, line, end line,
    column, end column]` of the expression; `through` are the `[file, line]` that called it.
    """

    def __init__(self, root, recorder):
        self.root = root.rstrip("/")
        self.prefix = self.root + "/"
        self.operations = []
        self._recorder = recorder
        self._seen = set()
        self._classes = {str: _string_class(self), list: _list_class(self), float: _number_class(self)}

    def watchable(self):
        """Whether the program could not notice: none of its files asks for exact types."""
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if not name.startswith(".") and name not in ("node_modules", "cdktf.out")]
            for name in names:
                if name.endswith(".py"):
                    with open(os.path.join(folder, name), "rb") as file:
                        text = file.read()
                    # Most files have none of the words, and looking for words is cheap.
                    if any(word in text for word in _TYPE_WORDS) and _ASKS_FOR_TYPES.search(text):
                        return False
                    if b"yaml" in text and _USES_YAML.search(text):
                        self._teach_yaml()
        return True

    def _teach_yaml(self):
        """PyYAML picks the way to write a value by its exact type."""
        try:
            representer = importlib.import_module("yaml.representer")
        except ImportError:
            return
        for dumper in (representer.SafeRepresenter, representer.Representer):
            for plain, kind in self._classes.items():
                dumper.add_representer(kind, representer.SafeRepresenter.yaml_representers[plain])

    def wrapping(self, original):
        """The jsii function, with its answer watched where that is a token."""
        classes, path_of = self._classes, self._recorder.path_of

        def wrapped(obj, *args, **kwargs):
            value = original(obj, *args, **kwargs)
            if value.__class__ in classes and _is_token(value):
                value = classes[value.__class__](value)
                value._assay_from = (path_of(obj), sys._getframe(1).f_code.co_name)
            return value

        return wrapped

    def note(self, do, kind, token, allowed=None):
        """Keep the operation if the code of the tree does it itself, by one of the `allowed` instructions."""
        frame = sys._getframe(2)
        code = frame.f_code
        if not code.co_filename.startswith(self.prefix) or len(self.operations) >= _MOST:
            return
        owner, name = getattr(token, "_assay_from", ("", ""))
        seen = (code, frame.f_lasti, do, owner, name)
        if seen in self._seen or (allowed and dis.opname[code.co_code[frame.f_lasti]] not in allowed):
            return
        self._seen.add(seen)
        positions = list(code.co_positions())[frame.f_lasti // 2]
        line, end, column, end_column = (number if number is not None else -1 for number in positions)
        at = [code.co_filename[len(self.prefix) :], line if line > 0 else frame.f_lineno, end, column, end_column]
        self.operations.append({"do": do, "kind": kind, "owner": owner, "name": name, "at": at, "through": self._callers(frame)})

    def _callers(self, frame):
        """The lines of the tree that led there, nearest first: where a token was handed to what works on it."""
        found = []
        frame = frame.f_back
        while frame is not None and len(found) < _CALLERS:
            if frame.f_code.co_filename.startswith(self.prefix):
                found.append([frame.f_code.co_filename[len(self.prefix) :], frame.f_lineno])
            frame = frame.f_back
        return found


def _is_token(value):
    if isinstance(value, str):
        return _STRING.match(value) is not None
    if isinstance(value, list):
        return len(value) == 1 and isinstance(value[0], str) and _LIST.match(value[0]) is not None
    return value < _SMALLEST


def _says_something(other):
    """Whether a comparison with `other` is about the value, not about whether there is one or whether it is a token."""
    return isinstance(other, str) and other != "" and not any(mark in other for mark in _MARKS)


def _disguised(kind, base, truth=True):
    """The class under the name of the type that it stands for, always true as a token is, plain when copied."""
    kind.__name__ = kind.__qualname__ = base.__name__
    kind.__module__ = "builtins"
    kind.__bool__ = lambda self: truth
    kind.__reduce_ex__ = lambda self, protocol: (base, (list(list.__iter__(self)) if base is list else base.__getnewargs__(self)[0],))
    return kind


def _method(watch, base, name, do, kind, when=None, allowed=None):
    original = getattr(base, name)

    def method(self, *args, **kwargs):
        if when is None or when(*args):
            watch.note(do, kind, self, allowed)
        return original(self, *args, **kwargs)

    method.__name__ = name
    return method


_TEXT_EDITS = (
    "split rsplit splitlines partition rpartition replace upper lower title capitalize swapcase casefold removeprefix removesuffix encode zfill find rfind "
    "index rindex count isdigit isnumeric isalpha isalnum translate __getitem__ __iter__"
)
_TEXT_STRIPS = "strip lstrip rstrip"


def _string_class(watch):
    class String(str):
        __hash__ = str.__hash__

    for name in ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"):
        setattr(String, name, _method(watch, str, name, "compare", "string", _says_something, _COMPARES))
    String.__contains__ = _method(watch, str, "__contains__", "compare", "string", _says_something, _COMPARES)
    for name in ("startswith", "endswith"):
        setattr(String, name, _method(watch, str, name, "compare", "string", lambda start, *rest: not isinstance(start, str) or _says_something(start)))
    for name in _TEXT_EDITS.split():
        setattr(String, name, _method(watch, str, name, "edit", "string"))
    for name in _TEXT_STRIPS.split():
        setattr(String, name, _method(watch, str, name, "edit", "string", lambda *characters: bool(characters)))
    String.__len__ = _method(watch, str, "__len__", "length", "string")
    return _disguised(String, str)


def _list_class(watch):
    class List(list):
        __hash__ = None

    for name, do in (("__len__", "length"), ("__iter__", "iterate"), ("__reversed__", "iterate"), ("__getitem__", "index"), ("__contains__", "compare")):
        setattr(List, name, _method(watch, list, name, do, "list"))
    for name in ("__eq__", "__ne__"):
        setattr(List, name, _method(watch, list, name, "compare", "list", lambda other: isinstance(other, list), _COMPARES))
    for name in ("index", "count"):
        setattr(List, name, _method(watch, list, name, "compare", "list"))
    return _disguised(List, list)


_CALCULATIONS = "add sub mul truediv floordiv mod pow divmod"


def _number_class(watch):
    class Number(float):
        __hash__ = float.__hash__

    def plain(other, *rest):
        return isinstance(other, (int, float)) and not other < _SMALLEST

    for name in ("__eq__", "__ne__"):
        setattr(Number, name, _method(watch, float, name, "compare", "number", plain, _COMPARES))
    for name in ("__lt__", "__le__", "__gt__", "__ge__"):
        setattr(Number, name, _method(watch, float, name, "compare", "number"))
    for name in _CALCULATIONS.split():
        for form in (f"__{name}__", f"__r{name}__"):
            setattr(Number, form, _method(watch, float, form, "calculate", "number"))
    for name in ("__neg__", "__abs__"):
        setattr(Number, name, _method(watch, float, name, "calculate", "number"))
    return _disguised(Number, float)
