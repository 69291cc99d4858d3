"""The library that `cloudplow demo` uploads: fake films and series, with the same names, sizes and bytes every time.

Nothing in it is a film: the contents are random bytes; the names are invented or those of works in the public domain.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SEED: Final = 47949
#: Size of the whole library, in bytes.
LIBRARY_BYTES: Final = 150_000_000
#: The largest file, as a share of the videos' bytes; it must fit into one of the demo's accounts.
LARGEST_SHARE: Final = 0.1
#: Exponent of the Pareto distribution of the videos' sizes: a few are large, most are small.
PARETO_SHAPE: Final = 1.1
#: The modification time of every file (2024-01-01), so that none counts as "still being written".
MODIFIED_AT: Final = 1_704_067_200
#: The size of the block of random bytes from which all contents are cut.
BLOCK_BYTES: Final = 1 << 20

FILMS: Final = (
    "A Trip to the Moon (1902)",
    "Battleship Potemkin (1925)",
    "Der müde Tod (1921)",
    "Die Abenteuer des Prinzen Achmed (1926)",
    "Dr. Jekyll & Mr. Hyde (1920) [Director's Cut]",
    "Faust – Eine deutsche Volkssage (1926)",
    "Häxan (1922)",
    "He Who Gets Slapped (1924)",
    "Körkarlen (1921)",
    "Metropolis (1927) {edition-Restored}",
    "Nanook of the North (1922)",
    "Nosferatu, eine Symphonie des Grauens (1922)",
    "Safety Last! (1923)",
    "Sherlock Jr. (1924)",
    "Sunrise – A Song of Two Humans (1927)",
    "The <b>Bold</b> & the Mute (1919)",
    "The Cabinet of Dr. Caligari (1920)",
    "The General (1926)",
    "The Gold Rush (1925)",
    "The Lodger (1927)",
    "The Phantom Carriage #2 (1921)",
    "The Phantom of the Opera (1925)",
    "The Thief of Bagdad (1924) 100% Silent",
    "Un Chien Andalou (1929)",
    "生まれてはみたけれど (1932)",
    "🎬 One Week (1920)",
)
#: Series: name, seasons, episodes of each.
SERIES: Final = (
    ("Fantômas", 1, 5),
    ("Les Vampires", 1, 10),
    ("The Exploits of Élaine", 2, 7),
    ("The Gardener's Almanac", 3, 8),
    ("Ünder the Sea [2019]", 2, 6),
    ("What's in the Box?", 2, 8),
)
QUALITIES: Final = ("Bluray-1080p", "Bluray-2160p", "DVD", "WEBDL-1080p", "WEBDL-720p")


@dataclass(frozen=True, slots=True)
class LibraryFile:
    """One file of the library. name: relative to the library's root, with "/"; size: bytes."""

    name: str
    size: int


def library_files(total_bytes: int = LIBRARY_BYTES) -> tuple[LibraryFile, ...]:
    """Names and sizes of the whole library, ordered by name.

    total_bytes: what the sizes add up to, exactly.
    """
    numbers = random.Random(SEED)
    videos = sorted(_video_stems(numbers))
    extras = [extra for stem in videos for extra in _extras(stem, numbers)]
    left_bytes = total_bytes - sum(file.size for file in extras)
    sizes = _long_tailed_sizes(len(videos), left_bytes, numbers)
    films = [LibraryFile(f"{stem}.mkv", size) for stem, size in zip(videos, sizes, strict=True)]
    return tuple(sorted(films + extras, key=lambda file: file.name))


def _video_stems(numbers: random.Random) -> Iterator[str]:
    for film in FILMS:
        yield f"Movies/{film}/{film} {numbers.choice(QUALITIES)}"
    for series, seasons, episodes in SERIES:
        quality = numbers.choice(QUALITIES)
        for season in range(1, seasons + 1):
            for episode in range(1, episodes + 1):
                folder = f"TV/{series}/Season {season:02}"
                yield f"{folder}/{series} - S{season:02}E{episode:02} - Chapter {episode} {quality}"


def _extras(stem: str, numbers: random.Random) -> Iterator[LibraryFile]:
    """The files beside a video: description and subtitles, and for a film a poster."""
    yield LibraryFile(f"{stem}.nfo", numbers.randint(800, 6_000))
    yield LibraryFile(f"{stem}.en.srt", numbers.randint(20_000, 90_000))
    if stem.startswith("Movies/"):
        yield LibraryFile(f"{stem.rpartition('/')[0]}/poster.jpg", numbers.randint(60_000, 250_000))


def _long_tailed_sizes(count: int, total_bytes: int, numbers: random.Random) -> Sequence[int]:
    """Pareto-distributed sizes that add up exactly to the total; none exceeds LARGEST_SHARE of it (before rounding)."""
    shares = [numbers.paretovariate(PARETO_SHAPE) for _ in range(count)]
    for _ in range(count):
        ceiling = LARGEST_SHARE * sum(shares)
        if max(shares) <= ceiling:
            break
        shares = [min(share, ceiling) for share in shares]
    scale = total_bytes / sum(shares)
    sizes = [int(share * scale) for share in shares]
    sizes[0] += total_bytes - sum(sizes)
    return sizes


def write_library(root: Path, files: Sequence[LibraryFile]) -> Mapping[str, str]:
    """Write the files below root; returns the MD5 of each by name.

    The contents are incompressible, differ between files and are the same on every machine.
    Raises OSError when the disk is full or the folder cannot be written.
    """
    block = random.Random(SEED).randbytes(BLOCK_BYTES)
    checksums = {}
    for file in files:
        path = root / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        checksum = hashlib.md5(usedforsecurity=False)
        with path.open("wb") as target:
            for piece in _content(file, block):
                target.write(piece)
                checksum.update(piece)
        os.utime(path, (MODIFIED_AT, MODIFIED_AT))
        checksums[file.name] = checksum.hexdigest()
    return checksums


def _content(file: LibraryFile, block: bytes) -> Iterator[bytes]:
    """A header derived from the name, then the block over and over, from an offset that also depends on the name."""
    header = hashlib.sha256(file.name.encode()).digest()[: file.size]
    yield header
    left = file.size - len(header)
    start = int.from_bytes(header[:4], "big") % len(block)
    rotated = block[start:] + block[:start]
    while left > 0:
        yield rotated[:left]
        left -= len(rotated)
