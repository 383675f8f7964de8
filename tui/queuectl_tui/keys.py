"""All keys of the console, defined once: `keymap` makes bindings, key bar, help and reference from this list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl_tui.key import Key

if TYPE_CHECKING:
    from typing import Any


def _key(id_: str, keys: str, label: str, help_: str, priority: int = 0, **facts: Any) -> Key:
    return Key(id=id_, keys=keys, label=label, help=help_, priority=priority, **facts)


KEYS: tuple[Key, ...] = (
    # Everywhere ------------------------------------------------------------------------------------------------------
    _key("global.view_1", "1", "jobs", "Jobs", action="view('jobs')"),
    _key("global.view_2", "2", "workers", "Workers", action="view('workers')"),
    _key("global.view_3", "3", "dead", "Dead letters", action="view('dead')"),
    _key("global.view_4", "4", "queues", "Queues", action="view('queues')"),
    _key("global.view_5", "5", "overview", "Overview", action="view('overview')"),
    _key("global.view_6", "6", "activity", "Activity", action="view('activity')"),
    _key("global.pane", "tab", "pane", "Focus the next pane", action="app.focus_next"),
    _key("global.command", "colon", "cmd", "Type a queuectl command", 60),
    _key("global.palette", "ctrl+p", "palette", "Search all actions", action="command_palette"),
    _key("global.help", "question_mark", "help", "Show the keys here", 100),
    _key("global.freeze", "p", "freeze", "Freeze the display; the queue keeps running", 20),
    _key("global.refresh", "ctrl+r", "refresh", "Reload everything"),
    _key("global.zoom", "z", "zoom", "Maximize this pane, or restore it", 5),
    _key("global.theme", "T", "theme", "The next theme"),
    _key("global.new_job", "n", "new job", "Enqueue a job", 50, writes=True),
    _key(
        "global.start_pool",
        "S",
        "start pool",
        "Start workers; they keep running when the console closes",
        45,
        writes=True,
    ),
    _key("global.stop_pool", "X", "drain pool", "Let the workers finish their jobs, then stop", 40, writes=True),
    _key("global.more", "plus", "worker", "Add one worker", action="scale(1)", writes=True),
    _key("global.fewer", "minus", "worker", "Remove one worker, once its job is done", action="scale(-1)", writes=True),
    _key("global.config", "C", "settings", "See and change the settings", action="settings"),
    _key("global.undo", "u", "undo", "Undo the last action, where that is possible", writes=True),
    _key("global.back", "escape", "back", "Close the topmost layer; never quits"),
    _key("global.leave", "q", "quit", "Go back; at the top level, quit", 100),
    # Lists -----------------------------------------------------------------------------------------------------------
    _key("list.down", "j,down", "down", "The next row", action="move(1)", moves=True, step=True),
    _key("list.up", "k,up", "up", "The previous row", action="move(-1)", moves=True, step=True),
    _key("list.page_down", "pagedown,ctrl+d,ctrl+f", "page", "One page down", action="page(1)", moves=True, step=True),
    _key("list.page_up", "pageup,ctrl+u,ctrl+b", "page", "One page up", action="page(-1)", moves=True, step=True),
    _key("list.top", "g,home", "top", "The first row", action="top"),
    _key("list.end", "G,end", "end", "The last row", action="end"),
    _key("list.open", "enter", "open", "Everything about this job", 90),
    _key("list.filter", "slash", "filter", "Filter: state: queue: tag: id: or any text", 85, needs_row=False),
    _key("list.mark", "space", "mark", "Mark or unmark this row", 70),
    _key("list.range", "v", "range", "Mark a range: press again at its end", 10),
    _key("list.all", "a", "all", "Mark all in the filter, not only this page", 15),
    _key("list.detail", "d", "detail", "Show or hide the detail", 8, needs_row=False),
    _key("list.log", "l", "log", "Show the job's output, live while it runs", 75),
    _key("list.retry", "r", "retry", "Run the job now, with a fresh set of retries", 80, writes=True),
    _key("list.cancel", "x", "cancel", "Cancel the job; a running job is terminated", 65, writes=True),
    _key("list.kill", "K", "kill", "Cancel the job with a signal of your choice", 35, writes=True),
    _key("list.delete", "D", "delete", "Delete the job and its history", 55, writes=True),
    _key("list.edit", "e", "edit", "Edit the job and put it back in the queue", 30, writes=True),
    _key("list.priority", "P", "priority", "Let the job run earlier or later than others", 18, writes=True),
    _key("list.hold", "h", "hold", "Hold the job, or release a held one", 25, writes=True),
    _key("list.watch", "W", "watch", "Notify when this job ends, or stop watching it", 9),
    _key("list.views", "V", "views", "Saved views: show, save or delete one", 12, needs_row=False),
    _key(
        "list.pause_failing",
        "H",
        "pause queue",
        "Pause the queue that keeps failing",
        88,
        writes=True,
        needs_row=False,
    ),
    _key("list.sort", "o", "sort", "The next sort order", 16, needs_row=False),
    _key("list.reverse", "O", "reverse", "Reverse the sort order", needs_row=False),
    _key("list.columns", "c", "columns", "Choose the columns", needs_row=False),
    _key("list.copy", "y", "copy id", "Copy the job's id", 6),
    _key("list.report", "Y", "report", "Copy a report on the job's failure", 7),
    # Dead letters ----------------------------------------------------------------------------------------------------
    _key("dead.requeue", "r", "retry", "Retry the job or the whole group", 80, writes=True),
    _key("dead.edit", "e", "edit+retry", "Edit the job and retry it", 60, writes=True),
    _key("dead.purge", "D", "delete", "Delete the job or the whole group", 70, writes=True),
    _key("dead.group", "b", "group by", "List the dead jobs by error, or one by one", 50, needs_row=False),
    _key("dead.open_group", "right", "expand", "Show the jobs of a group"),
    _key("dead.close_group", "left", "close", "Close the group the cursor is in"),
    _key("dead.export", "E", "export", "Write the job or the whole group to a file of JSON Lines", 30),
    # Queues ----------------------------------------------------------------------------------------------------------
    _key("queues.open", "enter", "jobs", "The jobs of this queue", 90),
    _key("queues.pause", "h", "pause", "Pause the queue, or resume a paused one", 80, writes=True),
    _key(
        "queues.pause_all",
        "H",
        "pause all",
        "Pause all queues, or resume all",
        70,
        writes=True,
        needs_row=False,
    ),
    _key("queues.limit", "L", "limit", "Let only so many jobs of the queue run at a time", 65, writes=True),
    _key("queues.weight", "W", "weight", "Give the queue a larger or smaller share of busy workers", 30, writes=True),
    _key("queues.copy", "y", "copy name", "Copy the queue's name", 6),
    # Workers, overview, activity -------------------------------------------------------------------------------------
    _key("workers.log", "l", "log", "The output of the worker's job", 75),
    _key(
        "workers.stop_now",
        "K",
        "stop now",
        "Stop all workers now; their jobs are put back in the queue",
        35,
        writes=True,
        needs_row=False,
    ),
    _key("overview.span", "t", "1 h / 24 h", "The last hour, or the last day", 80, needs_row=False),
    _key("activity.filter", "slash", "filter", "Show only the events that contain some text", 85, needs_row=False),
    # One job ---------------------------------------------------------------------------------------------------------
    _key("job.log", "enter", "full log", "The job's output on the whole screen", action="log"),
    # Logs ------------------------------------------------------------------------------------------------------------
    _key("log.follow", "f", "follow", "Stay at the end as the log grows", 80),
    _key("log.wrap", "w", "wrap", "Wrap long lines", 60),
    _key("log.times", "t", "times", "Show when each line arrived", 30),
    _key("log.stream", "s", "out/err", "Standard output, standard error, or both", 70),
    _key("log.search", "slash", "search", "Find text", 75),
    _key("log.next", "n", "next", "The next match", 40),
    _key("log.previous", "N", "previous", "The previous match"),
    _key("log.next_error", "e", "error", "The next line that looks like an error", 50),
    _key("log.previous_error", "E", "error", "The previous line that looks like an error"),
    _key("log.previous_attempt", "left_square_bracket", "attempt", "The previous attempt", 45),
    _key("log.next_attempt", "right_square_bracket", "attempt", "The next attempt"),
    _key("log.save", "ctrl+s", "save", "Write the output to a file", 20),
    _key("log.down", "down,j", "down", "One line down", action="move(1)", moves=True, step=True),
    _key("log.up", "up,k", "up", "One line up; stops following", action="move(-1)", moves=True, step=True),
    _key("log.page_down", "pagedown", "page", "One page down", action="page(1)", moves=True, step=True),
    _key("log.page_up", "pageup", "page", "One page up", action="page(-1)", moves=True, step=True),
    _key("log.top", "home,g", "top", "The first line", moves=True),
    _key("log.bottom", "end,G", "end", "The last line; starts following", moves=True),
    _key("log.left", "left", "left", "Long lines: to the left", action="sideways(-8)", moves=True),
    _key("log.right", "right", "right", "Long lines: to the right", action="sideways(8)", moves=True),
)
"""Every binding, in the order of the help."""
