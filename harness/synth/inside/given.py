"""Records what the program gave to cdktf: constructs, overrides, attributes. Runs inside the sandbox.

What arrived stands in `cdk.tf.json`; comparing the two is the work of the silent-drop gate, outside. Only names and
shapes are recorded, no values: `{"ingress": [{"from_port": 1}]}` says that `from_port` was given in the first `ingress`.
The generated bindings look jsii's functions up in its module at every call, so that is where the recorder sits.
"""

import sys

_SCALAR, _UNKNOWN = 1, 0
_TOKEN = "TfToken["
_BINDINGS = "cdktf_cdktf_provider_"
_KEEPS_NOTES = frozenset({"constructs.Construct", "cdktf.App", "cdktf.TerraformStack"})
"""Classes that programs use bare, and hang their own objects on."""
_MOST = 2_000
"""More overrides or attributes than any program has are a loop; the rest is left out."""


def install(root):
    """Record from now on what the code below `root` gives; returns the recorder."""
    import jsii

    recorder = Recorder(root, jsii)
    jsii.create, jsii.set, jsii.invoke = recorder.create, recorder.set, recorder.invoke
    return recorder


class Recorder:
    """Stands between the bindings and jsii.

    `lines` maps construct path (`TapStack/security/key`) to `[file, line]`, `constructs` the same path to class and
    shape, for constructs of provider bindings. Files are relative to `root`.
    """

    def __init__(self, root, jsii):
        self.prefix = root.rstrip("/") + "/"
        self.lines = {}
        self.constructs = {}
        self.overrides = []
        self.attributes = []
        self.resets = []
        self._paths = {}
        self._kept = []  # an id is only unique while its object lives
        self._watched = set()
        self._create, self._set, self._invoke = jsii.create, jsii.set, jsii.invoke

    def report(self):
        """What was recorded, as plain data for JSON."""
        return {"constructs": self.constructs, "overrides": self.overrides, "attributes": self.attributes, "resets": sorted(set(self.resets))}

    def path_of(self, obj):
        """The path of a construct that the program made; empty for anything else."""
        return self._paths.get(id(obj), "")

    def create(self, klass, obj, args=None):
        self._kept.append(obj)
        if args and len(args) > 1 and isinstance(args[1], str):
            parent = self.path_of(args[0])
            path = parent + "/" + args[1] if parent else args[1]
            self._paths[id(obj)] = path
            place = self.place(sys._getframe(1))
            if place is not None:
                self.lines[path] = place
            if klass.__module__.startswith(_BINDINGS) or getattr(klass, "__jsii_type__", "").startswith("@cdktf/provider-"):
                self._remember(path, klass, args[2] if len(args) > 2 else None)
            self._watch(klass)
        return self._create(klass, obj, args)

    def set(self, obj, property, value):
        self._given(self.path_of(obj), property, value)
        return self._set(obj, property, value)

    def invoke(self, obj, method, args=None):
        path = self.path_of(obj)
        if method == "addOverride" and path and len(self.overrides) < _MOST:
            self._override(path, obj, args)
        elif method.startswith("put") and args and len(args) == 1:
            self._given(path, method[3:], args[0])
        elif method.startswith("reset"):
            if path in self.constructs:
                self._given(path, method[5:], None)
            else:
                self.resets.append(method[5:])
        return self._invoke(obj, method, args)

    def place(self, frame):
        """The innermost line below the root that led to `frame`; None where there is none."""
        while frame is not None and not frame.f_code.co_filename.startswith(self.prefix):
            frame = frame.f_back
        return None if frame is None else [frame.f_code.co_filename[len(self.prefix) :], frame.f_lineno]

    def _remember(self, path, klass, config):
        declared = next((one for one in klass.__mro__ if one.__dict__.get("__jsii_declared_type__")), klass)
        values = getattr(config, "_values", None)
        entry = {"class": declared.__name__, "module": declared.__module__, "keys": shape(values) or {} if isinstance(values, dict) else {}}
        alias = values.get("alias") if isinstance(values, dict) else None
        if isinstance(alias, str):
            entry["alias"] = alias
        self.constructs[path] = entry

    def _given(self, path, name, value):
        """A property that was set, put or taken back after construction; names as jsii spells them, first letter aside."""
        entry = self.constructs.get(path)
        if entry is None:
            return
        for key in [key for key in entry["keys"] if _same(key, name)]:
            del entry["keys"][key]
        kept = shape(value)
        if kept is not None:
            entry["keys"][_snake_case(name)] = kept

    def _override(self, path, obj, args):
        key = args[0]
        if not isinstance(key, str):
            return
        first = key.split(".")[0]
        declared = [one.__dict__.get("__jsii_declared_type__") for one in type(obj).__mro__]
        entry = {"path": path, "key": key, "place": self.place(sys._getframe(2)), "stack": "cdktf.TerraformStack" in declared}
        # A resource may have an argument that is called like one of Terraform's blocks.
        entry["argument"] = any(hasattr(type(obj), name) for name in (first, first + "_", first + "_attribute"))
        self.overrides.append(entry)

    def _watch(self, klass):
        """See attributes that are set on constructs, and on blocks of resources; from the first construct on."""
        if klass in self._watched:
            return
        self._watched.add(klass)
        bases = [one for one in klass.__mro__ if one.__dict__.get("__jsii_declared_type__") == "constructs.Construct"]
        bases += [getattr(sys.modules.get("cdktf"), "ComplexObject", None)]
        for base in bases:
            if base is not None and base not in self._watched:
                self._watched.add(base)
                base.__setattr__ = self._setter(base)

    def _setter(recorder, base):
        def __setattr__(self, name, value):
            super(base, self).__setattr__(name, value)
            kind = type(self)
            declared = kind.__dict__.get("__jsii_declared_type__")
            if declared and declared not in _KEEPS_NOTES and not name.startswith("_") and not hasattr(kind, name):
                frame = sys._getframe(1)
                if frame.f_code.co_filename.startswith(recorder.prefix) and len(recorder.attributes) < _MOST:
                    entry = {"path": recorder.path_of(self), "class": kind.__name__, "name": name}
                    recorder.attributes.append({**entry, "place": [frame.f_code.co_filename[len(recorder.prefix) :], frame.f_lineno]})

        return __setattr__


def shape(value):
    """The names in a value: a mapping for a mapping or struct, a list for a list that holds one, 1 for what is plain, 0 for
    what only cdktf can look into; None for what is empty or not given."""
    if value is None:
        return None
    if isinstance(value, (str, bool, int, float)):
        return _SCALAR
    if isinstance(value, dict):
        return _mapping(value)
    if isinstance(value, list):
        shapes = [shape(item) for item in value]
        if not shapes:
            return None
        return shapes if any(isinstance(one, (dict, list)) for one in shapes) else _UNKNOWN if _UNKNOWN in shapes else _SCALAR
    values = getattr(value, "_values", None)
    if hasattr(value, "__jsii_name_mapping__") and isinstance(values, dict):
        return _mapping(values)
    return _UNKNOWN


def _mapping(values):
    if any(isinstance(key, str) and _TOKEN in key for key in values):
        return _SCALAR
    shapes = {str(key): shape(item) for key, item in values.items()}
    return {key: one for key, one in shapes.items() if one is not None} or None


def _same(one, other):
    return one.replace("_", "").lower() == other.replace("_", "").lower()


def _snake_case(name):
    return "".join("_" + letter.lower() if letter.isupper() and number else letter.lower() for number, letter in enumerate(name))
