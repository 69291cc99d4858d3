"""By which names and through whom the dashboard is reached, as the configuration says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reach:
    """trusted_proxies: addresses and networks; allowed_hosts: names; own_names: more names of this machine."""

    trusted_proxies: Sequence[str] = ()
    allowed_hosts: Sequence[str] = ()
    own_names: Sequence[str] = ()
