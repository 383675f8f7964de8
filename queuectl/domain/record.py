"""Frozen, keyword-only records: the part of `dataclasses` in use here, without its seven milliseconds of start-up.

`import dataclasses` loads `inspect` and compiles every class from text, which is too slow for a command line that
starts one process for each enqueue (docs/decisions.md has the figures). Type checkers treat a record as an ordinary
dataclass through PEP 681.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Literal, TypeAlias, TypeVar, dataclass_transform

    Record = TypeVar("Record")
    Kind: TypeAlias = Literal[
        "jobs", "dead", "queues", "tags", "labels", "hosts", "pools", "errors", "views", "filters",
        "schedules", "settings", "signals", "files", "directories",
    ]  # fmt: skip
    """What a word of a command line can name; all but the last four are names in a store."""
else:

    def dataclass_transform(**_: object) -> Any:
        """Stand in for `typing.dataclass_transform` at run time, where it does nothing."""
        return lambda decorated: decorated


class Field:
    """A field with a default and the words that a front end shows for it. Made by `field`."""

    default: object
    help: str
    metavar: str | None
    short: str | None
    flag: str | None
    positional: bool
    begins: str
    rest: bool
    choices: tuple[str, ...] | None
    commas: bool
    parse: Callable[[str], Any] | None
    completes: Kind | None

    def __init__(self, default: object, **words: object) -> None:
        self.default = default
        self.__dict__.update(words)


MISSING = object()
"""The default of a required field."""


def field(
    help: str,  # noqa: A002 - the word argparse uses
    *,
    default: Any = MISSING,
    metavar: str | None = None,
    short: str | None = None,
    flag: str | None = None,
    positional: bool = False,
    begins: str = "",
    rest: bool = False,
    choices: tuple[str, ...] | None = None,
    commas: bool = False,
    parse: Callable[[str], Any] | None = None,
    completes: Kind | None = None,
) -> Any:
    """Declare a field with the words that a front end shows for it.

    `help` is one sentence, `metavar` the placeholder in usage lines, `short` a one-letter flag, `flag` an option name
    that differs from the field's, `positional` whether it is an argument without a flag, `begins` the text that
    sets it apart from the words of an argument before it that may be given several times, `rest` whether it takes the
    words after `--` unchanged, `choices` the allowed words, `commas` whether one word
    may hold several values, `parse` a function from text to the value (raising
    `QueuectlError`), `completes` the kind of names that completion offers for it. The annotation adds the rest: a
    `bool` is a switch, a `tuple` may be given several times.
    """
    return Field(
        default,
        help=help,
        metavar=metavar,
        short=short,
        flag=flag,
        positional=positional,
        begins=begins,
        rest=rest,
        choices=choices,
        commas=commas,
        parse=parse,
        completes=completes,
    )


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def record(cls: type[Record]) -> type[Record]:
    """Give `cls` a keyword-only constructor, equality, a repr and frozen slots, from its annotations.

    It may extend one other record, whose fields come first.
    """
    namespace = dict(cls.__dict__)
    names = tuple(name for name in cls.__annotations__ if not name.startswith("_"))
    base: Any = cls.__bases__[0]
    fields: dict[str, object] = dict(getattr(base, "__fields__", ()))
    for name in names:
        fields[name] = namespace.pop(name, MISSING)
    for attribute in ("__dict__", "__weakref__"):
        namespace.pop(attribute, None)
    namespace.update(
        __slots__=names,
        __fields__=fields,
        __defaults__={
            name: declared.default if isinstance(declared, Field) else declared
            for name, declared in fields.items()
            if (declared.default if isinstance(declared, Field) else declared) is not MISSING
        },
        __annotations__={**getattr(base, "__annotations__", {}), **cls.__annotations__},
        __init__=_init,
        __setattr__=_refuse,
        __delattr__=_refuse,
        __eq__=_equal,
        __hash__=_hash,
        __repr__=_repr,
        __reduce__=_reduce,
    )
    recreated: Any = type(cls.__name__, cls.__bases__, namespace)
    recreated.__qualname__ = cls.__qualname__
    return recreated  # type: ignore[no-any-return]  # a class that type() made


def replace(old: Record, **changes: object) -> Record:
    """Return a copy of `old` with `changes`."""
    return type(old)(**{**as_dict(old), **changes})


def as_dict(of: object) -> dict[str, Any]:
    """Return the fields of a record and their values, in the order of declaration."""
    return {name: getattr(of, name) for name in type(of).__fields__}  # type: ignore[attr-defined]  # as `record` makes it


def described(of: type) -> dict[str, tuple[Field, str]]:
    """Return the described fields of a record class: each `Field`, and its annotation as source text."""
    fields: Mapping[str, object] = of.__fields__  # type: ignore[attr-defined]  # as `record` makes it
    return {name: (each, of.__annotations__[name]) for name, each in fields.items() if isinstance(each, Field)}


_set = object.__setattr__


def _init(self: Any, **values: Any) -> None:
    names = self.__fields__
    if len(values) < len(names):
        values = self.__defaults__ | values
    try:
        for name in names:
            _set(self, name, values[name])
    except KeyError as missing:
        raise TypeError(f"{type(self).__name__} needs {missing}") from None
    if len(values) > len(names):
        unknown = [name for name in values if name not in names]
        raise TypeError(f"{type(self).__name__} has no {', '.join(unknown)}")


def _refuse(self: Any, *_: object) -> None:
    raise AttributeError(f"{type(self).__name__} is frozen")


def _equal(self: Any, other: object) -> bool:
    return type(self) is type(other) and as_dict(self) == as_dict(other)


def _hash(self: Any) -> int:
    return hash(tuple(as_dict(self).values()))


def _repr(self: Any) -> str:
    return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in as_dict(self).items())})"


def _reduce(self: Any) -> tuple[Any, ...]:
    return _rebuild, (type(self), as_dict(self))


def _rebuild(cls: type[Record], values: dict[str, Any]) -> Record:
    return cls(**values)
