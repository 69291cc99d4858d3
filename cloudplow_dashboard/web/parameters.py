"""The parameters of routes: one model for each set of them, which checks a request and is described in OpenAPI."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.json_schema import SkipJsonSchema

from cloudplow.events import AccountState
from cloudplow_dashboard.state.account_table import ACCOUNTS_LIMIT
from cloudplow_dashboard.state.history import Metric
from cloudplow_dashboard.state.series import TIERS
from cloudplow_dashboard.state.state import UPLOADERS_LIMIT
from cloudplow_dashboard.web.faults import ApiError
from cloudplow_dashboard.web.schemas import Schema, members_of

#: Longest value of a text.
TEXT_LIMIT: Final = 1024
#: How much of a name that nobody knows is repeated, in characters.
SHOWN_LIMIT: Final = 50
ROWS_LIMIT: Final = ACCOUNTS_LIMIT * UPLOADERS_LIMIT
_EPOCH_LIMIT: Final = 10_000_000_000

#: How a number is written in an address. What Python reads beside ("1_000", " 1") is none.
_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def _written(value: object) -> object:
    if isinstance(value, str) and _NUMBER.fullmatch(value) is None:
        raise ValueError("is not written as a number")
    return value


WrittenFloat = Annotated[float, BeforeValidator(_written)]
WrittenInt = Annotated[int, BeforeValidator(_written)]
#: None when a parameter is not given; no request can ask for it.
NotGiven = SkipJsonSchema[None]


class Query(BaseModel):
    """The parameters of a request. Unknown ones are refused."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class OfUploader(Query):
    """The uploader that is asked about."""

    uploader: Annotated[str, Field(min_length=1, max_length=TEXT_LIMIT)] | NotGiven = Field(
        default=None, description="Only this uploader. An unknown name gives 404."
    )


class StreamQuery(Query):
    """Where a viewer wants to go on."""

    last_event_id: str = Field(
        default="",
        max_length=TEXT_LIMIT,
        description="`BOOT:VERSION` of the state that is known already; the header `Last-Event-ID` comes first.",
    )


class Span(OfUploader):
    """The time that is asked about."""

    since: WrittenFloat = Field(
        default=0,
        ge=-_EPOCH_LIMIT,
        le=_EPOCH_LIMIT,
        description="From when on: epoch seconds, or, when not positive, seconds back from now; 0 is the last hour.",
    )
    step: WrittenInt = Field(
        default=0,
        ge=0,
        le=TIERS[-1].span,
        description="Seconds between two points; 0 is the finest there is. The answer says which step it has.",
    )


class HistoryQuery(Span):
    """What `/api/history` is asked."""

    metric: Metric = Field(
        default=Metric.SPEED, description="What to give. `accounts`: bytes of each account per day (UTC)."
    )


class AccountsQuery(OfUploader):
    """Which accounts are asked for, and in which order."""

    offset: WrittenInt = Field(default=0, ge=0, le=_EPOCH_LIMIT, description="How many to skip.")
    limit: WrittenInt = Field(
        default=ROWS_LIMIT, ge=0, le=ROWS_LIMIT, description="How many to give at most; by default all."
    )
    state: AccountState | NotGiven = Field(default=None, description="Only accounts in this state.")
    q: str = Field(
        default="",
        max_length=TEXT_LIMIT,
        description="Only accounts whose name or reason contains this text; case does not matter.",
    )
    sort: Literal[
        "index", "-index", "name", "-name", "state", "-state", "used", "-used", "free", "-free", "reset", "-reset"
    ] = Field(
        default="index",
        description="The order; a minus sign reverses it. What is on its way or unsettled counts as used.",
    )


Q = TypeVar("Q", bound=Query)


def parse(query: type[Q], given: Mapping[str, Sequence[str]]) -> Q:
    """The parameters of a request; given: all values of each name. Raises ApiError."""
    unknown = next((name for name in given if name not in query.model_fields), None)
    if unknown is not None:
        known = ", ".join(query.model_fields)
        takes = f"this route takes {known}" if known else "this route takes none"
        raise ApiError(400, "bad_parameter", f"The parameter {unknown[:SHOWN_LIMIT]!a} is not known: {takes}")
    values = {}
    for name, texts in given.items():
        if len(texts) > 1:
            raise ApiError(400, "bad_parameter", f"Give the parameter {name} only once")
        values[name] = texts[0]
    try:
        return query.model_validate(values)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        message = f"The parameter {name} must be {wanted(members_of(query)[name])}"
        raise ApiError(400, "bad_parameter", message) from None


def wanted(schema: Schema) -> str:
    """What a value must be, for people."""
    if "enum" in schema:
        return "one of " + ", ".join(str(one) for one in schema["enum"])
    if schema["type"] == "string":
        return f"a text of {schema.get('minLength', 0)} to {schema['maxLength']} characters"
    kind = "a whole number" if schema["type"] == "integer" else "a number"
    return f"{kind} from {_number(schema['minimum'])} to {_number(schema['maximum'])}"


def _number(value: Any) -> str:
    return f"{value:.0f}"
