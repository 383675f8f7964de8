"""Settings: defaults < store < environment < flags. Each has a type, bounds and a description."""

from __future__ import annotations

import math
import os

from queuectl.domain.backoff import Backoff
from queuectl.domain.errors import UsageError
from queuectl.domain.record import record
from queuectl.domain.spec import check_shell
from queuectl.domain.text import is_unicode
from queuectl.domain.units import parse_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal, TypeAlias

    Origin: TypeAlias = Literal["environment", "store", "default"]
    """Where the value of a setting comes from."""

Value = int | float | str | None


@record
class Setting:
    """One setting: its key, type, bounds and description."""

    key: str
    default: Value
    low: float = 0
    high: float = 0
    help: str
    kind: str = "seconds"
    """`count` is a whole number, `factor` any number, `seconds` a duration, `names?` are patterns of names between
    blanks, `shell` is a program; those with `?` may be `none`."""
    on_server: Value = None
    """The default for a store on a server, where it differs."""

    def default_for(self, *, server: bool) -> Value:
        """Return the default for a store on a server, or in a file."""
        return self.on_server if server and self.on_server is not None else self.default

    def parse(self, text: str) -> Value:
        """Return the value that `text` represents. Raises UsageError naming the key and the bounds."""
        word = text.strip()
        if self.kind.endswith("?") and word.lower() in {"none", "off"}:
            return None
        if self.kind in {"names?", "shell"}:
            return self._word(word)
        try:
            value: int | float = int(word) if self.kind == "count" else self._number(word)
        except (ValueError, UsageError):
            value = math.nan
        if not self.low <= value <= self.high:
            raise UsageError(f"{self.key} cannot be {text[:40]!r}", hint=f"{self.key} is {self.describe()}")
        return value

    def _word(self, word: str) -> str:
        if self.kind == "shell":
            return check_shell(word)
        if not word or "=" in word or "\0" in word or not is_unicode(word):
            raise UsageError(f"{self.key} cannot be {word[:40]!r}", hint=f"{self.key} is {self.describe()}")
        return " ".join(word.split())

    def _number(self, word: str) -> float:
        return parse_duration(word) / 1000 if self.kind.startswith("seconds") else float(word)

    def describe(self) -> str:
        """Return the bounds in words."""
        if self.kind == "shell":
            return "a name or an absolute path"
        if self.kind == "names?":
            return "names between blanks, * for any text, or none"
        what = {"count": "a whole number", "factor": "a number"}.get(self.kind, "a duration in seconds (or 90s, 3h)")
        none = ", or none" if self.kind == "seconds?" else ""
        return f"{what} from {show(self.low)} to {show(self.high)}{none}"


_DAY = 86_400
_PREFIX = "QUEUECTL_"
_HOW_TO_RUN = frozenset(("QUEUECTL_DB", "QUEUECTL_DEBUG", "QUEUECTL_KEYMAP"))
"""Variables that a user may set and that are not settings."""
_OF_JOBS = frozenset(("QUEUECTL_JOB_ID", "QUEUECTL_ATTEMPT", "QUEUECTL_RUN"))
"""Variables that queuectl sets for its jobs."""
SETTINGS: dict[str, Setting] = {
    setting.key: setting
    for setting in (
        Setting(
            key="max_retries",
            default=3,
            low=0,
            high=1000,
            kind="count",
            help="retries after the first attempt, for jobs enqueued without their own",
        ),
        Setting(key="backoff_delay", default=0.5, low=0, high=_DAY, help="the wait before the first retry"),
        Setting(
            key="backoff_base",
            default=2,
            low=1,
            high=100,
            kind="factor",
            help="what each further wait is multiplied by",
        ),
        Setting(key="backoff_max", default=3600, low=0, high=30 * _DAY, help="the longest wait between two attempts"),
        Setting(
            key="backoff_jitter",
            default=0,
            low=0,
            high=1,
            kind="factor",
            help="the largest share of a wait that is subtracted at random, so that retries do not coincide",
        ),
        Setting(
            key="job_timeout",
            default=None,
            low=0.001,
            high=366 * _DAY,
            kind="seconds?",
            help="how long an attempt may run, for jobs without their own timeout",
        ),
        Setting(key="kill_grace", default=5, low=0, high=3600, help="from TERM to KILL when a job is ended"),
        Setting(
            key="lease",
            default=30,
            low=3,
            high=_DAY,
            help="how long a worker may show no sign of life before it is killed and replaced",
        ),
        Setting(
            key="poll_interval",
            default=1,
            low=0.05,
            high=60,
            help="how often an idle worker polls for jobs, in case it missed its doorbell",
        ),
        Setting(key="busy_timeout", default=30, low=0, high=3600, help="how long to wait for the store's write lock"),
        Setting(
            key="env_capture",
            default="PATH VIRTUAL_ENV CONDA_* PYENV_VERSION NVM_BIN LANG LC_* TZ",
            on_server="LANG LC_* TZ",
            kind="names?",
            help="the variables of its environment that enqueue keeps for the job (on a server: LANG LC_* TZ)",
        ),
        Setting(
            key="capture_deny",
            default="*TOKEN* *SECRET* *PASS* *PWD* *KEY* *CRED* *AUTH* *COOKIE* *DSN* *JWT* *BEARER* *PRIVATE* *_PAT "
            "AWS_* SSH_* PG* DATABASE_URL",
            kind="names?",
            help="the variables that env_capture and --env-all leave out, in upper or lower case",
        ),
        Setting(
            key="worker_env_deny",
            default=None,
            kind="names?",
            help="the variables that jobs do not get from their worker, in upper or lower case",
        ),
        Setting(
            key="shell",
            default="/bin/sh",
            kind="shell",
            help="what runs the commands of jobs without their own shell, with -c",
        ),
    )
}


@record
class Settings:
    """The settings in effect. Durations are seconds."""

    max_retries: int
    backoff_delay: float
    backoff_base: float
    backoff_max: float
    backoff_jitter: float
    job_timeout: float | None
    kill_grace: float
    lease: float
    poll_interval: float
    busy_timeout: float
    env_capture: str | None
    capture_deny: str | None
    worker_env_deny: str | None
    shell: str

    @property
    def backoff(self) -> Backoff:
        """The backoff between attempts."""
        return Backoff(
            delay=self.backoff_delay, base=self.backoff_base, maximum=self.backoff_max, jitter=self.backoff_jitter
        )

    @property
    def job_timeout_ms(self) -> int | None:
        """`job_timeout` in milliseconds."""
        return None if self.job_timeout is None else max(1, round(self.job_timeout * 1000))

    def timeout_ms(self, own: int | None) -> int | None:
        """Return the timeout of a job's attempts in milliseconds: its `own`, else `job_timeout`; None for no limit."""
        return self.job_timeout_ms if own is None else own


def known_key(key: str) -> str:
    """Return `key` in snake case. Raises UsageError with the most similar known key."""
    snake = key.strip().lower().replace("-", "_")
    if snake in SETTINGS:
        return snake
    # Imported here: only an error needs it.
    from difflib import get_close_matches

    near = get_close_matches(snake, SETTINGS, n=1, cutoff=0.5)
    raise UsageError(
        f"unknown setting {key[:40]!r}",
        hint=f"did you mean {near[0]}?" if near else f"known settings: {', '.join(SETTINGS)}",
    )


def origin(key: str, stored: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> Origin:
    """Return where the value of `key` comes from: `environment`, `store` or `default`."""
    if _variable(key) in environ:
        return "environment"
    return "store" if key in stored else "default"


def settings_from(
    stored: Mapping[str, str], environ: Mapping[str, str] = os.environ, *, server: bool = False
) -> Settings:
    """Return the settings in effect, from the store's values and the environment, which overrides them.

    `server` is whether the store is on a server, where an enqueue keeps less of its environment.

    Raises UsageError when a variable of the environment is not valid. A stored value that this version does not
    understand counts as not set: a newer version may have written it, and workers must not stop because of it.
    """
    values: dict[str, Value] = {}
    for key, setting in SETTINGS.items():
        variable = _variable(key)
        if variable in environ:
            try:
                values[key] = setting.parse(environ[variable])
            except UsageError as error:
                raise UsageError(f"{variable}: {error.message}", hint=error.hint) from None
        elif key in stored:
            try:
                values[key] = setting.parse(stored[key])
            except UsageError:
                values[key] = setting.default_for(server=server)
        else:
            values[key] = setting.default_for(server=server)
    return Settings(**values)  # type: ignore[arg-type]  # the table above gives each its type


def unknown_variables(environ: Mapping[str, str] = os.environ) -> list[tuple[str, str | None]]:
    """Return unknown variables QUEUECTL_…, each with the most similar known one or None."""
    known = {_variable(key) for key in SETTINGS} | _HOW_TO_RUN
    unknown = sorted(name for name in environ if name.startswith(_PREFIX) and name not in known | _OF_JOBS)
    if not unknown:
        return []
    # Imported here, as above.
    from difflib import get_close_matches

    # Without their common prefix, which would make any two similar.
    words = {name.removeprefix(_PREFIX): name for name in known}
    near = (get_close_matches(name.removeprefix(_PREFIX), words, n=1, cutoff=0.7) for name in unknown)
    return [(name, words[found[0]] if found else None) for name, found in zip(unknown, near, strict=True)]


def show(value: Value) -> str:
    """Return a value as `config get` prints it and `config set` accepts it: `1.5`, `2`, `none`, `LANG LC_*`."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    return str(int(value)) if value == int(value) else repr(value)


def wait_from_environment(environ: Mapping[str, str] = os.environ) -> float:
    """Return how many seconds to wait for the store's lock while opening it. Raises UsageError.

    The store's own setting cannot be read yet.
    """
    return settings_from({}, environ).busy_timeout


def _variable(key: str) -> str:
    return _PREFIX + key.upper()
