"""Remotes, and options of remotes, that rclone takes from the environment: RCLONE_CONFIG_NAME_OPTION. Pure.

rclone looks for a remote's name in upper case, otherwise unchanged, and prefers the environment to its file.
`rclone config dump` knows nothing of it. Source: https://rclone.org/docs/#config-file, observed with 1.60.1 and 1.75.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_PREFIX: Final = "RCLONE_CONFIG_"
_TYPE: Final = "_TYPE"


class WithEnvironment(Mapping[str, Mapping[str, Any]]):
    """The document of `rclone config dump`, and what the environment adds to it. Any spelling of a name is found."""

    def __init__(self, dump: Mapping[str, Mapping[str, Any]], environ: Mapping[str, str]) -> None:
        self._dump = dump
        self._variables = {
            name: value for name, value in environ.items() if name.startswith(_PREFIX) and name != _PREFIX
        }
        known = {name.upper() for name in dump}
        self._added = [
            name.removeprefix(_PREFIX).removesuffix(_TYPE).lower()
            for name, value in self._variables.items()
            if name.endswith(_TYPE) and value and name.removeprefix(_PREFIX).removesuffix(_TYPE) not in known
        ]

    def _options(self, name: str) -> dict[str, str]:
        prefix = f"{_PREFIX}{name.upper()}_"
        return {
            variable.removeprefix(prefix).lower(): value
            for variable, value in self._variables.items()
            if variable.startswith(prefix) and variable != prefix
        }

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        options = self._options(name) if self._variables else {}
        if name not in self._dump and not options.get("type"):
            raise KeyError(name)
        return {**self._dump.get(name, {}), **options}

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in self._dump or bool(self._options(name).get("type")))

    def __iter__(self) -> Iterator[str]:
        yield from self._dump
        yield from self._added

    def __len__(self) -> int:
        return len(self._dump) + len(self._added)
