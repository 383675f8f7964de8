"""The shapes of the documents that `--json` prints, as the code declares them.

The types of a document are declared where it is made, and mypy checks the code against them (domain/json_types.py).
Only type checkers load most of these declarations, so they are read from the source: an operation's `run` names its
result, the result's `document`, `documents` or `lines` names the type of what is printed.
"""

from __future__ import annotations

import ast
import re
from enum import Enum
from functools import cache
from importlib import import_module
from inspect import getsource

from queuectl.domain.record import record
from queuectl.operations import WHERE, find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_MANY = {"Iterator", "list", "tuple"}
_OWN_FORM = {"queuectl.operations.document.Document"}
_WITHOUT_UNIT = frozenset({"duration", "timeout"})
"""Durations of a job's record, whose names are older than the rule that a name ends with its unit."""


class Undeclared(Exception):
    """A document, or a part of it, whose type or meaning is not declared."""


@record
class Name:
    """A class or an alias of a module."""

    module: str
    node: ast.ClassDef | ast.expr
    text: str
    """The first line of its docstring."""
    see: tuple[str, ...] = ()
    """Records whose fields describe those of the class that have no docstring of their own."""


@record
class Field:
    """A field of a document."""

    name: str
    module: str
    """The module of its declaration, in which the names of its type stand."""
    type: ast.expr
    required: bool
    text: str


@record
class Shape:
    """An object in JSON."""

    name: str
    text: str
    fields: tuple[Field, ...]


@record
class Printed:
    """What a command prints: an object, or an array of objects, of one of several shapes."""

    shapes: tuple[Shape, ...]
    many: bool


@record
class Command:
    """A command, and what it prints on success with `--json`; `lines` where --json-lines prints something else."""

    name: str
    printed: tuple[Printed, ...]
    lines: tuple[Shape, ...]


def commands() -> Iterator[Command]:
    """Yield all commands with what they print. Raises Undeclared."""
    for name in WHERE:
        operation = find(name)
        module = operation.run.__module__
        returned = ast.parse(operation.run.__annotations__["return"], mode="eval").body
        printed: list[Printed] = []
        lines: list[Shape] = []
        for each in alternatives(returned):
            printed += _printed(module, each)
            lines += _shapes_of(module, each, "lines")
        if not printed:
            raise Undeclared(f"{name}: {module}.{operation.run.__name__} returns no result with a document")
        yield Command(name=name, printed=_joined(printed), lines=tuple(lines))
    for name in ("help", "version"):
        shape = shape_of("queuectl.cli.help", f"{name.capitalize()}Document")
        yield Command(name=name, printed=(Printed(shapes=(shape,), many=False),), lines=())


def members(of: Name) -> list[tuple[str, str]]:
    """Return the words of an enumeration and what they mean; an empty list for another class."""
    real = getattr(import_module(of.module), of.node.name, None) if isinstance(of.node, ast.ClassDef) else None
    if not (isinstance(real, type) and issubclass(real, Enum) and isinstance(of.node, ast.ClassDef)):
        return []
    texts = {
        each.targets[0].id: _docstring(after)
        for each, after in zip(of.node.body, [*of.node.body[1:], None], strict=True)
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name)
    }
    return [(str(each.value), texts[each.name]) for each in real]


def error() -> Shape:
    """Return the document of a command that fails."""
    return shape_of("queuectl.cli.documents", "ErrorDocument")


def _joined(printed: list[Printed]) -> tuple[Printed, ...]:
    """Return the same with one entry for all objects and one for all arrays."""
    return tuple(
        Printed(shapes=shapes, many=many)
        for many in (False, True)
        if (shapes := tuple(dict.fromkeys(shape for each in printed if each.many is many for shape in each.shapes)))
    )


def _printed(module: str, returned: ast.expr) -> Iterator[Printed]:
    """Yield what a result of the annotation `returned` prints."""
    if isinstance(returned, ast.Subscript) and _id(returned.value) in _MANY:
        yield Printed(shapes=tuple(_shapes_of(module, _first(returned), "document")), many=True)
    elif shapes := tuple(_shapes_of(module, returned, "document")):
        yield Printed(shapes=shapes, many=False)
    elif shapes := tuple(_shapes_of(module, returned, "documents")):
        yield Printed(shapes=shapes, many=True)
    elif element := _returned_by(module, returned, "__next__"):
        yield Printed(shapes=tuple(_shapes_of(element[0], element[1], "document")), many=True)


def _shapes_of(module: str, result: ast.expr, method: str) -> Iterator[Shape]:
    """Yield the shapes that `method` of a class of results returns; none where it has no such method."""
    found = _returned_by(module, result, method) if isinstance(result, ast.Name) else None
    if found is None:
        if isinstance(result, ast.Name) and method == "document" and _is_own_form(module, _id(result)):
            yield shape_of(module, _id(result))
        return
    owner, returned = found
    for each in alternatives(returned):
        many = isinstance(each, ast.Subscript) and _id(each.value) in _MANY and _first(each)
        for element in alternatives(many) if many else [each]:
            if not isinstance(element, ast.Name):
                raise Undeclared(
                    f"{_id(result)}.{method} in {owner} returns {ast.unparse(each)}, which no TypedDict is"
                )
            if element.id != "NoReturn":
                yield shape_of(owner, element.id)


def _returned_by(module: str, result: ast.expr, method: str) -> tuple[str, ast.expr] | None:
    """Return the annotation of what a method of a class returns, with its module; None if it has no such method."""
    name = find_name(module, _id(result))
    if not isinstance(name.node, ast.ClassDef) or f"{name.module}.{name.node.name}" in _OWN_FORM:
        return None
    for each in name.node.body:
        if isinstance(each, ast.FunctionDef) and each.name == method and each.returns is not None:
            return name.module, each.returns
    found = (_returned_by(name.module, base, method) for base in name.node.bases if isinstance(base, ast.Name))
    return next(filter(None, found), None)


def _is_own_form(module: str, name: str) -> bool:
    """Return whether a class is a record that is its own JSON form."""
    found = find_name(module, name)
    if not isinstance(found.node, ast.ClassDef):
        return False
    return f"{found.module}.{found.node.name}" in _OWN_FORM or any(
        isinstance(base, ast.Name) and _is_own_form(found.module, base.id) for base in found.node.bases
    )


@cache
def shape_of(module: str, name: str) -> Shape:
    found = find_name(module, name)
    if not isinstance(found.node, ast.ClassDef):
        raise Undeclared(f"{name} in {module} is no class")
    fields: dict[str, Field] = {}
    for base in found.node.bases:
        if isinstance(base, ast.Name) and base.id not in {"TypedDict", "Document"}:
            fields |= {each.name: each for each in shape_of(found.module, base.id).fields}
    fields |= {each.name: each for each in _fields(found)}
    return Shape(name=found.node.name.removesuffix("Document"), text=found.text, fields=tuple(fields.values()))


def _fields(of: Name) -> Iterator[Field]:
    """Yield the fields that a class declares itself. Raises Undeclared for one without a meaning."""
    assert isinstance(of.node, ast.ClassDef)  # noqa: S101 - for the type checker
    for name, annotation, own_text in _annotated(of.node):
        # A fact about a thing stands on the thing: on the record that the document shows.
        texts = (own_text, *(_text_of(of.module, each, name) for each in of.see))
        text = next(filter(None, texts), "").replace("None", "null")
        optional = isinstance(annotation, ast.Subscript) and _id(annotation.value) == "NotRequired"
        type_ = annotation.slice if isinstance(annotation, ast.Subscript) and optional else annotation
        where = f"{of.node.name}.{name} in {of.module}"
        if not text:
            raise Undeclared(f"{where} has no description")
        if "null" not in text and _may_be_null(type_):
            raise Undeclared(f"{where} does not say when it is null: {text}")
        _check_unit(where, name, type_)
        yield Field(name=name, module=of.module, type=type_, required=not optional, text=text)


def _check_unit(where: str, name: str, annotation: ast.expr) -> None:
    types = {each.id for each in ast.walk(annotation) if isinstance(each, ast.Name)}
    for type_, unit in (("Seconds", "_seconds"), ("Bytes", "_bytes")):
        if type_ in types and not name.endswith(unit) and name not in _WITHOUT_UNIT:
            raise Undeclared(f"{where} must end in {unit}")


def _annotated(of: ast.ClassDef) -> Iterator[tuple[str, ast.expr, str]]:
    """Yield name, annotation and docstring of each field of a class."""
    for each, after in zip(of.body, [*of.body[1:], None], strict=True):
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.target.id[0] != "_":
            yield each.target.id, each.annotation, _docstring(after)


def _docstring(node: ast.stmt | None) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return " ".join(node.value.value.split())
    return ""


def _text_of(module: str, record_name: str, field: str) -> str:
    """Return the docstring of a field of a record, or of a record in it; empty where there is none."""
    found = find_name(module, record_name) if record_name in _names(module) else None
    if found is None or not isinstance(found.node, ast.ClassDef):
        return ""
    fields = list(_annotated(found.node))
    own = next((text for name, _, text in fields if name == field), "")
    inner = (_text_of(found.module, each.id, field) for _, each, _ in fields if isinstance(each, ast.Name))
    return own or next(filter(None, inner), "")


def _may_be_null(annotation: ast.expr) -> bool:
    return any(isinstance(each, ast.Constant) and each.value is None for each in alternatives(annotation))


def alternatives(annotation: ast.expr) -> Iterator[ast.expr]:
    if isinstance(annotation, ast.BinOp):
        yield from alternatives(annotation.left)
        yield from alternatives(annotation.right)
    else:
        yield annotation


def _id(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _first(subscript: ast.Subscript) -> ast.expr:
    return subscript.slice.elts[0] if isinstance(subscript.slice, ast.Tuple) else subscript.slice


def find_name(module: str, name: str) -> Name:
    """Return what a name of a module stands for. Raises Undeclared."""
    try:
        found = _names(module)[name]
    except KeyError:
        raise Undeclared(f"{module} has no {name or 'such type'}") from None
    return find_name(*found) if isinstance(found, tuple) else found


@cache
def _names(module: str) -> dict[str, Name | tuple[str, str]]:
    """Return the classes and aliases of a module, and the names that it imports, each as module and name."""
    names: dict[str, Name | tuple[str, str]] = {}
    statements = ast.parse(getsource(import_module(module))).body
    statements += [each for outer in statements if isinstance(outer, ast.If) for each in outer.body]
    for each, after in zip(statements, [*statements[1:], None], strict=True):
        if isinstance(each, ast.ImportFrom) and each.module is not None:
            names |= {alias.asname or alias.name: (each.module, alias.name) for alias in each.names}
        elif isinstance(each, ast.ClassDef):
            text, _, more = (ast.get_docstring(each) or "").partition("\n\n")
            see = tuple(re.findall(r"`(\w+)`", more)) if more.startswith("See ") else ()
            names[each.name] = Name(module=module, node=each, text=" ".join(text.split()), see=see)
        elif isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.value is not None:
            names[each.target.id] = Name(module=module, node=each.value, text=_docstring(after))
        elif isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name):
            names[each.targets[0].id] = Name(module=module, node=each.value, text=_docstring(after))
    return names
