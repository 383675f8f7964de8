"""The numbers in an SGR sequence, and their colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.color import Color

from queuectl.domain.terminal import number

if TYPE_CHECKING:
    from collections.abc import Iterator


def codes(params: str) -> Iterator[tuple[int, Color | None]]:
    """Yield SGR codes in turn, with the colour for 38 and 48."""
    rest = params.split(";")
    while rest:
        word, *subs = rest.pop(0).split(":")
        code = number(word)
        if code is None:
            if not word:
                yield 0, None
            continue
        if code not in {38, 48}:
            if code == 4 and subs and subs[0] == "0":
                code = 24
            yield code, None
            continue
        if subs:
            # 38:2:<colour space>:r:g:b, or without the colour space as some programs write it.
            values = [number(sub) or 0 for sub in subs]
            if values[0] == 2 and len(values) > 4:
                values = [2, *values[2:5]]
        else:
            kind = number(rest[0]) if rest else None
            used = {5: 2, 2: 4}.get(kind or 0, 1)
            values = [number(each) or 0 for each in rest[:used]]
            del rest[:used]
        yield code, _colour(values)


def _colour(values: list[int]) -> Color | None:
    if values[:1] == [5] and len(values) > 1:
        return Color.from_ansi(min(values[1], 255))
    if values[:1] == [2] and len(values) > 3:
        return Color.from_rgb(*(min(value, 255) for value in values[1:4]))
    return None
