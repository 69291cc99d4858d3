"""JSON Schemas of the types of answers, as they stand in `/api/openapi.json`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

Schema = dict[str, Any]

#: Where a schema with a name lies.
PLACE: Final = "#/components/schemas/"


class _Generator(GenerateJsonSchema):
    """Leaves out the title of a key, which says no more than the key itself."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


def schemas_of(kinds: Iterable[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """The schemas of some types, and by name those that they refer to."""
    inputs: list[Any] = [(number, "validation", TypeAdapter(kind)) for number, kind in enumerate(kinds)]
    found, shared = TypeAdapter.json_schemas(inputs, ref_template=PLACE + "{model}", schema_generator=_Generator)
    return [found[number, "validation"] for number in range(len(inputs))], shared.get("$defs", {})


def members_of(model: type[BaseModel]) -> dict[str, Schema]:
    """The schema of each member of a model, whole in itself. A default of None is none."""
    schema = model.model_json_schema(schema_generator=_Generator)
    shared = schema.get("$defs", {})
    members = {}
    for name, member in schema.get("properties", {}).items():
        whole = {key: value for key, value in member.items() if value is not None and key != "$ref"}
        members[name] = shared.get(member.get("$ref", "").rpartition("/")[2], {}) | whole
    return members
