"""Standard output and error that never stop an upload: closed, broken on the way, or without the letters.

Somebody may have closed them (`>&-`), the reader of a pipe may go away, a terminal may be closed under `nohup` or
`disown`, a disk that a log goes to may be full. What cannot be written is lost; files matter more.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import Any, Final, TextIO

#: Nobody will ever read it again.
_GONE: Final = frozenset({errno.EPIPE, errno.EIO, errno.EBADF, errno.ENXIO, errno.ECONNRESET, errno.ENOTCONN})


class _Forgiving(io.FileIO):
    """Writes to a descriptor that it does not own; what cannot be written is dropped."""

    def write(self, data: Any, /) -> int:
        size = memoryview(data).nbytes
        try:
            written = super().write(data)
        except OSError as error:
            if error.errno in _GONE:
                with contextlib.suppress(OSError):
                    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
                    os.dup2(nowhere, self.fileno())
                    os.close(nowhere)
            return size
        # None: the pipe is full and somebody made it non-blocking. Waiting would stop the upload.
        return size if written is None else written


def _forgiving(stream: TextIO, descriptor: int) -> TextIO:
    raw = _Forgiving(descriptor, "w", closefd=False)
    # Letters that the terminal's encoding lacks are escaped: a file may be named in any script.
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=descriptor == 2 or stream.isatty(),
    )


def escape_what_is_missing() -> None:
    """Letters that the encoding of the output lacks (PYTHONIOENCODING) are escaped: they are no reason to fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def make_safe() -> None:
    """Put forgiving streams in place of standard output and error; a missing one leads nowhere.

    Descriptors 0, 1 and 2 are taken afterwards, so that no file of ours gets one of these numbers.
    """
    while (found := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(found, True)
    os.close(found)
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream: TextIO | None = getattr(sys, name)
        if stream is None:
            stream = open(descriptor, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - a descriptor
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
        made = _forgiving(stream, descriptor)
        setattr(sys, name, made)
        setattr(sys, f"__{name}__", made)
