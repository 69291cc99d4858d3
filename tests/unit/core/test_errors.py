"""What users are told of an error of the disk."""

from __future__ import annotations

import errno

import pytest

from cloudplow.errors import disk_sentence


@pytest.mark.parametrize(
    ("error", "begins"),
    [
        (OSError(errno.EROFS, "Read-only file system", "/state/a.list"), "/state/a.list: Read-only file system; look"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device; look"),
        (OSError("odd"), "odd; look"),
    ],
)
def test_an_error_of_the_disk_names_the_place_and_the_cure(error: OSError, begins: str) -> None:
    assert disk_sentence(error).startswith(begins)
