"""Small programs in rclone's place, for what the real one does too rarely or too fast."""

from __future__ import annotations

import sys

from tests.integration.local_site import LocalSite

# Answers as rclone does; `move` and `copy` read the list of the stage and have helpers to move files and to tell of it.
_PROGRAM = """#!{python} -SE
import json, os, sys, time

words = sys.argv[1:]
source = {source!r}
if words[0] == "version":
    print("rclone v1.75.2")
elif words[0] == "config":
    print(json.dumps({{"cloud": {{"type": "local"}}}}))
elif words[0] == "lsf":
{listing}
    root = {cloud!r} if any(word.startswith("--files-from-raw=") for word in words) else source
    for parent, _, names in os.walk(root):
        for name in sorted(names):
            path = os.path.join(parent, name)
            changed = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(os.path.getmtime(path)))
            print(changed, os.path.getsize(path), os.path.relpath(path, root), sep="\\t")
elif words[0] in ("move", "copy"):
    (listed,) = [word.partition("=")[2] for word in words if word.startswith("--files-from-raw=")]
    names = open(listed).read().splitlines()

    def take(name):
        os.rename(os.path.join(source, name), os.path.join({cloud!r}, name))

    def record(text, **more):
        return json.dumps({{"level": "info", "msg": text, "source": "x.go:1", **more}})

    def told(name):
        return record("Copied (new)", object=name) + "\\n" + record("Deleted", object=name) + "\\n"

    def say(data):
        data = data.encode() if isinstance(data, str) else data
        while data:
            data = data[os.write(2, data):]

{body}
"""


def _indented(body: str) -> str:
    return "\n".join(f"    {line}" for line in body.strip("\n").splitlines())


def write_program(site: LocalSite, body: str, *, listing: str = "pass") -> None:
    """Make a program in rclone's place. body: what its `move` and `copy` do; listing: what it does before it lists."""
    text = _PROGRAM.format(
        python=sys.executable,
        source=str(site.source),
        cloud=str(site.cloud),
        body=_indented(body),
        listing=_indented(listing),
    )
    site.rclone.write_text(text, encoding="utf-8")
    site.rclone.chmod(0o755)
