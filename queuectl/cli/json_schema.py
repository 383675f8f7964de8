"""Generate docs/json-schema.json: `python -m queuectl.cli.json_schema > docs/json-schema.json`.

A test compares both.
"""

from __future__ import annotations

import ast
import json

from queuectl.cli.documents import SCHEMA
from queuectl.cli.json_shapes import Undeclared, alternatives, commands, error, find_name, members, shape_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from queuectl.cli.json_shapes import Command, Printed, Shape

    Schema = dict[str, Any]

LINES = "-lines"
"""End of the name of a schema for one line of `--json-lines`."""
ERROR = "error"
"""Name of the schema of a command that fails."""
_DESCRIPTION = (
    "What queuectl prints with --json when a command succeeds: #COMMAND, with - for a blank; one line of --json-lines "
    "is #COMMAND-lines. A command that fails prints #error."
)
_PLAIN = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
_TYPES: dict[str, Schema] = {
    "Timestamp": {
        "description": "An RFC 3339 time in UTC with milliseconds",
        "type": "string",
        "format": "date-time",
        "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
    },
    "Seconds": {"description": "A duration in seconds", "type": "number"},
    "Bytes": {"description": "A size in bytes", "type": "integer"},
}
"""Schemas of the types of domain/json_types.py."""


class Schemas:
    """The definitions of a schema, with those that they refer to."""

    def __init__(self) -> None:
        """Begin without definitions."""
        self.definitions: dict[str, Schema] = {}

    def add(self, of: Command) -> None:
        """Define what a command prints, and a line of it."""
        anchor = of.name.replace(" ", "-")
        self._add(anchor, f"queuectl {of.name} --json", [self._printed(each) for each in of.printed])
        shapes = of.lines or tuple(dict.fromkeys(shape for each in of.printed for shape in each.shapes))
        self._add(f"{anchor}{LINES}", f"A line of queuectl {of.name} --json-lines", map(self._document, shapes))

    def add_error(self) -> None:
        """Define the document of a command that fails."""
        self._add(ERROR, "A command that fails, with --json or --json-lines", [self._document(error())])

    def _add(self, anchor: str, title: str, either: Iterable[Schema]) -> None:
        self.definitions[anchor] = {"$anchor": anchor, "title": title, **_either(list(either))}

    def _printed(self, of: Printed) -> Schema:
        if not of.many:
            return _either([self._document(each) for each in of.shapes])
        return {"type": "array", "items": _either([self._object(each) for each in of.shapes])}

    def _document(self, of: Shape) -> Schema:
        """Return a reference to an object that is the whole document, and so has the version of its schema."""
        return self._define(f"{of.name}Document", of, {"schema": {"const": SCHEMA}})

    def _object(self, of: Shape) -> Schema:
        """Return a reference to an object within another one or in an array."""
        return self._define(of.name, of, {})

    def _define(self, name: str, of: Shape, first: Schema) -> Schema:
        if name not in self.definitions:
            self.definitions[name] = {}  # its place, before those that it refers to
            fields = {each.name: self._type(each.module, each.type) | {"description": each.text} for each in of.fields}
            self.definitions[name] = {
                "description": of.text,
                "type": "object",
                "properties": first | fields,
                "required": [*first, *(each.name for each in of.fields if each.required)],
                "additionalProperties": False,
            }
        return {"$ref": f"#/$defs/{name}"}

    def _type(self, module: str, node: ast.expr) -> Schema:
        """Return the schema of an annotation. Raises Undeclared for one that is not JSON."""
        match node:
            case ast.Constant(value=None):
                return {"type": "null"}
            case ast.Name(id=name) if name in _PLAIN:
                return {"type": _PLAIN[name]}
            case ast.Name(id=name):
                return self._named(module, name)
            case ast.BinOp():
                return _either([self._type(module, each) for each in alternatives(node)])
            case ast.Subscript(value=ast.Name(id="Literal"), slice=values):
                literals = values.elts if isinstance(values, ast.Tuple) else [values]
                return {"enum": [ast.literal_eval(each) for each in literals]}
            case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[_, value])):
                return {"type": "object", "additionalProperties": self._type(module, value)}
            case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=[value, *_])):
                return {"type": "array", "items": self._type(module, value)}
            case ast.Subscript(value=ast.Name(id="list"), slice=value):
                return {"type": "array", "items": self._type(module, value)}
            case _:
                raise Undeclared(f"{ast.unparse(node)} in {module} is no type of JSON")

    def _named(self, module: str, name: str) -> Schema:
        if name in _TYPES:
            self.definitions.setdefault(name, _TYPES[name])
            return {"$ref": f"#/$defs/{name}"}
        found = find_name(module, name)
        if not isinstance(found.node, ast.ClassDef):
            return self._type(found.module, found.node) | ({"description": found.text} if found.text else {})
        words = [word for word, _ in members(found)]
        if words:
            self.definitions.setdefault(found.node.name, {"description": found.text, "enum": words})
            return {"$ref": f"#/$defs/{found.node.name}"}
        return self._object(shape_of(found.module, found.node.name))


def _either(schemas: list[Schema]) -> Schema:
    if len(schemas) == 1:
        return schemas[0]
    if all(list(each) == ["type"] for each in schemas):
        return {"type": [each["type"] for each in schemas]}
    return {"anyOf": schemas}


def schemas() -> Schema:
    """Return the whole file. Raises Undeclared."""
    made = Schemas()
    for each in commands():
        made.add(each)
    made.add_error()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Documents of queuectl",
        "description": _DESCRIPTION,
        "$defs": made.definitions,
    }


if __name__ == "__main__":
    print(json.dumps(schemas(), ensure_ascii=False, indent=2))
