"""The `notifications` section of config.json: who is told, and how.

Published configurations hold blank tokens and placeholders. A receiver with one is left out with a warning; it is never
a reason not to upload.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Annotated, Any, ClassVar, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from cloudplow.services.notify.levels import Level
from cloudplow.services.notify.placeholders import is_placeholder

SECTION: Final = "notifications"

#: Built-in services, and the keys that each needs.
NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "apprise": ("url",),
    "pushover": ("app_token", "user_token"),
    "slack": ("webhook_url",),
    "googlechat": ("webhook_url",),
    "healthchecks": ("url",),
    "uptimekuma": ("url",),
}
#: The key of the validation's context that holds the names of the services of other plugins.
OTHER_SERVICES: Final = "notifiers"


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _as_text(value: object) -> object:
    """Old files hold numbers where a text belongs."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else value


def _in_small_letters(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_as_text)]
OptionalText = Annotated[str | None, BeforeValidator(_as_text)]


class Receiver(BaseModel):
    """Somebody who is told. service: a built-in one, or one that a plugin offers with `cloudplow_notifiers`.

    min_level: "info", "warning" or "error"; less is not told. priority: Pushover's, from -2 to 2. Keys that only a
    plugin's service knows are kept: read them with `extra(name)`.
    """

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    service: Text = Field(min_length=1)
    min_level: Annotated[Level, BeforeValidator(_in_small_letters)] = Level.INFO
    url: OptionalText = Field(default=None, validate_default=True)
    title: Text = "Cloudplow"
    app_token: OptionalText = Field(default=None, validate_default=True)
    user_token: OptionalText = Field(default=None, validate_default=True)
    priority: int = Field(default=0, ge=-2, le=2)
    webhook_url: OptionalText = Field(default=None, validate_default=True)
    sender_name: Text = "Cloudplow"
    sender_icon: Text = ":heavy_exclamation_mark:"
    channel: OptionalText = None
    thread_key: OptionalText = None

    @model_validator(mode="before")
    @classmethod
    def _blank_is_missing(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        # A blank title is one: none.
        return {key: value for key, value in data.items() if not _is_blank(value) or (key == "title" and value == "")}

    @field_validator("service")
    @classmethod
    def _is_known(cls, value: str, info: ValidationInfo) -> str:
        others = (info.context or {}).get(OTHER_SERVICES, ())
        if value in others:
            return value
        small = value.lower()
        if small not in NEEDED:
            known = ", ".join(f'"{name}"' for name in (*NEEDED, *others))
            raise ValueError(f"must be one of {known}; correct it")
        if small == "apprise" and find_spec("apprise") is None:
            raise ValueError("needs a package that is not installed; run pip install 'cloudplow[notify]'")
        return small

    @field_validator("url", "app_token", "user_token", "webhook_url")
    @classmethod
    def _is_there_if_needed(cls, value: str | None, info: ValidationInfo) -> str | None:
        service = info.data.get("service", "")
        if info.field_name not in NEEDED.get(service, ()):
            return value
        if value is None:
            raise ValueError(f"is missing, but {service} needs it; add it")
        if is_placeholder(value):
            raise ValueError(f"is a placeholder; put in what {service} gave you, or remove the receiver")
        if service == "apprise":
            if "://" not in value:
                raise ValueError('must be an address as apprise writes it; add its scheme, for example "tgram://"')
        elif "url" in str(info.field_name) and not value.lower().startswith(("http://", "https://")):
            raise ValueError("must be an address that begins with http:// or https://; correct it")
        return value

    def extra(self, name: str) -> object:
        """The value of a key that only a plugin's service knows; None when it is not set."""
        return (self.model_extra or {}).get(name)

    @property
    def shown(self) -> str:
        """Its service as it may be shown: never an address or a token."""
        if self.service != "apprise" or self.url is None:
            return self.service
        schemes = [one.partition("://")[0] for one in self.url.replace(",", " ").split() if "://" in one]
        return f"apprise, {', '.join(f'{scheme}://' for scheme in dict.fromkeys(schemes))}"


class NotificationsSection(BaseModel):
    """Receivers by name."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Receiver] = Field(init=False)

    without_it: ClassVar[str] = "nobody gets notifications"
    without_entry: ClassVar[str] = "{name} gets no notifications"

    @model_validator(mode="before")
    @classmethod
    def _blank_is_missing(cls, data: Any) -> Any:
        if _is_blank(data) or data == []:
            return {}
        if not isinstance(data, dict):
            return data
        return {name: entry for name, entry in data.items() if not _is_blank(entry)}

    @property
    def receivers(self) -> Mapping[str, Receiver]:
        """Everybody who is told."""
        return self.__pydantic_extra__ or {}
