"""Documents of the command line, held against docs/json-schema.json."""

from __future__ import annotations

import json
from functools import cache

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from tests.support.queue import ROOT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FILE = ROOT / "docs" / "json-schema.json"


def problems(command: str, document: Any, *, lines: bool = False) -> list[str]:
    """Return what in the document of a command, or in a line of it, the schema does not allow."""
    anchor = command.replace(" ", "-") + ("-lines" if lines else "")
    return [f"{error.json_path}: {error.message}" for error in _validator(anchor).iter_errors(document)]


@cache
def _registry() -> Registry[Any]:
    schemas = json.loads(FILE.read_text())
    Draft202012Validator.check_schema(schemas)
    registry: Registry[Any] = Registry().with_resource("json-schema.json", Resource.from_contents(schemas))
    return registry.crawl()


@cache
def _validator(anchor: str) -> Draft202012Validator:
    # As a user of the file would refer to it.
    return Draft202012Validator({"$ref": f"json-schema.json#{anchor}"}, registry=_registry())
