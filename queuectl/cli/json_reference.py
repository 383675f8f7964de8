"""Generate docs/json.md from what the code declares: `python -m queuectl.cli.json_reference > docs/json.md`.

A test compares both. The examples are what the commands printed when they were recorded (docs/json-examples.json,
`python -m tests.support.json_cases`); a test holds them against the schemas.
"""

from __future__ import annotations

import ast
import json
import os

from queuectl.cli.json_shapes import commands, error, find_name, members, shape_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from queuectl.cli.json_shapes import Command, Field, Printed, Shape

INTRODUCTION = """\
<!-- Made by `python -m queuectl.cli.json_reference > docs/json.md`; change the declarations and not this page. -->
# JSON

Every command prints JSON for programs:

- `--json`: one document on stdout, an object or an array. An array has one element a line and is written as it is read,
  so a list of a million jobs takes no more memory than one of a thousand.
- `--json-lines`: JSON Lines. Each element of the array is an object on a line of its own, which is written and flushed
  before the next one is read; a document that is an object is one line. With it `logs --follow` prints output as it
  comes, and `status --watch` the status once a second, until Ctrl+C.

Messages go to stderr in both cases. [json-schema.json](json-schema.json) has the same as this page for programs, as
JSON Schema (2020-12): `json-schema.json#dlq-list` is what `dlq list --json` prints, `json-schema.json#dlq-list-lines` a
line of `dlq list --json-lines`. It is strict: what a schema does not name is not printed.

## Rules

- **Version.** A document that is an object has `"schema": 1`, and so has each line of `--json-lines`, as lines are
  stored and passed on one by one. Elements of an array and objects within others have none. New fields may be added
  without a new version; it rises when a field is removed or changes its meaning.
- **Times** are RFC 3339 in UTC with milliseconds: `2026-11-08T16:12:48.385Z`.
- **Units** are in the names: `_seconds`, `_bytes`. The exceptions are `duration` and `timeout` of a job and of an
  attempt, which are seconds.
- **Null** stands for what does not apply or is not known; a field that is sometimes absent says when.
- **Encoding** is UTF-8, whatever the locale.

## Errors

A command that fails prints its error on stderr, as without `--json`, and this document on stdout; the
[exit codes](cli.md#errors-and-exit-codes) are the same. If an array has been begun, the object with `error` is its last
element; with `--json-lines` it is the last line. Commands that exit with 1 because of what they found (`wait`,
`doctor`, `selftest`) print their ordinary document.

"""
_EXAMPLES = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "json-examples.json")
_WIDTH = 110
"""Columns of an example; what is longer is broken into lines."""
_UNITS = {"Timestamp": "time", "Seconds": "seconds", "Bytes": "bytes"}
_PLAIN = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}


class Page:
    """The page, and what it links to."""

    def __init__(self, examples: dict[str, list[dict[str, Any]]]) -> None:
        """Show `examples`, by command."""
        self._examples = examples
        self._commands = list(commands())
        self._shared: dict[str, Shape] = {}
        """Shapes with a section of their own: of several commands, or within other shapes."""
        self._enums: dict[str, tuple[str, str]] = {}
        self._collect()

    def text(self) -> str:
        """Return the whole page."""
        pieces = [INTRODUCTION, *self._table(error()), *self._examples_of("error"), "## Commands\n\n"]
        for each in self._commands:
            pieces += self._command(each)
        pieces.append("## Objects\n\n")
        for _, shape in sorted(self._shared.items()):
            pieces += [f"### {shape.name}\n\n{shape.text}\n\n", *self._table(shape)]
        pieces.append("## Words\n\n")
        for name, where in sorted(self._enums.items()):
            pieces += _enum(name, *where)
        return "".join(pieces).rstrip() + "\n"

    def _collect(self) -> None:
        users: dict[Shape, int] = {}
        for each in self._commands:
            for shape in _shapes(each):
                users[shape] = users.get(shape, 0) + 1
        for shape, count in users.items():
            if count > 1:
                self._share(shape)
        for shape in (*users, error()):
            self._collect_inner(shape)

    def _share(self, shape: Shape) -> None:
        if shape.name not in self._shared:
            self._shared[shape.name] = shape
            self._collect_inner(shape)

    def _collect_inner(self, shape: Shape) -> None:
        """Find the shapes and enumerations that fields of `shape` have."""
        for each in shape.fields:
            for node in ast.walk(each.type):
                if isinstance(node, ast.Name):
                    self._collect_named(each.module, node.id)

    def _collect_named(self, module: str, name: str) -> None:
        if name in _PLAIN or name in _UNITS or name in {"list", "dict", "tuple", "Literal"}:
            return
        found = find_name(module, name)
        if members(found):
            self._enums[name] = (module, found.text)
        elif isinstance(found.node, ast.ClassDef):
            self._share(shape_of(module, name))

    def _command(self, of: Command) -> Iterator[str]:
        yield f"### {of.name}\n\n"
        yield f"Prints {', or '.join(self._what(each) for each in of.printed)}."
        if of.lines:
            links = " or ".join(self._link(shape) for shape in of.lines)
            yield f" A line of `--json-lines` is {links}."
        yield "\n\n"
        for shape in _shapes(of):
            if shape.name not in self._shared:
                several = len(_shapes(of)) > 1
                yield from ([f"**{shape.name}**: {shape.text}\n\n"] if several else [])
                yield from self._table(shape)
        yield from self._examples_of(of.name)

    def _what(self, of: Printed) -> str:
        links = " or ".join(self._link(shape) for shape in of.shapes)
        return f"an array, each element {links}" if of.many else links

    def _link(self, shape: Shape) -> str:
        shared = shape.name in self._shared
        return f"[{shape.name}](#{shape.name.lower()})" if shared else f"{shape.name} (below)"

    def _table(self, of: Shape) -> Iterator[str]:
        yield "| field | type | unit | meaning |\n|---|---|---|---|\n"
        for each in of.fields:
            names = (node.id for node in ast.walk(each.type) if isinstance(node, ast.Name))
            unit = next((_UNITS[name] for name in names if name in _UNITS), "")
            name = f"`{each.name}`" + ("" if each.required else " (optional)")
            yield f"| {name} | {self._type(each, each.type)} | {unit} | {_cell(each.text)} |\n"
        yield "\n"

    def _type(self, of: Field, node: ast.expr) -> str:
        """Return the type of a field in words."""
        match node:
            case ast.Constant(value=None):
                return "null"
            case ast.BinOp(left=left, right=right):
                return f"{self._type(of, left)} or {self._type(of, right)}"
            case ast.Subscript(value=ast.Name(id="Literal"), slice=values):
                literals = values.elts if isinstance(values, ast.Tuple) else [values]
                return ", ".join(f"`{json.dumps(ast.literal_eval(each))}`" for each in literals)
            case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[_, value])):
                return f"object, each value {self._type(of, value)}"
            case ast.Subscript(slice=ast.Tuple(elts=[value, *_])) | ast.Subscript(slice=value):
                return f"array, each element {self._type(of, value)}"
            case ast.Name(id=name):
                return self._named(of, name)
            case _:
                return ast.unparse(node)

    def _named(self, of: Field, name: str) -> str:
        if name in _PLAIN:
            return _PLAIN[name]
        if name in _UNITS:
            return {"Timestamp": "string", "Seconds": "number", "Bytes": "integer"}[name]
        found = find_name(of.module, name)
        if name in self._enums or members(found):
            return f"[{name}](#{name.lower()})"
        if isinstance(found.node, ast.ClassDef):
            return self._link(shape_of(of.module, name))
        return self._type(of, found.node)

    def _examples_of(self, name: str) -> Iterator[str]:
        for each in self._examples.get(name, ()):
            yield f"```\n$ {each['line']}\n{_pretty(each['document'])}\n```\n\n"


def _shapes(of: Command) -> tuple[Shape, ...]:
    return tuple(dict.fromkeys((*(shape for each in of.printed for shape in each.shapes), *of.lines)))


def _enum(name: str, module: str, text: str) -> Iterator[str]:
    yield f"### {name}\n\n{text}\n\n"
    found = members(find_name(module, name))
    if any(meaning for _, meaning in found):
        yield "| word | meaning |\n|---|---|\n"
        yield from (f"| `{word}` | {_cell(meaning)} |\n" for word, meaning in found)
        yield "\n"
    else:
        yield ", ".join(f"`{word}`" for word, _ in found) + "\n\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _pretty(value: Any, indent: str = "") -> str:
    """Return JSON, broken into lines where it is too wide."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(flat) <= _WIDTH or not isinstance(value, dict | list) or not value:
        return flat
    inner = indent + "  "
    if isinstance(value, dict):
        lines: Iterable[str] = (f"{json.dumps(name)}: {_pretty(each, inner)}" for name, each in value.items())
        return "{\n" + ",\n".join(inner + line for line in lines) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + _pretty(each, inner) for each in value) + f"\n{indent}]"


def reference() -> str:
    """Return the whole page. Raises Undeclared."""
    with open(_EXAMPLES, encoding="utf-8") as file:
        return Page(json.load(file)).text()


if __name__ == "__main__":
    print(reference(), end="")
