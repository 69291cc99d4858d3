"""Which destinations keep hashes, so that rclone can tell whether the file it removes is the one it sent."""

from __future__ import annotations

from typing import Any, Final

import pytest

from cloudplow.rclone.destination import look_up
from cloudplow.rclone.hashes import keeps_hashes

DUMP: Final[dict[str, dict[str, Any]]] = {
    "gdrive": {"type": "drive"},
    "disk": {"type": "local"},
    "b2": {"type": "b2"},
    "s3": {"type": "s3"},
    "s3kms": {"type": "s3", "server_side_encryption": "aws:kms"},
    "s3aes": {"type": "s3", "server_side_encryption": "AES256"},
    "s3customer": {"type": "s3", "sse_customer_algorithm": "AES256"},
    "s3plain": {"type": "s3", "disable_checksum": "true"},
    "onedrive": {"type": "onedrive"},
    "onedrive2": {"type": "onedrive"},
    "onedrivenone": {"type": "onedrive", "hash_type": "none"},
    "dropbox": {"type": "dropbox"},
    "box": {"type": "box"},
    "azure": {"type": "azureblob"},
    "gcs": {"type": "google cloud storage"},
    "gcszip": {"type": "google cloud storage", "decompress": "true"},
    "pcloud": {"type": "pcloud"},
    "swift": {"type": "swift"},
    "webdav": {"type": "webdav"},
    "ftp": {"type": "ftp"},
    "vault": {"type": "crypt", "remote": "gdrive:x"},
    "names": {"type": "crypt", "remote": "gdrive:x", "no_data_encryption": "true"},
    "zip": {"type": "compress", "remote": "gdrive:x"},
    "alias": {"type": "alias", "remote": "gdrive:x"},
    "alias-disk": {"type": "alias", "remote": "/mnt/disk"},
    "alias-vault": {"type": "alias", "remote": "vault:"},
    "hasher": {"type": "hasher", "remote": "alias:"},
    "hasher-vault": {"type": "hasher", "remote": "vault:"},
    "chunks": {"type": "chunker", "remote": "gdrive:x"},
    "chunks-bare": {"type": "chunker", "remote": "gdrive:x", "meta_format": "none"},
    "chunks-none": {"type": "chunker", "remote": "gdrive:x", "hash_type": "none"},
    "chunks-sha1": {"type": "chunker", "remote": "gdrive:x", "hash_type": "sha1"},
    "chunks-md5all": {"type": "chunker", "remote": "disk:/x", "hash_type": "md5all"},
    "chunks-vault": {"type": "chunker", "remote": "vault:x"},
    "union": {"type": "union", "upstreams": "gdrive:a /mnt/b"},
    "union-ro": {"type": "union", "upstreams": "gdrive:a vault:b:ro"},
    "union-other": {"type": "union", "upstreams": "gdrive:a b2:b"},
    "union-onedrive": {"type": "union", "upstreams": "onedrive:a onedrive2:b"},
    "union-one": {"type": "union", "upstreams": "onedrive:a:nc"},
    "union-empty": {"type": "union"},
    "combine": {"type": "combine", "upstreams": 'a=gdrive:a "b c=disk:/b"'},
    "combine-vault": {"type": "combine", "upstreams": "a=gdrive:a b=vault:"},
    "loop": {"type": "alias", "remote": "loop:"},
    "broken": {"type": "alias"},
}
KEEP: Final = [
    "/mnt/x",
    "disk:/x",
    "gdrive:x",
    "gdrive,shared_with_me:x",
    "b2:",
    "s3:b",
    "s3aes:b",
    "onedrive:",
    "dropbox:",
    "box:",
    "azure:c",
    "gcs:b",
    "pcloud:",
    "alias:y",
    "alias-disk:",
    "hasher:",
    "chunks:",
    "chunks-md5all:",
    "union:",
    "union-one:",
    "combine:",
    "combine:a",
]
KEEP_NONE: Final = [
    "vault:",
    "names:",
    "zip:",
    "alias-vault:",
    "hasher-vault:",
    "chunks-bare:",
    "chunks-none:",
    "chunks-sha1:",
    "chunks-vault:",
    "union-ro:",
    "union-other:",
    "union-onedrive:",
    "union-empty:",
    "combine-vault:",
    "loop:",
    "broken:",
    "swift:",
    "webdav:",
    "ftp:",
    "s3kms:",
    "s3customer:",
    "s3plain:",
    "onedrivenone:",
    "gcszip:",
    "unknown:",
    ":drive:x",
    ":local:/x",
]


@pytest.mark.parametrize("path", KEEP)
def test_destination_whose_hashes_rclone_compares(path: str) -> None:
    assert keeps_hashes(path, DUMP)
    assert look_up(path, DUMP).keeps_hashes


@pytest.mark.parametrize("path", KEEP_NONE)
def test_destination_without_hashes_or_with_doubtful_ones(path: str) -> None:
    assert not keeps_hashes(path, DUMP)
    assert not look_up(path, DUMP).keeps_hashes


def test_flags_and_variables_of_the_upload_count() -> None:
    assert not keeps_hashes("s3:b", DUMP, flags={"--s3-disable-checksum": None})
    assert not keeps_hashes("s3:b", DUMP, environ={"RCLONE_CONFIG_S3_SERVER_SIDE_ENCRYPTION": "aws:kms"})
    assert not keeps_hashes("chunks:b", DUMP, environ={"RCLONE_CHUNKER_HASH_TYPE": "sha1"})
    assert keeps_hashes("s3:b", DUMP, flags={"--s3-disable-checksum": False})
