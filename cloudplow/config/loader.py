"""The entry point: file and environment -> document, document -> checked Config, and back to a file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ValidationError

from cloudplow.config.faults import Fault, fault, from_pydantic, place
from cloudplow.config.harmless import Without
from cloudplow.config.judged import Judged
from cloudplow.config.models import DEFAULT_PLUGINS, SECTIONS, Config
from cloudplow.config.not_yet import not_yet
from cloudplow.config.reading import ConfigMissingError, Document, from_environment, read_file
from cloudplow.config.references import is_blank, reference_faults, without_removable_flags
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
    """A checked configuration.

    warnings: one sentence for each key that is not used, and for each feature that is not, with what follows from it.
    broken: uploaders that are left out because of a fault of their own, with their faults; `config` has the others.
    """

    config: Config
    warnings: tuple[str, ...] = ()
    broken: Mapping[str, tuple[str, ...]] = MappingProxyType({})


def read_document(path: Path, environ: Mapping[str, str], *, sections: Iterable[str] = ("dashboard",)) -> Document:
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
    if is_blank(names):
        return list(DEFAULT_PLUGINS)
    if not isinstance(names, list):
        one = fault(("plugins",), 'must be a list, for example ["cloudplow_dashboard"]', value=names)
        raise ConfigError([str(one)])
    faults = [
        str(fault(("plugins", index), 'must be the name of a plugin, for example "cloudplow_dashboard"', value=name))
        for index, name in enumerate(names)
        if not isinstance(name, str) or not name.strip()
    ]
    if faults:
        raise ConfigError(faults)
    return list(dict.fromkeys(names))


def _nul_faults(document: Mapping[str, Any]) -> list[Fault]:
    """Strings with a NUL character: neither a path nor a program's argument can contain one."""
    faults: list[Fault] = []
    pending: list[tuple[object, tuple[str | int, ...]]] = [(dict(document), ())]
    while pending:
        value, parts = pending.pop()
        if isinstance(value, dict):
            pending += [(inner, (*parts, key)) for key, inner in value.items()]
            value = "".join(key for key in value if isinstance(key, str))
        elif isinstance(value, list):
            pending += [(inner, (*parts, index)) for index, inner in enumerate(value)]
        if isinstance(value, str) and "\0" in value:
            faults.append(fault(parts or ("config.json",), "contains a NUL character; remove it"))
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


def build(
    document: Mapping[str, Any],
    sections: Mapping[str, type[BaseModel]],
    *,
    label: str = "config.json",
    services: Collection[str] = (),
) -> Loaded:
    """Check a document and return the typed configuration, without the parts that are at fault but not needed.

    sections: the models of the sections that plugins own, by name; one that says what is not done without it
    (`without_it`) is not needed. services: notification services that plugins offer. label: the file's name in
    warnings. Raises ConfigError with all faults that would make an upload wrong or impossible.
    """
    judged = Judged(document, {name: without for name, model in sections.items() if (without := _without(model))})
    if isinstance(document, Document):
        judged.warnings += document.warnings
        for one in document.duplicates:
            judged.add_duplicate(one)
    places, taken_out = without_removable_flags(document)
    judged.take_out(places)
    judged.warnings += [
        one.warning(f"{'they are' if one.parts[-1] == 'rclone_extras' else 'it is'} taken out") for one in taken_out
    ]
    document = judged.document()
    _validate(judged)
    for one in [*_nul_faults(document), *reference_faults(document)]:
        judged.add(one)
    built = _build_sections(judged, sections, services)
    config = _validate(judged)
    judged.refuse_if_needed()
    if config is None:
        raise ConfigError(["config.json: is not valid"], judged.warnings)  # pragma: no cover - some fault was added
    warnings = [*judged.warnings, *not_yet(config), *_unknown(document, sections, label)]
    broken = {name: tuple(map(str, faults)) for name, faults in judged.broken.items()}
    return Loaded(config.model_copy(update={"sections": built}), tuple(dict.fromkeys(warnings)), broken)


def _without(model: type[BaseModel]) -> Without | None:
    """What is not done without a plugin's section; None if it is needed."""
    section, entry = (getattr(model, name, "") for name in ("without_it", "without_entry"))
    if not isinstance(section, str) or not section:
        return None
    return Without(section, entry if isinstance(entry, str) else "")


def _validate(judged: Judged) -> Config | None:
    """The configuration of what is left; None while a fault remains that cannot be taken out."""
    while True:
        try:
            return Config.model_validate(_with_pools(judged.document()))
        except ValidationError as error:
            news = [judged.add(from_pydantic(detail)) for detail in error.errors(include_url=False)]
            if not any(news):
                return None


def _build_sections(
    judged: Judged, sections: Mapping[str, type[BaseModel]], services: Collection[str]
) -> dict[str, BaseModel]:
    built: dict[str, BaseModel] = {}
    for name, model in sections.items():
        without = _without(model)
        while name not in built:
            made, faults = _made(name, model, judged.document().get(name), services)
            news = [judged.add(one) for one in faults]
            if made is None and without is not None and not (without.entry and any(news)):
                made, _ = _made(name, model, {}, services)
            if made is not None:
                built[name] = made
            elif without is None or not any(news):
                break
            # Of a section of named entries those at fault are taken out now, and the others are looked at again.
    return built


def _made(
    name: str, model: type[BaseModel], value: object, services: Collection[str]
) -> tuple[BaseModel | None, list[Fault]]:
    """A section of a plugin, or what is wrong with it."""
    faults: list[Fault] = []
    for attempt in ({} if value is None else value, _without_blanks(value)):
        try:
            return model.model_validate(attempt, context={"notifiers": tuple(services)}), []
        except ValidationError as error:
            faults = faults or [from_pydantic(detail, (name,)) for detail in error.errors(include_url=False)]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            why = f"its plugin failed to check it ({type(error).__name__}); correct it"
            faults = faults or [fault((name,), why)]
    return None, faults


def _without_blanks(value: object) -> object:
    """A section without keys that hold null or a blank, which count as missing in older installations."""
    return {key: inner for key, inner in value.items() if not is_blank(inner)} if isinstance(value, dict) else value


def _unknown(document: Mapping[str, Any], sections: Mapping[str, type[BaseModel]], label: str) -> list[str]:
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
