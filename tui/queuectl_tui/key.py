"""A key of the console, and how it is shown."""

from __future__ import annotations

from queuectl.domain.record import record

_NAMES = {
    "slash": "/",
    "question_mark": "?",
    "colon": ":",
    "plus": "+",
    "minus": "-",
    "ctrl+p": "^p",
    "ctrl+r": "^r",
    "ctrl+s": "^s",
    "ctrl+c": "^c",
    "escape": "esc",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "pageup": "pgup",
    "pagedown": "pgdn",
}


@record
class Key:
    """One binding. `keys` are Textual's names, separated by commas; the first is the one shown."""

    id: str
    """The id that a user's keymap uses: `list.retry`."""
    keys: str
    label: str
    """A word or two, for the key bar."""
    help: str
    """A sentence, for the help."""
    priority: int = 0
    """Where the key bar is too narrow, the lowest are dropped first; 100 is never dropped."""
    action: str = ""
    """The action method; empty: the part of the id after the dot."""
    writes: bool = False
    """Whether it changes the queue; a read-only console does not offer it."""
    moves: bool = False
    """Whether it only moves a cursor or what is shown; the palette leaves it out."""
    step: bool = False
    """Whether it moves by one row or one page, so that it changes neither focus nor screens."""
    needs_row: bool = True
    """Whether its effect depends on the rows shown; of no meaning in the scopes `global` and `log`."""

    @property
    def scope(self) -> str:
        """`global`, or the part that must have the focus: `list`, `dead`, `log`, `job`, `workers`, `overview`, …."""
        return self.id.partition(".")[0]

    @property
    def acts_on_row(self) -> bool:
        """Whether its effect depends on the rows shown, or on the job whose page is open."""
        return self.needs_row and self.scope not in {"global", "log"}

    @property
    def does(self) -> str:
        """Return the action method, with its arguments."""
        return self.action or self.id.partition(".")[2]

    @property
    def shown(self) -> str:
        """Return the key as shown to users."""
        return shown(self.keys.partition(",")[0])


@record
class KeyHint:
    """A key that applies now, as shown in the key bar."""

    key: str
    label: str
    priority: int = 0
    action: str = ""
    """The action of the app or the view that a click runs; empty for none."""
    ids: tuple[str, ...] = ()
    """Ids of the bindings shown, so that a user's keys can replace theirs."""


def shown(key: str) -> str:
    """Return a key as shown to users: `slash` is `/`, `upper_d` is `D`."""
    if key.startswith("upper_"):
        return key[6:].upper()
    return _NAMES.get(key, key)
