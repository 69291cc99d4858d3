"""The `dashboard` section of config.json. No Flask."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from cloudplow_dashboard.server.forwarded import networks
from cloudplow_dashboard.server.hosts import ALLOWED_LIMIT, allowed_name

SECTION: Final = "dashboard"
DEFAULT_PORT: Final = 47949


class DashboardSection(BaseModel):
    """Settings of the dashboard; without the section it is off.

    port: 0 takes any free one. refresh_interval: seconds between two updates of the transfer statistics.
    debug: accepted from older installations, without effect. rc_url: address of an rclone to watch.
    trusted_proxies: addresses or networks of reverse proxies whose forwarded headers may be believed.
    allowed_hosts: names of the dashboard, "*.example.org" for all below one; those that only this machine and the local
    network can have need not be listed.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    without_it: ClassVar[str] = "there is no dashboard"

    enabled: bool = False
    host: str = Field(default="127.0.0.1", min_length=1, max_length=255)
    port: int = Field(default=DEFAULT_PORT, ge=0, le=65535)
    refresh_interval: float = Field(default=3.0, gt=0, le=3600)
    debug: bool = False
    rc_url: str | None = None
    trusted_proxies: list[str] = Field(default_factory=list)
    allowed_hosts: list[Annotated[str, AfterValidator(allowed_name)]] = Field(
        default_factory=list, max_length=ALLOWED_LIMIT
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _are_addresses(cls, value: list[str]) -> list[str]:
        networks(value)
        return value
