"""Unknown keys, found by walking the document alongside the models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import AliasChoices, BaseModel

from cloudplow.config.faults import place, printable


def known_keys(model: type[BaseModel]) -> dict[str, str]:
    """Every key that a model reads, mapped to the name of its field."""
    keys: dict[str, str] = {}
    by_name = bool(model.model_config.get("populate_by_name") or model.model_config.get("validate_by_name"))
    for name, info in model.model_fields.items():
        alias = info.validation_alias if info.validation_alias is not None else info.alias
        choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
        keys.update({choice: name for choice in choices if isinstance(choice, str)})
        if alias is None or by_name:
            keys[name] = name
    return keys


def models_in(annotation: Any) -> tuple[type[BaseModel] | None, type[BaseModel] | None]:
    """The model that a field holds, and the model of its values when it is a mapping."""
    origin = get_origin(annotation)
    if isinstance(annotation, type) and origin is None and issubclass(annotation, BaseModel):
        return annotation, None
    if origin is Annotated:
        return models_in(get_args(annotation)[0])
    if origin in (Union, UnionType):
        found = [models_in(argument) for argument in get_args(annotation)]
        return next((pair for pair in found if pair != (None, None)), (None, None))
    if isinstance(origin, type) and issubclass(origin, Mapping) and len(get_args(annotation)) == 2:
        return None, models_in(get_args(annotation)[1])[0]
    return None, None


def suggestion(key: str, known: Mapping[str, str]) -> str:
    """`; did you mean "NAME"?` when a known name is similar, else what to do."""
    close = get_close_matches(key[:80].lower(), known, n=1, cutoff=0.7)
    return f'; did you mean "{printable(close[0])}"?' if close else "; remove it"


def unknown_keys(model: type[BaseModel], value: object, parts: tuple[str, ...] = ()) -> Iterator[str]:
    """A warning for every key below `value` that `model` does not read, each with its place in the file."""
    if not isinstance(value, dict):
        return
    known = known_keys(model)
    for key, inner in value.items():
        if key not in known:
            if model.model_config.get("extra") not in ("allow", "forbid"):
                yield f"{place((*parts, key))}: unknown key, ignored{suggestion(key, known)}"
            continue
        single, of_mapping = models_in(model.model_fields[known[key]].annotation)
        if single is not None:
            yield from unknown_keys(single, inner, (*parts, key))
        elif of_mapping is not None and isinstance(inner, dict):
            for name, entry in inner.items():
                yield from unknown_keys(of_mapping, entry, (*parts, key, name))
