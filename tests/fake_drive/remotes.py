"""Writes rclone configurations: drive remotes and what can be put on top of them."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Final, Self

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

# rclone hides passwords with this published key, so that they are not read over a shoulder (fs/config/obscure).
_OBSCURE_KEY: Final = bytes.fromhex("9c935b48730a554d6bfd7c63c886a92bd390198eb8128afbf4de162b8b95f638")


class Remotes:
    """An rclone configuration; every `add_...` returns self and writes the file anew."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._sections: dict[str, dict[str, str]] = {}

    @property
    def text(self) -> str:
        """The configuration."""
        parts = []
        for name, options in self._sections.items():
            parts.append(f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in options.items()))
        return "\n".join(parts)

    def add(self, name: str, type_name: str, **options: str) -> Self:
        """A remote of any type; an option that is "" is left out."""
        self._sections[name] = {"type": type_name, **{key: value for key, value in options.items() if value}}
        self.path.write_text(self.text)
        return self

    def add_drive(
        self,
        name: str,
        *,
        key_file: Path | None,
        drive: str,
        root_folder: str = "",
        pacer_min_sleep: str = "1ms",
        **options: str,
    ) -> Self:
        """A drive remote. key_file: None when every run names its own. drive: a shared drive's id, "" for My Drive.

        pacer_min_sleep: rclone's default of 100 ms ("" leaves it at that) makes 6 small files a second.
        """
        return self.add(
            name,
            "drive",
            scope="drive",
            service_account_file="" if key_file is None else str(key_file),
            team_drive=drive,
            root_folder_id=root_folder,
            pacer_min_sleep=pacer_min_sleep,
            pacer_burst="1000" if pacer_min_sleep else "",
            **options,
        )

    def add_crypt(self, name: str, remote: str, *, password: str = "open sesame", **options: str) -> Self:
        """An encrypted remote; `remote` is what it lies on, for example "gdrive:encrypted"."""
        return self.add(name, "crypt", remote=remote, password=obscure(password), **options)

    def add_alias(self, name: str, remote: str) -> Self:
        """Another name for a remote or a folder of it."""
        return self.add(name, "alias", remote=remote)

    def add_union(self, name: str, *upstreams: str, **options: str) -> Self:
        """Several remotes as one."""
        return self.add(name, "union", upstreams=" ".join(upstreams), **options)

    def add_chunker(self, name: str, remote: str, *, chunk_size: str = "100M") -> Self:
        """A remote that splits large files."""
        return self.add(name, "chunker", remote=remote, chunk_size=chunk_size)

    def add_combine(self, name: str, **upstreams: str) -> Self:
        """Several remotes as folders of one."""
        return self.add(name, "combine", upstreams=" ".join(f"{key}={value}" for key, value in upstreams.items()))


def obscure(password: str) -> str:
    """A password as it stands in rclone's configuration (what `rclone obscure` prints)."""
    start = os.urandom(16)
    encryptor = Cipher(algorithms.AES(_OBSCURE_KEY), modes.CTR(start)).encryptor()
    hidden = encryptor.update(password.encode()) + encryptor.finalize()
    return base64.urlsafe_b64encode(start + hidden).decode().rstrip("=")
