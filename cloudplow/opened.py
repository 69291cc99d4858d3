"""`cloudplow.open`: the program for Python, without signal handlers, output or exit statuses."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from cloudplow.app import App


def open(config: str | os.PathLike[str], state_dir: str | os.PathLike[str] | None = None) -> App:
    """The program as a configuration describes it, as a context manager: `with cloudplow.open("config.json") as app:`.

    state_dir: the folder of the cache files; None for that of the configuration. Inside, `app.upload(*names)` uploads
    and returns the `session_finished` events, `app.controls` steers from any thread, receivers of `cloudplow.events`
    get everything. Log lines go to the loggers "cloudplow.*", where the caller may handle them.
    Raises the exceptions of `cloudplow.errors`.
    """
    logging.getLogger("cloudplow").addHandler(logging.NullHandler())
    path = Path(config).expanduser()
    return App(path, path.absolute().parent if state_dir is None else Path(state_dir).expanduser().absolute())
