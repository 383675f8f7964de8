"""A glyph for each state of a job, which both front ends show beside its word."""

from __future__ import annotations

from queuectl.domain.job import JobState

GLYPHS: dict[str, str] = {
    JobState.PENDING: "○",
    JobState.HELD: "◆",
    JobState.PROCESSING: "▶",
    JobState.FAILED: "◐",
    JobState.COMPLETED: "✓",
    JobState.DEAD: "×",
    JobState.CANCELLED: "■",
}
