"""What every model of the configuration is made of: the base class and the common kinds of values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator, model_validator

from cloudplow.config.engine_flags import ExtraValue, normalise_extras
from cloudplow.units import parse_size_bytes

_TIME_OF_DAY = re.compile(r"^\s*([01]?\d|2[0-3]):([0-5]\d)\s*$", re.ASCII)

#: Largest size that fits into a file system's and rclone's signed 64 bits.
MAX_SIZE_BYTES: Final = (1 << 63) - 1


class Model(BaseModel):
    """Frozen; null counts as missing; unknown keys are ignored here and reported as warnings by the loader."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_missing(cls, data: Any) -> Any:
        return {key: value for key, value in data.items() if value is not None} if isinstance(data, dict) else data


def _blank_to_none(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _check_time_of_day(value: object) -> str:
    if isinstance(value, str) and not value.strip():
        return "00:00"
    match = _TIME_OF_DAY.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('is no time of day; write HH:MM, for example "22:30"')
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
        raise ValueError('is no size above zero; write it as rclone does, for example "750G", or as a number of bytes')
    return size_bytes


def _check_extra_value(value: object) -> ExtraValue:
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError("is no value of a flag; write a text, a number, true, false, or null for a bare flag")


def _check_extras(value: object) -> object:
    """Give the flags their dashes; faults in the keys are reported by `references`, with their own places."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        return value
    return normalise_extras(value)[0]


#: A text that may be missing; an empty one counts as missing, as older configurations have it.
OptionalText = Annotated[str | None, BeforeValidator(_blank_to_none)]
#: "HH:MM", two digits each; an empty text is midnight, as older configurations have it while the schedule is off.
TimeOfDay = Annotated[str, BeforeValidator(_check_time_of_day)]
#: Bytes, above zero; written as "750G" or as a number of bytes.
SizeBytes = Annotated[int, BeforeValidator(_check_size)]
#: rclone's flags in the user's order: "--flag" -> value; None = bare flag.
ExtraFlags = Annotated[
    Mapping[str, Annotated[ExtraValue, PlainValidator(_check_extra_value)]], BeforeValidator(_check_extras)
]
