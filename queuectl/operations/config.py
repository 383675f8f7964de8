"""Read and change the configuration."""

from __future__ import annotations

from queuectl.config import SETTINGS, known_key, origin, show, unknown_variables
from queuectl.domain.errors import UsageError
from queuectl.domain.record import field, record
from queuectl.operations.document import Document
from queuectl.operations.operation import Heading, Operation
from queuectl.store.location import is_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.config import Origin, Value
    from queuectl.operations.context import Context


@record
class ListSettings:
    """No parameters."""


@record
class Get:
    """Parameters of `config get`."""

    key: str = field("the setting", metavar="KEY", completes="settings", positional=True)


@record
class Set:
    """Parameters of `config set`."""

    key: str = field("the setting", metavar="KEY", completes="settings", positional=True)
    value: str = field("its new value", metavar="VALUE", positional=True)


@record
class Unset:
    """Parameters of `config unset`."""

    key: str = field("the setting", metavar="KEY", completes="settings", positional=True)


@record
class SettingNow(Document):
    """A setting and its current value."""

    key: str
    """Its name."""
    value: Value
    """Its value; null: none, which is no limit."""
    default: Value
    """Its value where none is set; null: none."""
    origin: Origin
    """Where its value comes from."""
    help: str
    """What it is for."""


def list_settings(context: Context, _params: ListSettings) -> list[SettingNow]:
    """Return every setting with its current value; report unknown QUEUECTL_ variables."""
    for name, meant in unknown_variables():
        context.say(
            f"note: the variable {name} is set, but is not a setting" + (f"; did you mean {meant}?" if meant else "")
        )
    return [_now(context, key) for key in SETTINGS]


def get(context: Context, params: Get) -> SettingNow:
    """Return one setting with its current value."""
    return _now(context, known_key(params.key))


def set_(context: Context, params: Set) -> SettingNow:
    """Change a setting in the store; running workers apply it too."""
    key = known_key(params.key)
    try:
        value = show(SETTINGS[key].parse(params.value))
    except UsageError as error:
        if params.value.strip().lower() == "default":
            raise UsageError(error.message, hint=f"queuectl config unset {key} resets it to its default") from None
        raise
    with context.store.undo.keeping("config set", now=context.now(), keeps=False):
        context.store.set_config(key, value, now=context.now())
    now = _now(context, key)
    if now.origin == "environment":
        context.say(f"note: the variable QUEUECTL_{key.upper()} is set and overrides the setting of the store")
    return now


def unset(context: Context, params: Unset) -> SettingNow:
    """Remove a setting from the store, so that its default applies."""
    key = known_key(params.key)
    with context.store.undo.keeping("config unset", now=context.now(), keeps=False):
        context.store.unset_config(key, now=context.now())
    return _now(context, key)


def _now(context: Context, key: str) -> SettingNow:
    stored = context.store.config()
    value = getattr(context.settings, key)
    setting = SETTINGS[key]
    return SettingNow(
        key=key,
        value=value,
        default=setting.default_for(server=is_url(context.location)),
        origin=origin(key, stored),
        help=f"{setting.help}; {setting.describe()}",
    )


LIST = Operation(
    name="config list",
    heading=Heading.SETTINGS,
    see=("config set",),
    reads=True,
    summary="List every setting and where its value comes from",
    params=ListSettings,
    run=list_settings,
    examples=("config list",),
)
GET = Operation(
    name="config get",
    heading=Heading.SETTINGS,
    see=("config list",),
    reads=True,
    summary="Print one setting",
    params=Get,
    run=get,
    examples=("config get backoff_base",),
)
SET = Operation(
    name="config set",
    heading=Heading.SETTINGS,
    see=("config unset", "config list"),
    summary="Change a setting, also for running workers",
    params=Set,
    run=set_,
    makes_store=True,
    description="An environment variable QUEUECTL_KEY overrides the setting of the store.",
    examples=("config set backoff_base 1.5", "config set job_timeout 15m", "config set job_timeout none"),
)
UNSET = Operation(
    name="config unset",
    heading=Heading.SETTINGS,
    see=("config set",),
    summary="Reset a setting to its default",
    params=Unset,
    run=unset,
    examples=("config unset backoff_base",),
)
