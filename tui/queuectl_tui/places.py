"""The views of the console, in the order of their keys."""

from __future__ import annotations

from queuectl.domain.record import record


@record
class Place:
    """A view and where it is defined; it is loaded when it is first shown."""

    number: str
    name: str
    title: str
    short: str
    """Title for narrow terminals."""
    module: str
    cls: str


PLACES = (
    Place(number="1", name="jobs", title="Jobs", short="Jobs", module="jobs", cls="JobsView"),
    Place(number="2", name="workers", title="Workers", short="Wkrs", module="workers", cls="WorkersView"),
    Place(number="3", name="dead", title="Dead", short="Dead", module="dead", cls="DeadView"),
    Place(number="4", name="queues", title="Queues", short="Que", module="queues", cls="QueuesView"),
    Place(number="5", name="overview", title="Overview", short="Ovw", module="overview", cls="OverviewView"),
    Place(number="6", name="activity", title="Activity", short="Act", module="activity", cls="ActivityView"),
)
"""The views in the order of their keys."""
