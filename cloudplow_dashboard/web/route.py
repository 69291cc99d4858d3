"""What a route is. The table of all of them: `routes`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cloudplow_dashboard.state.history import History
from cloudplow_dashboard.state.state import DashboardState
from cloudplow_dashboard.web.parameters import Query


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the answers come from."""

    state: DashboardState
    history: History


#: Gives a JSON-ready document, or a whole response. It gets the kind of query that its route names.
View = Callable[[Sources, Any], Any]


#: What a request must be allowed to do: nothing at all, see what the page shows, read the metrics, steer.
Need = Literal["nothing", "read", "metrics", "control"]


@dataclass(frozen=True, slots=True)
class Access:
    """What the server must know of a route before it does anything for it.

    methods: others are refused. takes_body: else a request with a body is refused. is_download: costs so much that only
    a few are answered at once.
    """

    needs: Need
    methods: tuple[str, ...] = ("GET", "HEAD")
    takes_body: bool = False
    is_download: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """One route; all are GET. access: what it needs.

    view: None when something else than Flask answers it. answers: the type of the answer in each media type, of which
    the first is the usual one. query: its parameters. headers: those of the answer that mean something, with what they
    mean. other_statuses: with what they mean.
    """

    path: str
    summary: str
    view: View | None
    answers: Mapping[str, Any]
    access: Access
    query: type[Query] = Query
    headers: Mapping[str, str] = field(default_factory=dict)
    other_statuses: Mapping[int, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """A name that no other route has."""
        return self.path.strip("/").replace("/", "_").replace(".", "_")
