"""Puts pip into a virtual environment that has none, for a python3 with neither ensurepip nor pip.

Usage: fetch_pip.py PATH/TO/VENV/bin/python
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

INDEX = "https://pypi.org/simple/pip/"
JSON_FORM = "application/vnd.pypi.simple.v1+json"
WHEEL = re.compile(r"pip-(\d+(?:\.\d+)*)-py3-none-any\.whl")
TIMEOUT_SECONDS = 60


def download(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"Accept": JSON_FORM if url == INDEX else "*/*"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
        content: bytes = answer.read()
    return content


def version(file: dict[str, Any]) -> tuple[int, ...]:
    """The version of a wheel of pip; () for anything else, a yanked one or a pre-release."""
    match = WHEEL.fullmatch(file["filename"])
    return () if match is None or file.get("yanked") else tuple(map(int, match[1].split(".")))


def main(python: str) -> int:
    try:
        newest = max(json.loads(download(INDEX))["files"], key=version)
        content = download(urljoin(INDEX, newest["url"]))
    except (OSError, ValueError, LookupError) as error:
        sys.stderr.write(f"fetch_pip.py: {INDEX}: {error}\n")
        return 1
    if hashlib.sha256(content).hexdigest() != newest["hashes"]["sha256"]:
        sys.stderr.write(f"fetch_pip.py: {newest['filename']}: wrong checksum\n")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(folder) / newest["filename"]
        wheel.write_bytes(content)
        command = [python, str(wheel / "pip"), "--quiet", "install", "--no-index", str(wheel)]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
