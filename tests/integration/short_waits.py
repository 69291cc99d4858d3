"""A plugin for tests with an rclone that hangs: what waits for a short answer of it waits two seconds."""

from __future__ import annotations

from cloudplow.rclone import binary
from cloudplow.upload import outage, preflight

# It is loaded in the process of the upload, where nothing undoes it and nothing needs to.
vars(preflight).update(DUMP_TIMEOUT_SECONDS=2.0, FLAGS_TIMEOUT_SECONDS=2.0)
vars(binary)["VERSION_TIMEOUT_SECONDS"] = 2.0
vars(outage)["PAUSES_SECONDS"] = (0.5, 1.0)
