"""Events as JSON objects, and back: what goes through the control socket to whoever follows an upload. Pure."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Hashable, Mapping
from enum import StrEnum
from functools import cache
from typing import Any, Final, Union, cast, get_args, get_origin, get_type_hints

from cloudplow.events import facts, recovered, waiting
from cloudplow.events.facts import Event

#: The key under which an object names its kind of event.
SIGNAL: Final = "signal"

Reader = Callable[[Any], Any]


def _types() -> dict[str, type[Event]]:
    found = [one for module in (facts, recovered, waiting) for one in vars(module).values() if isinstance(one, type)]
    return {one.signal_name: one for one in found if issubclass(one, Event) and one is not Event}


#: Every kind of event by the name of its signal, including those that only `PluginApp` tells.
EVENT_TYPES: Final[Mapping[str, type[Event]]] = _types()


def encode(event: Event) -> dict[str, Any]:
    """The event as {"signal": name, ...fields}, ready for JSON as far as its values are."""
    return {SIGNAL: event.signal_name, **dataclasses.asdict(event)}


def decode(document: Mapping[str, Any]) -> Event | None:
    """The event that `encode` was given; None for a kind that this version does not know.

    Fields that this version does not know are ignored. Raises ValueError for what is not an event.
    """
    name = document.get(SIGNAL)
    if not isinstance(name, str):
        raise ValueError(f'an event must name its "{SIGNAL}"')
    event_type = EVENT_TYPES.get(name)
    return None if event_type is None else _made(event_type, document)


def _made(kind: type[Any], document: Mapping[str, Any]) -> Any:
    """A dataclass from its fields. Raises ValueError."""
    values = {}
    for name, reader in _readers(cast(Hashable, kind)).items():
        if name in document:
            try:
                values[name] = reader(document[name])
            except ValueError as error:
                raise ValueError(f"{kind.__name__}.{name} {error}") from None
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{kind.__name__} lacks a field: {error}") from None


@cache
def _readers(kind: Hashable) -> Mapping[str, Reader]:
    hints = get_type_hints(kind)
    return {field.name: _reader(hints[field.name]) for field in dataclasses.fields(cast(Any, kind))}


def _reader(hint: Any) -> Reader:
    """What turns a value of JSON into one of this type; it raises ValueError."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        (wanted,) = (one for one in inner if one is not types.NoneType)
        read = _reader(wanted)
        return lambda value: None if value is None else read(value)
    if origin is tuple:
        return _tuple_reader(inner)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return lambda value: hint(_checked(value, str))
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return lambda value: _made(hint, _checked(value, dict))
    if origin is not None and issubclass(origin, Mapping):
        return lambda value: _checked(value, dict)
    if hint is int:
        return _whole
    if hint is float:
        return lambda value: _checked(value, int, float)
    return lambda value: _checked(value, hint)


def _tuple_reader(inner: tuple[Any, ...]) -> Reader:
    if inner[1:] == (...,):
        read = _reader(inner[0])
        return lambda value: tuple([read(one) for one in _checked(value, list)])
    readers = [_reader(one) for one in inner]

    def read_pair(value: Any) -> tuple[Any, ...]:
        if len(_checked(value, list)) != len(readers):
            raise ValueError(f"must have {len(readers)} values")
        return tuple([read(one) for read, one in zip(readers, value, strict=True)])

    return read_pair


def _whole(value: Any) -> int:
    """Whole numbers that a sum has turned into floats are whole all the same."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return int(_checked(value, int))


def _checked(value: Any, *kinds: type) -> Any:
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise ValueError(f"cannot be {str(value)[:40]!r}")
    return value
