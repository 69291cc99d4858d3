"""Who is let in: one decision about the whole request, before the stream, before Flask, before any work. Pure.

What is not known is not there, and every route says what it needs. A login is one more step of `Rules`: it gets the
request and what its route needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cloudplow_dashboard.server.asked import Asked, Refusal
from cloudplow_dashboard.server.hosts import Hosts, host_of
from cloudplow_dashboard.server.shape import misshapen
from cloudplow_dashboard.server.sites import foreign, forged
from cloudplow_dashboard.web.route import Access, Route
from cloudplow_dashboard.web.routes import PAGES, ROUTES

#: How much of a host that is not ours is repeated, in characters.
SHOWN_HOST: Final = 100

#: One more look at a request whose route is known; None lets it pass.
Step = Callable[[Asked, Access], Refusal | None]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the guard goes by. routes: by their path, which ends with a slash where all below it belongs to it."""

    routes: Mapping[str, Access]
    hosts: Hosts
    steps: tuple[Step, ...] = ()


def rules(hosts: Hosts, routes: Iterable[Route] = ROUTES, *steps: Step) -> Rules:
    """The rules for the table of routes, and for the page."""
    return Rules({**PAGES, **{route.path: route.access for route in routes}}, hosts, steps)


def decide(asked: Asked, rules: Rules) -> Access | Refusal:
    """What the route of a request needs, or why it is turned away. Never raises."""
    refusal = misshapen(asked) or _stranger(asked, rules.hosts) or foreign(asked)
    if refusal is not None:
        return refusal
    access = _route(asked, rules.routes)
    if access is None:
        return Refusal(404, "not_found", "Not Found")
    refusal = _method(asked, access) or forged(asked) or _body(asked, access)
    for step in rules.steps:
        refusal = refusal or step(asked, access)
    return refusal or access


def _stranger(asked: Asked, hosts: Hosts) -> Refusal | None:
    """A host that is not ours. A proxy names another one only beside its own: both must be ours."""
    wrong = next((one for one in asked.hosts if not hosts.allows(one)), None)
    if wrong is None and asked.hosts:
        return None
    name = host_of(wrong or "")
    if name is None:
        message = (
            "The request must name its host, as the address of the page has it: an address, a name of this machine, or "
            "one of dashboard.allowed_hosts"
        )
    else:
        # As the setting takes it: without the port.
        message = (
            f'"{str(name)[:SHOWN_HOST]}" is no name that this dashboard knows as its own; if you gave it that name, '
            "add it to dashboard.allowed_hosts in config.json"
        )
    return Refusal(403, "host_not_allowed", message, host=wrong or "")


def _route(asked: Asked, routes: Mapping[str, Access]) -> Access | None:
    path = asked.raw_path.decode("ascii")
    folder = f"/{path.split('/')[1]}/"
    return routes.get(path) or (routes.get(folder) if path.count("/") > 1 else None)


def _method(asked: Asked, access: Access) -> Refusal | None:
    if asked.method in access.methods:
        return None
    return Refusal(405, "method_not_allowed", "Method Not Allowed", {"Allow": ", ".join(access.methods)})


def _body(asked: Asked, access: Access) -> Refusal | None:
    if asked.has_body and not access.takes_body:
        return Refusal(413, "body_not_taken", "This route takes no body")
    return None
