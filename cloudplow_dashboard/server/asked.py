"""A request as the guard sees it, and how one is turned away. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """The whole request.

    raw_path: as it was sent, without the query; headers: names in lower case, in their order. hosts: what Host says,
    and then what a trusted proxy says that it was; scheme, client: as trusted proxies name them.
    """

    method: str
    raw_path: bytes
    query: bytes = b""
    headers: Headers = ()
    scheme: str = "http"
    hosts: tuple[str, ...] = ("",)
    client: str = ""

    def values(self, name: bytes) -> Iterator[str]:
        """Every value of a header; name: in lower case."""
        return (value.decode("latin-1").strip() for key, value in self.headers if key == name)

    def value(self, name: bytes) -> str | None:
        """The first value of a header; None if there is none."""
        return next(self.values(name), None)

    @property
    def has_body(self) -> bool:
        """Whether something follows the head."""
        return self.value(b"transfer-encoding") is not None or any(
            length.strip("0") for length in self.values(b"content-length")
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is turned away: the status and the words of the JSON answer. headers: more of them.

    host: the one that is not ours, None if that is not the reason.
    """

    status: int
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    host: str | None = None


def scope_headers(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Headers of an ASGI scope, their names in lower case."""
    return tuple((bytes(name).lower(), bytes(value)) for name, value in headers)
