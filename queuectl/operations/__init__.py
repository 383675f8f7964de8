"""The operations of an operator. Front ends are made from this list; neither holds SQL or a rule about states.

Each operation is defined in the module of its name, and only the requested one is loaded: a command line that
starts a process for each enqueue cannot pay for the others.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.operations.operation import Operation

    ALL: tuple[Operation, ...]

WHERE = {
    "enqueue": "enqueue.ENQUEUE",
    "run": "run.RUN",
    "list": "list_show.LIST",
    "show": "list_show.SHOW",
    "logs": "logs.LOGS",
    "wait": "wait.WAIT",
    "cancel": "cancel.CANCEL",
    "retry": "retry.RETRY",
    "delete": "delete.DELETE",
    "prune": "delete.PRUNE",
    "hold": "hold.HOLD",
    "release": "hold.RELEASE",
    "priority": "hold.PRIORITY",
    "edit": "edit.EDIT",
    "undo": "undo.UNDO",
    "explain": "explain.EXPLAIN",
    "worker start": "workers.START",
    "worker stop": "workers.STOP",
    "worker list": "workers.LIST",
    "worker scale": "workers.SCALE",
    "queue list": "queues.LIST",
    "queue set": "queue_set.SET",
    "queue pause": "queue_pause.PAUSE",
    "queue resume": "queue_pause.RESUME",
    "queue delete": "queue_set.DELETE",
    "schedule add": "schedule_add.ADD",
    "schedule list": "schedules.LIST",
    "schedule show": "schedules.SHOW",
    "schedule next": "schedules.NEXT",
    "schedule pause": "schedule_pause.PAUSE",
    "schedule resume": "schedule_pause.RESUME",
    "schedule run": "schedule_run.RUN",
    "schedule edit": "schedule_add.EDIT",
    "schedule delete": "schedule_run.DELETE",
    "status": "status.STATUS",
    "history": "history.HISTORY",
    "dlq list": "dlq.LIST",
    "dlq show": "dlq.SHOW",
    "dlq retry": "dlq.RETRY",
    "dlq purge": "dlq.PURGE",
    "view list": "view.LIST",
    "view save": "view.SAVE",
    "view delete": "view.DELETE",
    "config list": "config.LIST",
    "config get": "config.GET",
    "config set": "config.SET",
    "config unset": "config.UNSET",
    "doctor": "doctor.DOCTOR",
    "backup": "backup.BACKUP",
    "migrate": "migrate.MIGRATE",
    "selftest": "selftest.SELFTEST",
    "tui": "tui.TUI",
    "demo": "demo.DEMO",
    "completion": "completion.COMPLETION",
}
"""Every operation by name: the module that defines it, and its name there. Those of one heading are in its order."""
GROUPS = frozenset(name.partition(" ")[0] for name in WHERE if " " in name)
"""First words of commands that are two words long."""


def find(name: str) -> Operation:
    """Return the operation of this name; only its module is loaded. Raises KeyError."""
    module, constant = WHERE[name].split(".")
    # Not importlib: that import alone costs a millisecond.
    operation: Operation = getattr(__import__(f"{__name__}.{module}", fromlist=(constant,)), constant)
    return operation


def __getattr__(name: str) -> tuple[Operation, ...]:
    """Load `ALL` on first access."""
    if name != "ALL":
        raise AttributeError(name)
    return tuple(find(each) for each in WHERE)
