"""All keys of the console, defined once: `keymap` makes bindings, key bar, help and reference from this list."""

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
    scope: str
    """`global`, or the part that must have the focus: `list`, `dead`, `log`, `job`, `workers`, `overview`, `activity`.
    """
    label: str
    """A word or two, for the key bar."""
    help: str
    """A sentence, for the help."""
    priority: int = 0
    """Where the key bar is too narrow, the lowest are dropped first; 100 is never dropped."""
    action: str = ""
    """The action method; empty: the part of the id after the dot."""

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


KEYS: tuple[Key, ...] = (
    # Everywhere -----------------------------------------------------------------------------------------------------
    Key(id="global.view_1", keys="1", scope="global", label="jobs", help="Jobs", action="view('jobs')"),
    Key(id="global.view_2", keys="2", scope="global", label="workers", help="Workers", action="view('workers')"),
    Key(id="global.view_3", keys="3", scope="global", label="dead", help="Dead letters", action="view('dead')"),
    Key(id="global.view_4", keys="4", scope="global", label="overview", help="Overview", action="view('overview')"),
    Key(id="global.view_5", keys="5", scope="global", label="activity", help="Activity", action="view('activity')"),
    Key(
        id="global.pane", keys="tab", scope="global", label="pane", help="Focus the next pane", action="app.focus_next"
    ),
    Key(id="global.command", keys="colon", scope="global", label="cmd", help="Type a queuectl command", priority=60),
    Key(
        id="global.palette",
        keys="ctrl+p",
        scope="global",
        label="palette",
        help="Search all actions",
        action="command_palette",
    ),
    Key(id="global.help", keys="question_mark", scope="global", label="help", help="Show the keys here", priority=100),
    Key(
        id="global.pause",
        keys="p",
        scope="global",
        label="pause view",
        help="Freeze the display; the queue keeps running",
        priority=20,
    ),
    Key(id="global.refresh", keys="ctrl+r", scope="global", label="refresh", help="Reload everything"),
    Key(
        id="global.zoom",
        keys="z",
        scope="global",
        label="zoom",
        help="Maximize this pane, or restore it",
        priority=5,
    ),
    Key(id="global.theme", keys="T", scope="global", label="theme", help="The next theme"),
    Key(id="global.new_job", keys="n", scope="global", label="new job", help="Enqueue a job", priority=50),
    Key(
        id="global.start_pool",
        keys="S",
        scope="global",
        label="start pool",
        help="Start workers; they keep running when the console closes",
        priority=45,
    ),
    Key(
        id="global.stop_pool",
        keys="X",
        scope="global",
        label="drain pool",
        help="Let the workers finish their jobs, then stop",
        priority=40,
    ),
    Key(id="global.more", keys="plus", scope="global", label="worker", help="Add one worker", action="scale(1)"),
    Key(
        id="global.fewer",
        keys="minus",
        scope="global",
        label="worker",
        help="Remove one worker, once its job is done",
        action="scale(-1)",
    ),
    Key(
        id="global.config",
        keys="C",
        scope="global",
        label="settings",
        help="See and change the settings",
        action="settings",
    ),
    Key(
        id="global.undo",
        keys="u",
        scope="global",
        label="undo",
        help="Undo the last action, where that is possible",
    ),
    Key(id="global.back", keys="escape", scope="global", label="back", help="Close the topmost layer; never quits"),
    Key(
        id="global.leave",
        keys="q",
        scope="global",
        label="quit",
        help="Go back; at the top level, quit",
        priority=100,
    ),
    # Lists ----------------------------------------------------------------------------------------------------------
    Key(id="list.down", keys="j,down", scope="list", label="down", help="The next row", action="move(1)"),
    Key(id="list.up", keys="k,up", scope="list", label="up", help="The previous row", action="move(-1)"),
    Key(
        id="list.page_down",
        keys="pagedown,ctrl+d,ctrl+f",
        scope="list",
        label="page",
        help="One page down",
        action="page(1)",
    ),
    Key(
        id="list.page_up",
        keys="pageup,ctrl+u,ctrl+b",
        scope="list",
        label="page",
        help="One page up",
        action="page(-1)",
    ),
    Key(id="list.top", keys="g,home", scope="list", label="top", help="The first row", action="top"),
    Key(id="list.end", keys="G,end", scope="list", label="end", help="The last row", action="end"),
    Key(id="list.open", keys="enter", scope="list", label="open", help="Everything about this job", priority=90),
    Key(
        id="list.filter",
        keys="slash",
        scope="list",
        label="filter",
        help="Filter: state: queue: tag: id: or any text",
        priority=85,
    ),
    Key(
        id="list.mark",
        keys="space",
        scope="list",
        label="mark",
        help="Mark or unmark this row",
        priority=70,
    ),
    Key(
        id="list.range",
        keys="v",
        scope="list",
        label="range",
        help="Mark a range: press again at its end",
        priority=10,
    ),
    Key(
        id="list.all",
        keys="a",
        scope="list",
        label="all",
        help="Mark all in the filter, not only this page",
        priority=15,
    ),
    Key(id="list.detail", keys="d", scope="list", label="detail", help="Show or hide the detail", priority=8),
    Key(
        id="list.log",
        keys="l",
        scope="list",
        label="log",
        help="Show the job's output, live while it runs",
        priority=75,
    ),
    Key(
        id="list.retry",
        keys="r",
        scope="list",
        label="retry",
        help="Run it again now, with a fresh set of retries",
        priority=80,
    ),
    Key(
        id="list.cancel",
        keys="x",
        scope="list",
        label="cancel",
        help="Cancel it; a running job is terminated",
        priority=65,
    ),
    Key(
        id="list.kill",
        keys="K",
        scope="list",
        label="kill",
        help="Cancel it with a signal of your choice",
        priority=35,
    ),
    Key(id="list.delete", keys="D", scope="list", label="delete", help="Delete it and its history", priority=55),
    Key(id="list.edit", keys="e", scope="list", label="edit", help="Edit it and put it back in the queue", priority=30),
    Key(
        id="list.priority",
        keys="P",
        scope="list",
        label="priority",
        help="Let it run earlier or later than others",
        priority=18,
    ),
    Key(
        id="list.hold",
        keys="h",
        scope="list",
        label="hold",
        help="Keep it from running, or let it run again",
        priority=25,
    ),
    Key(
        id="list.watch",
        keys="W",
        scope="list",
        label="watch",
        help="Notify when this job ends, or stop watching it",
        priority=9,
    ),
    Key(
        id="list.views",
        keys="V",
        scope="list",
        label="views",
        help="Saved views: show, save or delete one",
        priority=12,
    ),
    Key(
        id="list.hold_storm",
        keys="H",
        scope="list",
        label="hold queue",
        help="Hold the waiting jobs of the queue that keeps failing",
        priority=88,
    ),
    Key(id="list.sort", keys="o", scope="list", label="sort", help="The next sort order", priority=16),
    Key(id="list.reverse", keys="O", scope="list", label="reverse", help="Reverse the sort order"),
    Key(id="list.columns", keys="c", scope="list", label="columns", help="Choose the columns"),
    Key(id="list.copy", keys="y", scope="list", label="copy id", help="Copy the id", priority=6),
    Key(id="list.report", keys="Y", scope="list", label="report", help="Copy a failure report", priority=7),
    # Dead letters ---------------------------------------------------------------------------------------------------
    Key(
        id="dead.requeue",
        keys="r",
        scope="dead",
        label="retry",
        help="Retry the job or the whole group",
        priority=80,
    ),
    Key(id="dead.edit", keys="e", scope="dead", label="edit+retry", help="Edit the job and retry it", priority=60),
    Key(id="dead.purge", keys="D", scope="dead", label="delete", help="Delete it for good", priority=70),
    Key(id="dead.group", keys="b", scope="dead", label="group by", help="By error, or one by one", priority=50),
    Key(id="dead.open_group", keys="right", scope="dead", label="expand", help="Show the jobs of a group"),
    Key(id="dead.close_group", keys="left", scope="dead", label="close", help="Close the group the cursor is in"),
    Key(
        id="dead.export", keys="E", scope="dead", label="export", help="Write them to a file of JSON Lines", priority=30
    ),
    # Workers, overview, activity ------------------------------------------------------------------------------------
    Key(id="workers.log", keys="l", scope="workers", label="log", help="The output of its job", priority=75),
    Key(
        id="workers.stop_now",
        keys="K",
        scope="workers",
        label="stop now",
        help="Stop all workers now; their jobs are put back in the queue",
        priority=35,
    ),
    Key(
        id="overview.span",
        keys="t",
        scope="overview",
        label="1 h / 24 h",
        help="The last hour, or the last day",
        priority=80,
    ),
    Key(
        id="activity.filter",
        keys="slash",
        scope="activity",
        label="filter",
        help="Show only what contains some text",
        priority=85,
    ),
    # One job --------------------------------------------------------------------------------------------------------
    Key(id="job.log", keys="enter", scope="job", label="full log", help="Its output on the whole screen", action="log"),
    # Logs -----------------------------------------------------------------------------------------------------------
    Key(id="log.follow", keys="f", scope="log", label="follow", help="Stay at the end as the log grows", priority=80),
    Key(id="log.wrap", keys="w", scope="log", label="wrap", help="Wrap long lines", priority=60),
    Key(id="log.times", keys="t", scope="log", label="times", help="Show when each line arrived", priority=30),
    Key(
        id="log.stream",
        keys="s",
        scope="log",
        label="out/err",
        help="Standard output, standard error, or both",
        priority=70,
    ),
    Key(id="log.search", keys="slash", scope="log", label="search", help="Find text", priority=75),
    Key(id="log.next", keys="n", scope="log", label="next", help="The next match", priority=40),
    Key(id="log.previous", keys="N", scope="log", label="previous", help="The previous match"),
    Key(
        id="log.next_error",
        keys="e",
        scope="log",
        label="error",
        help="The next line that looks like an error",
        priority=50,
    ),
    Key(id="log.previous_error", keys="E", scope="log", label="error", help="The previous one"),
    Key(
        id="log.previous_attempt",
        keys="left_square_bracket",
        scope="log",
        label="attempt",
        help="The previous attempt",
        priority=45,
    ),
    Key(id="log.next_attempt", keys="right_square_bracket", scope="log", label="attempt", help="The next attempt"),
    Key(id="log.save", keys="ctrl+s", scope="log", label="save", help="Write it to a file", priority=20),
    Key(id="log.down", keys="down,j", scope="log", label="down", help="One line down", action="move(1)"),
    Key(id="log.up", keys="up,k", scope="log", label="up", help="One line up; stops following", action="move(-1)"),
    Key(id="log.page_down", keys="pagedown", scope="log", label="page", help="One page down", action="page(1)"),
    Key(id="log.page_up", keys="pageup", scope="log", label="page", help="One page up", action="page(-1)"),
    Key(id="log.top", keys="home,g", scope="log", label="top", help="The first line"),
    Key(id="log.bottom", keys="end,G", scope="log", label="end", help="The last line; starts following"),
    Key(id="log.left", keys="left", scope="log", label="left", help="Long lines: to the left", action="sideways(-8)"),
    Key(
        id="log.right", keys="right", scope="log", label="right", help="Long lines: to the right", action="sideways(8)"
    ),
)
"""Every binding, in the order of the help."""
