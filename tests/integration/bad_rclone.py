"""A wrapper around the real rclone that spoils one of its calls, in one of eight ways."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

#: Which call is spoiled, by the words that it is recognised by.
CALLS: Final = {"dump": "config dump", "version": "version", "lsf": "lsf", "upload": "copy ", "trial": ":memory:"}
#: What it does instead of, or before, what it should.
WAYS: Final = {
    # It hangs without a word, and does not listen.
    "hang": "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)",
    # It hangs after its first output.
    "hang late": "os.write(1, b'{'); os.write(2, b'2026/01/01 00:00:00 '); time.sleep(600)",
    "die": "os.kill(os.getpid(), signal.SIGKILL)",
    # It ends with a status that says nothing, without a word.
    "fail": "os._exit(1)",
    # It says that all went well, and did nothing.
    "lie": "os._exit(0)",
    # Nonsense, for ever.
    "babble": "while True: os.write(2, b'\\xff{\"level\": 3}\\n' * 50); os.write(1, b'zz\\tzz\\n'); time.sleep(0.01)",
    # It does what it should, but a child of it lives on and holds what it inherited.
    "leave a child": "subprocess.Popen(['sleep', '600'], close_fds=False)",
    # The same, in a session of its own.
    "leave a daemon": "subprocess.Popen(['sleep', '30'], close_fds=False, start_new_session=True)",
}

_WRAPPER: Final = """#!{python} -SE
import os, signal, subprocess, sys, time
words = " ".join(sys.argv[1:])
spoiled = {words!r} in words and ({call!r} in ("trial", "version") or ":memory:" not in words)
if spoiled:
    with open({log!r}, "a") as log:
        log.write(words + "\\n")
    {way}
os.execv({rclone!r}, [{rclone!r}, *sys.argv[1:]])
"""


def write_wrapper(path: Path, rclone: Path, call: str, way: str) -> Path:
    """Write the program; returns the file that says how often it spoiled a call."""
    log = path.with_name("spoiled.log")
    text = _WRAPPER.format(
        python=sys.executable, words=CALLS[call], call=call, log=str(log), way=WAYS[way], rclone=str(rclone)
    )
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return log
