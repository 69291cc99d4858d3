"""The parameters of routes: described once, checked by the same description."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cloudplow_dashboard.state.account_table import ACCOUNTS_LIMIT
from cloudplow_dashboard.state.history import METRICS
from cloudplow_dashboard.state.series import TIERS
from cloudplow_dashboard.web.faults import ApiError

#: Longest value of a text.
TEXT_LIMIT: Final = 1024
_DIGITS_LIMIT: Final = 30
_EPOCH_LIMIT: Final = 10_000_000_000

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One query parameter. schema: JSON Schema of its value; its "default" holds when the parameter is not given."""

    name: str
    summary: str
    schema: Mapping[str, Any]

    def parse(self, text: str) -> Any:
        """The value of a text. Raises ApiError."""
        schema = self.schema
        if schema["type"] == "string":
            allowed = schema.get("enum")
            fits = text in allowed if allowed else schema.get("minLength", 0) <= len(text) <= schema["maxLength"]
            value: Any = text
        else:
            value = _number(text, whole=schema["type"] == "integer")
            fits = value is not None and schema["minimum"] <= value <= schema["maximum"]
        if not fits:
            raise ApiError(400, "bad_parameter", f"The parameter {self.name} must be {self.wanted()}")
        return value

    def wanted(self) -> str:
        """What a value must be, for people."""
        schema = self.schema
        if "enum" in schema:
            return "one of " + ", ".join(str(one) for one in schema["enum"])
        if schema["type"] == "string":
            return f"a text of {schema.get('minLength', 0)} to {schema['maxLength']} characters"
        kind = "a whole number" if schema["type"] == "integer" else "a number"
        return f"{kind} from {schema['minimum']} to {schema['maximum']}"


def _number(text: str, *, whole: bool) -> float | int | None:
    if len(text) > _DIGITS_LIMIT or not text.isascii() or "_" in text:
        return None
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def parse_all(parameters: Sequence[Parameter], given: Callable[[str], list[str]]) -> Values:
    """The values of a request; given: all values of a name. Unknown names are ignored. Raises ApiError."""
    values: Values = {}
    for parameter in parameters:
        texts = given(parameter.name)
        if len(texts) > 1:
            raise ApiError(400, "bad_parameter", f"Give the parameter {parameter.name} once")
        values[parameter.name] = parameter.parse(texts[0]) if texts else parameter.schema.get("default")
    return values


UPLOADER: Final = Parameter(
    "uploader",
    "Only this uploader. An unknown name is answered with 404.",
    {"type": "string", "minLength": 1, "maxLength": TEXT_LIMIT},
)
METRIC: Final = Parameter(
    "metric",
    "What to give. `accounts`: bytes of each account per day (UTC).",
    {"type": "string", "enum": list(METRICS), "default": "speed"},
)
SINCE: Final = Parameter(
    "since",
    "From when on: epoch seconds, or, when not positive, seconds back from now; 0 is the last hour.",
    {"type": "number", "minimum": -_EPOCH_LIMIT, "maximum": _EPOCH_LIMIT, "default": 0},
)
STEP: Final = Parameter(
    "step",
    "Seconds between two points; 0 is the finest there is. The answer says the real one.",
    {"type": "integer", "minimum": 0, "maximum": TIERS[-1].span, "default": 0},
)
OFFSET: Final = Parameter(
    "offset", "How many to leave out first.", {"type": "integer", "minimum": 0, "maximum": _EPOCH_LIMIT, "default": 0}
)
LIMIT: Final = Parameter(
    "limit",
    "How many to give at most; all when it is not given.",
    {"type": "integer", "minimum": 0, "maximum": ACCOUNTS_LIMIT * 64, "default": ACCOUNTS_LIMIT * 64},
)
STATE: Final = Parameter(
    "state",
    "Only accounts in this state.",
    {"type": "string", "enum": ["ready", "active", "cooling", "denied", "failed"]},
)
SEARCH: Final = Parameter(
    "q",
    "Only accounts whose name or reason holds this text; upper and lower case are the same.",
    {"type": "string", "maxLength": TEXT_LIMIT, "default": ""},
)
SORT: Final = Parameter(
    "sort",
    "The order; with a minus sign the other way round.",
    {
        "type": "string",
        "enum": [f"{sign}{key}" for key in ("index", "name", "state", "used", "free", "reset") for sign in ("", "-")],
        "default": "index",
    },
)
