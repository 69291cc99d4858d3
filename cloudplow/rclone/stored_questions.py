"""Asks afterwards what files really take on the drives, where that cannot be computed. Pure: the caller runs rclone.

    inquiry = ask_for(layer, [("Films/a.mkv", 1000), ...])
    for question in inquiry.questions:
        list_path.write_bytes(question.file_list)
        done = run(question_command(rclone, question, list_path, flags), environment=...)
        outputs.append(read_output(done))
    stored = inquiry.read(outputs)  # {"Films/a.mkv": 431}

Each question lists, by their exact names, the files that rclone made of the uploaded ones, at the deepest remote that
still has readable names; what crypt and others make of their sizes below is computed.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

from cloudplow.config.engine_flags import ENGINE_SETS, is_filter_flag
from cloudplow.rclone.command import LISTING_SEPARATOR, ExtraValue, Rclone, flag_arguments
from cloudplow.rclone.layers import Chunker, Combine, Compress, Layer, Union
from cloudplow.rclone.process import Completed

#: How many names one question holds at most.
NAMES_PER_QUESTION: Final = 5_000
#: rclone's exit status when the folder to list does not exist.
_NOT_FOUND: Final = 3

#: Which part of a file: its data, its metadata, its third chunk ... A file is complete when each part was found.
_Part = tuple[int, ...]


class _Lookup(NamedTuple):
    """One file to look for. layer: where, and what it costs; sizes: what it may measure, () when that is not known."""

    layer: Layer
    name: str
    sizes: tuple[int, ...]
    part: _Part
    needed: bool

    def at(self, layer: Layer, name: str, sizes: tuple[int, ...], part: int, *, needed: bool = True) -> _Lookup:
        """A part of it, one layer further down."""
        return _Lookup(layer, name, sizes, (*self.part, part), self.needed and needed)


class _Seen(NamedTuple):
    """Whose part a listed file is."""

    owner: str
    part: _Part
    layer: Layer


@dataclass(frozen=True, slots=True)
class StoredQuestion:
    """List these names below an rclone path."""

    path: str
    names: tuple[str, ...]

    @property
    def file_list(self) -> bytes:
        """The content of the file for `--files-from-raw`."""
        return b"".join(os.fsencode(name) + b"\n" for name in self.names)


@dataclass(frozen=True, slots=True)
class StoredInquiry:
    """Questions, and how to read the answers."""

    questions: tuple[StoredQuestion, ...]
    _seen: Mapping[tuple[str, str], tuple[_Seen, ...]]
    _needed: Mapping[str, frozenset[_Part]]

    def read(self, outputs: Sequence[bytes | None]) -> dict[str, int]:
        """What each file takes on the drives, in bytes, by the name that was asked for.

        outputs: what rclone printed for each question, None where that failed. Files of which a part was not found,
        or could not be looked for, are left out. A file that lies in several remotes of a union is the sum.
        """
        found: dict[str, int] = {}
        parts: dict[str, set[_Part]] = {}
        unsure: set[str] = set()
        for question, output in zip(self.questions, outputs, strict=True):
            if output is None:
                unsure.update(seen.owner for name in question.names for seen in self._seen[question.path, name])
                continue
            for name, size in _lines(output):
                for owner, part, layer in self._seen.get((question.path, name), ()):
                    found[owner] = found.get(owner, 0) + layer.stored_bytes(size)
                    parts.setdefault(owner, set()).add(part)
        return {
            owner: size for owner, size in found.items() if owner not in unsure and self._needed[owner] <= parts[owner]
        }


def ask_for(layer: Layer, files: Iterable[tuple[str, int]]) -> StoredInquiry:
    """What to ask for files that were uploaded to a layer. files: names below it, and own sizes in bytes.

    There are no questions about what can be computed, and about what nobody can tell: below crypt the names are not
    known. For these files the upper bound has to do.
    """
    seen: dict[tuple[str, str], tuple[_Seen, ...]] = {}
    needed: dict[str, frozenset[_Part]] = {}
    for owner, size in files:
        lookups = list(_descend(_Lookup(layer, owner, (size,), (), True)))
        if layer.exact or len(lookups) > NAMES_PER_QUESTION or any(one.layer is layer for one in lookups):
            continue
        needed[owner] = frozenset(one.part for one in lookups if one.needed)
        for one in lookups:
            place, mine = (one.layer.path, one.name), _Seen(owner, one.part, one.layer)
            others = seen.get(place, ())
            if all((other.owner, other.part) != (owner, one.part) for other in others):
                seen[place] = (*others, mine)
    return StoredInquiry(tuple(_questions(seen)), seen, needed)


def _questions(places: Iterable[tuple[str, str]]) -> Iterator[StoredQuestion]:
    """Names of one folder stay together: a folder costs a call for each question that names it."""
    ordered = sorted(places, key=lambda place: (place[0], place[1].rpartition("/")[0], place[1]))
    for path, group in groupby(ordered, key=lambda place: place[0]):
        names = [name for _, name in group]
        for start in range(0, len(names), NAMES_PER_QUESTION):
            yield StoredQuestion(path, tuple(names[start : start + NAMES_PER_QUESTION]))


def _descend(one: _Lookup) -> Iterator[_Lookup]:
    """What to look for in place of a file: further down, as long as sizes there are not certain and names are known."""
    layer = one.layer
    if layer.exact:
        yield one
    elif isinstance(layer, Union):
        for way in layer.ways:
            yield from _descend(one._replace(layer=way))
    elif isinstance(layer, Combine):
        folder, _, rest = one.name.partition("/")
        if folder in layer.ways:
            yield from _descend(one._replace(layer=layer.ways[folder], name=rest))
    elif isinstance(layer, Compress) and one.sizes:
        yield from _compressed(layer, one)
    elif isinstance(layer, Chunker) and one.sizes and not layer.transaction_bytes:
        yield from _chunked(layer, one)
    else:
        yield one


def _compressed(layer: Compress, one: _Lookup) -> Iterator[_Lookup]:
    """It became NAME.<size>.gz or NAME.bin, and NAME.json."""
    ending = "zst" if layer.zstd else "gz"
    for size in one.sizes:
        in_name = base64.urlsafe_b64encode(size.to_bytes(8, "little")).decode().rstrip("=")
        yield from _descend(one.at(layer.below, f"{one.name}.{in_name}.{ending}", (), 0))
    yield from _descend(one.at(layer.below, f"{one.name}.bin", one.sizes, 0))
    yield from _descend(one.at(layer.below, f"{one.name}.json", (), 1))


def _chunked(layer: Chunker, one: _Lookup) -> Iterator[_Lookup]:
    """It became NAME.rclone_chunk.001 and so on, and NAME, which is metadata, or the file itself if that is small."""
    size = max(one.sizes)
    full, last = layer.chunk_sizes(size)
    if layer.meta:
        meta = layer.meta_bytes(size)
        sizes = tuple({*one.sizes, meta} if not full and meta else {meta} if full else one.sizes)
        yield from _descend(one.at(layer.below, one.name, sizes, -1))
    for number in range(full + 1):
        chunk = layer.chunk_bytes if number < full else last
        name = _chunk_name(layer, one.name, number)
        yield from _descend(one.at(layer.below, name, (chunk,), number, needed=full > 0 or not layer.meta))


def _chunk_name(layer: Chunker, name: str, number: int) -> str:
    digits = layer.name_format.count("#")
    counted = layer.name_format.replace("#" * digits, f"{number + layer.start_from:0{digits}}")
    folder, slash, last = name.rpartition("/")
    return folder + slash + counted.replace("*", last, 1)


def question_command(
    rclone: Rclone, question: StoredQuestion, list_path: Path, flags: Mapping[str, ExtraValue]
) -> list[str]:
    """Arguments that list a question's names as "SIZE TAB NAME". list_path: where its `file_list` was written.

    flags: such as every rclone command takes, for example the pacer's. Filters among them are left out: rclone takes
    none with a list.
    """
    kept = {flag: value for flag, value in flags.items() if flag not in ENGINE_SETS and not is_filter_flag(flag)}
    return [
        *rclone.base("lsf", question.path),
        f"--files-from-raw={list_path}",
        "--format=sp",
        f"--separator={LISTING_SEPARATOR}",
        "--recursive",
        "--files-only",
        *flag_arguments(kept),
    ]


def read_output(done: Completed) -> bytes | None:
    """What a question's rclone has printed; None when it failed. A folder that does not exist holds nothing."""
    if done.code == _NOT_FOUND and not done.stdout:
        return b""
    return done.stdout if done.code == 0 else None


def _lines(output: bytes) -> Iterator[tuple[str, int]]:
    for line in BytesIO(output):
        size, _, name = line.rstrip(b"\n").decode("utf-8", "surrogateescape").partition(LISTING_SEPARATOR)
        if name and size.isdecimal():
            yield name, int(size)
