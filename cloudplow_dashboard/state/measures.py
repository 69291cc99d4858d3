"""Numbers and words of answers, each with its unit, which stands in `/api/openapi.json` and docs/api.md too."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

EpochSeconds = Annotated[float, Field(description="epoch seconds, 0 when unknown")]
Seconds = Annotated[float, Field(description="seconds")]
SecondsLeft = Annotated[float, Field(description="seconds, -1 when unknown")]
Bytes = Annotated[int, Field(description="bytes")]
BytesPerSecond = Annotated[float, Field(description="bytes per second")]
#: In place of a word when there is none yet.
Nothing = Literal[""]
