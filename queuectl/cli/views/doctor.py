"""The findings of the doctor."""

from __future__ import annotations

from queuectl.cli.render import GREEN, RED, YELLOW, painted
from queuectl.domain.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.domain.finding import Finding
    from queuectl.operations.doctor import Doctor, Examined

_GLYPHS = {"ok": "✓", "fixed": "·", "problem": "!"}
_COLOURS = {"ok": GREEN, "fixed": YELLOW, "problem": RED}


def doctor(result: Examined, _params: Doctor, screen: Screen) -> None:
    """Print a line for each finding, and below a problem how to fix it, or what fixed it."""
    names = max(len(finding.name) for finding in result.findings)
    for finding in result.findings:
        word = _word(finding)
        mark = _GLYPHS[word] if screen.is_terminal else f"{word:7}"
        margin = " " * (len(mark) + names + 4)
        screen.write(f"{painted(mark, _COLOURS[word], screen)}  {safe(finding.name):{names}}  {safe(finding.detail)}\n")
        if finding.fixed is not None:
            screen.write(f"{margin}fixed: {safe(finding.fixed)}\n")
        if finding.cure is not None:
            screen.write(f"{margin}fix: {safe(finding.cure)}\n")


def _word(finding: Finding) -> str:
    if finding.cure is not None:
        return "problem"
    return "ok" if finding.fixed is None else "fixed"


VIEWS = {"doctor": doctor}
