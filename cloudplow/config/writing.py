"""Writing configuration files: the sample, the defaults of known keys, a safe write."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from cloudplow.config.faults import printable
from cloudplow.config.models import Config
from cloudplow.config.sample import sample_text
from cloudplow.config.unknown_keys import known_keys, models_in
from cloudplow.errors import ConfigError

_NEW_FILE_MODE: Final = 0o600


def write_sample(path: Path) -> None:
    """Write the sample to a new file, creating its folder. Raises ConfigError when that fails or the file exists."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:
            path.chmod(_NEW_FILE_MODE)
            stream.write(sample_text())
    except (OSError, ValueError) as error:
        raise _write_fault(path, error) from None


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Replace a configuration file atomically, keeping its mode, its owner and a link to it.

    A new file is readable only by its owner, because it may hold tokens. Raises ConfigError.
    """
    try:
        text = json.dumps(document, indent=4, ensure_ascii=False, allow_nan=False) + "\n"
        target = path.resolve()
        old = target.stat() if target.exists() else None
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fchmod(stream.fileno(), old.st_mode & 0o7777 if old is not None else _NEW_FILE_MODE)
                if old is not None:
                    with contextlib.suppress(PermissionError):
                        os.fchown(stream.fileno(), old.st_uid, old.st_gid)
                os.fsync(stream.fileno())
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        # Not every file system can do it, and the file is there already.
        with contextlib.suppress(OSError):
            _sync_folder(target.parent)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise _write_fault(path, error) from None


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write_fault(path: Path, error: Exception) -> ConfigError:
    reason = getattr(error, "strerror", None) or f"{type(error).__name__}"
    return ConfigError([f"{printable(str(path))}: cannot be written: {reason}; check the folder and its permissions"])


def with_defaults(document: Mapping[str, Any], sections: Mapping[str, type[BaseModel]] | None = None) -> dict[str, Any]:
    """The document with the defaults of all known keys added to its existing sections. Pure.

    Existing keys keep their values and their order, even unknown ones; new keys follow them. Nothing is added
    where the default is "not set". sections: models of the sections that plugins own.
    """
    models: dict[str, type[BaseModel]] = {**(sections or {})}
    result = {name: _copy(value) for name, value in document.items()}
    for name, value in document.items():
        if name in models:
            result[name] = _filled(models[name], value)
        elif name in Config.model_fields and name != "sections":
            result[name] = _filled_field(Config.model_fields[name], value)
    return result


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value


def _filled_field(info: FieldInfo, value: Any) -> Any:
    single, of_mapping = models_in(info.annotation)
    if single is not None:
        return _filled(single, value)
    if of_mapping is not None and isinstance(value, dict):
        return {name: _filled(of_mapping, entry) for name, entry in value.items()}
    return _copy(value)


def _filled(model: type[BaseModel], value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    keys = known_keys(model)
    result = {
        key: _filled_field(model.model_fields[keys[key]], inner) if key in keys else _copy(inner)
        for key, inner in value.items()
    }
    present = {keys[key] for key in value if key in keys}
    names = {field: key for key, field in reversed(keys.items())}
    for field, info in model.model_fields.items():
        if field in present or info.is_required():
            continue
        default = _default(info)
        if default is not None:
            result[names.get(field, field)] = default
    return result


def _default(info: FieldInfo) -> Any:
    """A field's default as JSON; None when there is nothing worth writing."""
    extra = info.json_schema_extra
    if isinstance(extra, dict) and "written" in extra:
        return extra["written"]
    single, _ = models_in(info.annotation)
    if single is not None and info.default is not None:
        return _filled(single, {})
    return to_jsonable_python(info.get_default(call_default_factory=True, validated_data={}), fallback=str)
