"""What a piece of code introduces and what it relies on: the names that tie edits together."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from harness.alignment import Side
from harness.python_source import parse

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True, order=True)
class Symbol:
    """A name with its kind.

    `name`: a variable, class, function or import; `owner` is file and scope. `attribute`: something reached
    by a dot; the owner is the class for `self.x`, empty for what is reached on anything else. `parameter`: what a callable accepts; owner is the
    callable's name (a class for its constructor). `module`: an importable file. `construct`: a construct's id; the
    owner is the class in which it is made.
    """

    kind: str
    owner: str
    name: str


@dataclass(slots=True)
class Names:
    """What one side of an edit defines and uses; `required` are parameters that callers have to pass."""

    defines: set[Symbol] = field(default_factory=set)
    uses: set[Symbol] = field(default_factory=set)
    required: set[Symbol] = field(default_factory=set)

    def update(self, other: Names) -> None:
        """Add everything that `other` has."""
        self.defines |= other.defines
        self.uses |= other.uses
        self.required |= other.required


_NOT_MOVED: Mapping[str, str] = {}


def names_of(path: str, side: Side, header: bool, *, inner: str = "", response_path: str = "", renamed: Mapping[str, str] = _NOT_MOVED) -> Names:
    """The names in one side of a leaf of the file `path`; of a block's head only the head counts, whose body is the
    scope `inner` where that differs from its name.

    For the response's side of a file that moved, `response_path` is where it lies there, and `renamed` maps the
    response's paths to the ideal's, so that both sides speak of the same things by the same names.
    """
    collector = _Collector(path, side.scope, response_path or path, renamed)
    for node in side.nodes:
        if header:
            collector.head(node, inner)
        else:
            collector.visit(node)
    return collector.names


def names_of_part(
    path: str,
    side: Side,
    part: ast.AST | None,
    callee: str,
    statement: ast.stmt | None,
    *,
    response_path: str = "",
    renamed: Mapping[str, str] = _NOT_MOVED,
) -> Names:
    """The names in one part of a statement: an argument of `callee`, an item, a name imported by `statement`, or a
    parameter of the function `statement`, whose text `callee` then is."""
    collector = _Collector(path, side.scope, response_path or path, renamed)
    if isinstance(part, ast.alias) and isinstance(statement, ast.ImportFrom):
        collector.visit(ast.ImportFrom(statement.module, [part], statement.level))
    elif isinstance(part, ast.keyword):
        if callee and part.arg:
            collector.names.uses.add(Symbol("parameter", callee, part.arg))
        collector.visit(part.value)
    elif isinstance(part, ast.arg) and isinstance(statement, ast.FunctionDef):
        inner = (*side.scope, statement.name)
        if callee.startswith("*"):
            collector.names.defines.add(Symbol("name", f"{path}:{'.'.join(inner)}", part.arg))
        else:
            owner = side.scope[-1] if statement.name == "__init__" and side.scope else statement.name
            collector.parameter(part, owner, inner, "=" not in callee)
            if part.annotation:
                collector.visit(part.annotation)
    elif part is not None:
        collector.visit(part)
    return collector.names


def names_of_file(path: str, source: str, response_path: str = "", renamed: Mapping[str, str] = _NOT_MOVED) -> Names:
    """The names of a whole file, the module itself among its definitions; the response's side as in `names_of`.

    Raises `SyntaxError`.
    """
    names = names_of(path, Side(nodes=parse(source).body), header=False, response_path=response_path, renamed=renamed)
    names.defines.add(Symbol("module", "", module_name(response_path or path)))
    return names


def module_name(path: str) -> str:
    """The dotted name under which a file of the tree is imported: `lib/storage.py` is `lib.storage`."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


class _Collector(ast.NodeVisitor):
    """Collects names. A name used in a function is looked for in every scope around it, so each of them is noted."""

    def __init__(self, path: str, scope: tuple[str, ...], actual_path: str, renamed: Mapping[str, str]) -> None:
        self.path = path
        self.actual_path = actual_path
        self.renamed = renamed
        self.scope = scope
        self.names = Names()

    def head(self, node: ast.stmt, inner: str = "") -> None:
        """Only the first line of a compound statement: name, parameters, decorators, bases, test."""
        if isinstance(node, _FUNCTIONS):
            self._function_head(node, inner or node.name)
        elif isinstance(node, ast.ClassDef):
            self._class_head(node)
        else:
            for name, value in ast.iter_fields(node):
                if name not in ("body", "orelse", "finalbody", "handlers"):
                    for item in value if isinstance(value, list) else [value]:
                        if isinstance(item, ast.AST):
                            self.visit(item)

    def _owner(self, scope: tuple[str, ...]) -> str:
        return f"{self.path}:{'.'.join(scope)}"

    def _define(self, name: str) -> None:
        self.names.defines.add(Symbol("name", self._owner(self.scope), name))
        if self.scope and self.scope[-1][:1].isupper():
            self.names.defines |= self._attributes(self.scope[-1], name)

    def _inside(self, name: str, nodes: Iterable[ast.AST]) -> None:
        outer, self.scope = self.scope, (*self.scope, name)
        for node in nodes:
            self.visit(node)
        self.scope = outer

    def _class_head(self, node: ast.ClassDef) -> None:
        self._define(node.name)
        for part in (*node.bases, *node.keywords, *node.decorator_list):
            self.visit(part)

    def _function_head(self, node: ast.FunctionDef | ast.AsyncFunctionDef, inside: str) -> None:
        self._define(node.name)
        arguments = node.args
        for part in (*arguments.defaults, *(default for default in arguments.kw_defaults if default), *node.decorator_list):
            self.visit(part)
        # A constructor is called by its class's name.
        callee = self.scope[-1] if node.name == "__init__" and self.scope else node.name
        positional = [*arguments.posonlyargs, *arguments.args]
        optional = {argument.arg for argument in positional[len(positional) - len(arguments.defaults) :]}
        optional |= {argument.arg for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if default}
        inner = (*self.scope, inside)
        for argument in (*positional, *arguments.kwonlyargs):
            self.parameter(argument, callee, inner, argument.arg not in optional)
        for catching in (arguments.vararg, arguments.kwarg):
            if catching is not None:
                self.names.defines.add(Symbol("name", self._owner(inner), catching.arg))

    def parameter(self, argument: ast.arg, callee: str, inner: tuple[str, ...], required: bool) -> None:
        """One parameter of `callee`, whose body is the scope `inner`."""
        parameter = Symbol("parameter", callee, argument.arg)
        self.names.defines |= {parameter, Symbol("name", self._owner(inner), argument.arg)}
        if required and argument.arg not in ("self", "cls"):
            self.names.required.add(parameter)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._class_head(node)
        self._inside(node.name, node.body)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function_head(node, node.name)
        self._inside(node.name, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            for depth in range(len(self.scope) + 1):
                self.names.uses.add(Symbol("name", self._owner(self.scope[:depth]), node.id))
        else:
            self._define(node.id)

    @staticmethod
    def _attributes(owner: str, name: str) -> set[Symbol]:
        return {Symbol("attribute", owner, name), Symbol("attribute", "", name)}

    def visit_Attribute(self, node: ast.Attribute) -> None:
        on_self = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
        owner = next((name for name in reversed(self.scope) if name[:1].isupper()), "") if on_self else ""
        if isinstance(node.ctx, ast.Load):
            self.names.uses.add(Symbol("attribute", owner, node.attr))
        else:
            self.names.defines |= self._attributes(owner, node.attr)
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        callee = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if len(node.args) > 1 and isinstance(node.args[0], ast.Name) and isinstance(node.args[1], (ast.Constant, ast.JoinedStr)):
            self.names.defines.add(Symbol("construct", f"{'.'.join(self.scope[:1])}:{node.args[0].id}", ast.unparse(node.args[1])))
        if callee:
            self.names.uses |= {Symbol("parameter", callee, keyword.arg) for keyword in node.keywords if keyword.arg}
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._define(alias.asname or alias.name.split(".")[0])
            self.names.uses |= set(_modules(alias.name))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        package = self.actual_path.rpartition("/")[0].split("/") if "/" in self.actual_path else []
        base = package[: len(package) - node.level + 1] if node.level else []
        module = ".".join([*base, *(node.module.split(".") if node.module else [])])
        folder = module.replace(".", "/")
        self.names.uses |= set(_modules(module))
        for alias in node.names:
            self._define(alias.asname or alias.name)
            self.names.uses |= {
                Symbol("module", "", f"{module}.{alias.name}"),
                *(Symbol("name", f"{self.renamed.get(file, file)}:", alias.name) for file in (f"{folder}.py", f"{folder}/__init__.py")),
            }


def _modules(dotted: str) -> Iterator[Symbol]:
    parts = dotted.split(".")
    for length in range(1, len(parts) + 1):
        yield Symbol("module", "", ".".join(parts[:length]))
