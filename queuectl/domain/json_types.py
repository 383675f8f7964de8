"""Types of the values in JSON documents. Only type checkers and the generator of docs/json.md read them.

What `--json` prints is declared where it is made: a TypedDict, which only type checkers load, or a record that is a
`Document` (operations/document.py). `cli/json_schema.py` reads these declarations from the source. The description of
a field is the docstring below it; without one, the field means what that of the same name means in the record that the
docstring of its class names: "See `Job`."
"""

from __future__ import annotations

from typing import TypeAlias

Timestamp: TypeAlias = str
"""An RFC 3339 time in UTC with milliseconds, as `format_time` returns it."""
Seconds: TypeAlias = float
"""A duration."""
Bytes: TypeAlias = int
"""A size."""
