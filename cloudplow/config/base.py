"""What every configuration model is built from: the base class and the common value types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator, model_validator

from cloudplow.config.engine_flags import ExtraValue, normalise_extras
from cloudplow.units import parse_size_bytes

_TIME_OF_DAY = re.compile(r"^\s*([01]?\d|2[0-3]):([0-5]\d)\s*$", re.ASCII)

#: The largest size that fits in the signed 64 bits of file systems and rclone.
MAX_SIZE_BYTES: Final = (1 << 63) - 1


#: Keys in which a blank is a value: a text for people, or one that must not be left to a default.
_BLANK_COUNTS: Final = frozenset({"title", "account_quota", "account_quota_hours"})


class Model(BaseModel):
    """Frozen; null and blanks count as missing; unknown keys are ignored here, and the loader warns about them.

    An empty list in place of an object, and an empty object in place of a list, are empty too.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_missing(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: cls._without_blanks(key, value) for key, value in data.items() if not cls._is_missing(key, value)}

    @classmethod
    def _without_blanks(cls, key: str, value: object) -> object:
        """A list of texts without blank ones: an empty text is part of every path, and no pattern."""
        if not isinstance(value, list) or key not in cls.model_fields:
            return value
        if key == "plugins" or get_origin(cls.model_fields[key].annotation) is not tuple:
            return value
        return [one for one in value if _blank_to_none(one) is not None]

    @classmethod
    def _is_missing(cls, key: str, value: object) -> bool:
        if value is None or (_blank_to_none(value) is None and key not in _BLANK_COUNTS):
            return True
        if value not in ([], {}) or key not in cls.model_fields:
            return False
        kind = get_origin(cls.model_fields[key].annotation)
        wrong = dict if kind is tuple else list
        return kind in (tuple, Mapping) and isinstance(value, wrong)


def _blank_to_none(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _as_text(value: object) -> object:
    """Text; a number, which older configurations hold where a text belongs, as it is written."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return _blank_to_none(value)


def in_small_letters(value: object) -> object:
    """A word as it is compared: without blanks around it, in small letters."""
    return value.strip().lower() if isinstance(value, str) else value


def _check_time_of_day(value: object) -> str:
    if isinstance(value, str) and not value.strip():
        return "00:00"
    match = _TIME_OF_DAY.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('must be a time of day in the form HH:MM, for example "22:30"')
    return f"{int(match.group(1)):02}:{match.group(2)}"


def _check_size(value: object) -> int:
    size_bytes = -1
    if isinstance(value, str):
        try:
            size_bytes = parse_size_bytes(value)
        except (ValueError, OverflowError):
            size_bytes = -1
    elif isinstance(value, int | float) and not isinstance(value, bool) and -1 < value <= MAX_SIZE_BYTES:
        size_bytes = int(value)
    if not 0 < size_bytes <= MAX_SIZE_BYTES:
        raise ValueError('must be a size above zero, as rclone writes it, for example "750G", or a number of bytes')
    return size_bytes


def _check_extra_value(value: object) -> ExtraValue:
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError("must be a string, a number, true, false, or null for a flag without a value")


def _check_extras(value: object) -> object:
    """Add the dashes to flags; `references` reports faults in the keys, each with its own place."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        return value
    return normalise_extras(value)[0]


#: A text that may be written as a number.
Text = Annotated[str, BeforeValidator(_as_text)]
#: An optional string; an empty one counts as missing, as in older configurations.
OptionalText = Annotated[str | None, BeforeValidator(_as_text)]
#: "HH:MM", two digits each; an empty string is midnight: older configurations have it while the schedule is off.
TimeOfDay = Annotated[str, BeforeValidator(_check_time_of_day)]
#: Bytes, above zero; written as "750G" or as a number of bytes.
SizeBytes = Annotated[int, BeforeValidator(_check_size)]
#: rclone flags in the user's order: "--flag" -> value; None = a flag without a value.
ExtraFlags = Annotated[
    Mapping[str, Annotated[ExtraValue, PlainValidator(_check_extra_value)]], BeforeValidator(_check_extras)
]
