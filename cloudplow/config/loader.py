"""The entry point: file and environment -> document, document -> checked Config, and back to a file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ValidationError

from cloudplow.config.faults import fault, from_pydantic, place
from cloudplow.config.models import DEFAULT_PLUGINS, SECTIONS, Config
from cloudplow.config.reading import ConfigMissingError, from_environment, read_file
from cloudplow.config.references import is_blank, reference_faults
from cloudplow.config.unknown_keys import suggestion, unknown_keys
from cloudplow.config.writing import with_defaults, write_document, write_sample
from cloudplow.errors import ConfigError

__all__ = [
    "ConfigMissingError",
    "Loaded",
    "build",
    "plugin_names",
    "read_document",
    "with_defaults",
    "write_document",
    "write_sample",
]

_LISTS: Final = frozenset({"plugins"})


class Loaded(NamedTuple):
    """A checked configuration. warnings: one sentence for each key that is not used."""

    config: Config
    warnings: tuple[str, ...] = ()


def read_document(
    path: Path, environ: Mapping[str, str], *, sections: Iterable[str] = ("dashboard",)
) -> dict[str, Any]:
    """Read the file; environment variables named like a section (JSON text) override that section.

    sections: names of plugins' sections that may come from the environment even if the file lacks them.
    Raises ConfigMissingError when there is no file, ConfigError for everything else.
    """
    document = read_file(path)
    known = [*SECTIONS, *sections]
    # A section that only the file names may be a plugin's, or a typo that happens to match a variable's name.
    likely = [name for name in document if environ.get(name, "").lstrip().startswith("{")]
    return from_environment(document, environ, [*known, *likely], _LISTS)


def plugin_names(document: Mapping[str, Any]) -> list[str]:
    """The plugins to load, in order; the defaults when the document names none. Raises ConfigError."""
    names = document.get("plugins")
    if names is None:
        return list(DEFAULT_PLUGINS)
    if not isinstance(names, list):
        raise ConfigError([fault(("plugins",), 'must be a list, for example ["cloudplow_dashboard"]', value=names)])
    faults = [
        fault(("plugins", index), 'must be the name of a plugin, for example "cloudplow_dashboard"', value=name)
        for index, name in enumerate(names)
        if not isinstance(name, str) or not name.strip()
    ]
    if faults:
        raise ConfigError(faults)
    return list(dict.fromkeys(names))


def _nul_faults(document: Mapping[str, Any]) -> list[str]:
    """Strings with a NUL character: neither a path nor a program's argument can contain one."""
    faults: list[str] = []
    pending: list[tuple[object, tuple[str | int, ...]]] = [(dict(document), ())]
    while pending:
        value, parts = pending.pop()
        if isinstance(value, dict):
            pending += [(inner, (*parts, key)) for key, inner in value.items()]
            value = "".join(key for key in value if isinstance(key, str))
        elif isinstance(value, list):
            pending += [(inner, (*parts, index)) for index, inner in enumerate(value)]
        if isinstance(value, str) and "\0" in value:
            faults.append(f"{place(parts) or 'config.json'}: contains a NUL character; remove it")
    return faults[::-1]


def _with_pools(document: Mapping[str, Any]) -> dict[str, Any]:
    """The core's sections; uploaders without a service_account_path get their remote's."""
    core = {name: document[name] for name in SECTIONS if document.get(name) is not None}
    remotes, uploaders = core.get("remotes"), core.get("uploader")
    if not isinstance(remotes, dict) or not isinstance(uploaders, dict):
        return core
    merged = dict(uploaders)
    for name, entry in uploaders.items():
        remote = remotes.get(name)
        if isinstance(entry, dict) and isinstance(remote, dict) and is_blank(entry.get("service_account_path")):
            path = remote.get("service_account_path")
            if isinstance(path, str):
                merged[name] = {**entry, "service_account_path": path}
    return {**core, "uploader": merged}


def _build_sections(
    document: Mapping[str, Any], sections: Mapping[str, type[BaseModel]], faults: list[str]
) -> dict[str, BaseModel]:
    built: dict[str, BaseModel] = {}
    for name, model in sections.items():
        value = document.get(name)
        try:
            built[name] = model.model_validate({} if value is None else value)
        except ValidationError as error:
            faults += [from_pydantic(detail, (name,)) for detail in error.errors(include_url=False)]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            faults.append(fault((name,), f"its plugin failed to check it ({type(error).__name__}); correct it"))
    return built


def build(
    document: Mapping[str, Any],
    sections: Mapping[str, type[BaseModel]],
    *,
    label: str = "config.json",
    services: Collection[str] = (),
) -> Loaded:
    """Check a document and return the typed configuration.

    sections: the models of the sections that plugins own, by name. services: notification services that plugins
    offer. label: the file's name in warnings. Raises ConfigError with all faults.
    """
    core = _with_pools(document)
    faults = _nul_faults(document)
    config: Config | None = None
    try:
        config = Config.model_validate(core)
    except ValidationError as error:
        faults += [from_pydantic(detail) for detail in error.errors(include_url=False)]
    built = _build_sections(document, sections, faults)
    faults += reference_faults(document, services)
    if faults or config is None:
        raise ConfigError(list(dict.fromkeys(faults)))
    return Loaded(config.model_copy(update={"sections": built}), tuple(_warnings(document, sections, label)))


def _warnings(document: Mapping[str, Any], sections: Mapping[str, type[BaseModel]], label: str) -> list[str]:
    core = {name: value for name, value in document.items() if name in SECTIONS}
    found = list(unknown_keys(Config, core))
    for name, value in document.items():
        if name in sections:
            found += unknown_keys(sections[name], value, (name,))
    known = {name: name for name in [*SECTIONS, *sections]}
    unknown = {name: value for name, value in document.items() if name not in known}
    return found + [
        f"{place((name,))}: unknown section in {label}, ignored{suggestion(name, known)}" for name in unknown
    ]
