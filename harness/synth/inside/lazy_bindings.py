"""Loads the submodules of the provider bindings when they are asked for. Runs inside the sandbox.

The bindings' `__init__` imports all of its 2,200 submodules, about 8 s of CPU, of which a stack uses
twenty. Here the package gets an `__init__` of its own that loads the jsii assembly, as the real one
does, and resolves a submodule on first use. The submodules themselves stay untouched, so what they
define, and what they say when something is wrong, is the real thing.
"""

import importlib
import importlib.abc
import importlib.machinery
import os
import pkgutil
import sys


class LazyPackageFinder(importlib.abc.MetaPathFinder):
    """Finds the packages in `names` and hands them to `LazyPackageLoader`."""

    def __init__(self, names):
        self.names = frozenset(names)

    def find_spec(self, name, path=None, target=None):
        if name not in self.names:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None:
            spec.loader = LazyPackageLoader(spec.loader.name, spec.loader.path)
        return spec


class LazyPackageLoader(importlib.machinery.SourceFileLoader):
    """Executes a lazy `__init__` in place of the package's own."""

    def exec_module(self, module):
        name = module.__name__
        submodules = frozenset(info.name for info in pkgutil.iter_modules([os.path.dirname(self.path)]) if info.name != "_jsii")

        def lazy_getattr(attribute):
            if attribute in submodules:
                return importlib.import_module(name + "." + attribute)
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")

        module.__dict__["__all__"] = sorted(submodules)
        module.__dict__["__getattr__"] = lazy_getattr
        module.__dict__["__dir__"] = lambda: sorted(submodules | set(module.__dict__))
        importlib.import_module(name + "._jsii")


def install(names):
    """Make the packages in `names` lazy; has to come before their first import."""
    sys.meta_path.insert(0, LazyPackageFinder(names))
