"""docs/console.md, made from the keymap: `python -m queuectl_tui.reference > docs/console.md`. A test keeps it true."""

from __future__ import annotations

from queuectl_tui import keymap
from queuectl_tui.screens.help import TITLES

INTRODUCTION = """\
<!-- Made by `python -m queuectl_tui.reference > docs/console.md`; change the keymap and not this page. -->
# The console

`queuectl` on a terminal, or `queuectl tui [--read-only] [--ascii] [--no-mouse]`. It shows what the store holds and
does what the command line does, through the same operations; after each action it shows the command that does the
same.

- **It stays on its job.** The cursor and the marks are jobs, not places: rows that come and go above never move them.
  A job that leaves the filter under the cursor stays in sight until you move, and a key is ignored for a moment after
  the row under the cursor has become another.
- **Keys act in order.** Each key is handled in full before the next: what is typed right behind `/`, `:` or `n` is in
  the field that opens, however fast it comes. A key that acts on a row waits for the rows of the filter that is on and
  for the cursor to arrive, `u` for the action that is under way; if that takes more than two seconds, the key does
  nothing and says so. What is typed behind a key that is refused is dropped.
- **It asks before it ends or destroys.** Cancel has the focus; the count, the names and the command are shown, and
  whether it can be undone. `u` takes back what was done last, for ten minutes; where that cannot be undone it says so.
- **It gets out of the way.** Closing it stops no worker; workers that it starts go on by themselves. When the store
  cannot be read it keeps the last picture and shows its age; one that was moved away is read again once it is back.
- **Hostile output is harmless**: control characters in commands and output are written out; colours of a job's log
  stay.

The filter (`/`) takes `state:dead`, `queue:mail`, `tag:nightly`, `id:12` and any text. Below 100 columns the detail
becomes a strip and workers move to view 2; it needs 60 columns and 15 rows.

The command line (`:`) keeps its last 500 lines from one session to the next, in `history` in your state directory
(`$XDG_STATE_HOME/queuectl`, else `~/.local/state/queuectl`; on macOS `~/Library/Application Support/queuectl`), which
only you can read. Lines that give variables to a job are not kept, and a console that is read-only keeps none.

The keys can be your own: `keymap.json` in your configuration directory (`$XDG_CONFIG_HOME/queuectl`, else
`~/.config/queuectl`; on macOS `~/Library/Application Support/queuectl`), or the file that `QUEUECTL_KEYMAP` names, maps
bindings to keys: `{"list.retry": "f5", "global.leave": "q,ctrl+x"}`. The ids are in the tables below; several keys
stand between commas, and they take the place of all that the binding had. The key bar, the help and the palette show
them. A file with a mistake, or with a key that another binding of the same table or of "Everywhere" has, is refused
before the console opens. `ctrl+c` and `ctrl+q` always quit.
"""


def page() -> str:
    """The whole page."""
    pieces = [INTRODUCTION, "## Keys\n"]
    for scope in dict.fromkeys(key.scope for key in keymap.KEYS):
        pieces.append(f"### {TITLES.get(scope, scope.capitalize())}\n\n| key | does | id |\n|---|---|---|")
        pieces += [f"| {_keys(key)} | {key.help} | `{key.id}` |" for key in keymap.of_scope(scope)]
        pieces.append("")
    return "\n".join(pieces)


def _keys(of: keymap.Key) -> str:
    return " ".join(f"`{keymap.shown(each)}`" for each in of.keys.split(","))


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 - the page is what it makes
