"""Command lines: their grammar, parsing, completion, rendering and quoting."""
