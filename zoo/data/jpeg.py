"""How long a JPEG takes to decode, told from its markers."""

from __future__ import annotations

import re
from typing import BinaryIO

# Pixels times scans: about ten seconds. Common progressive files have ten scans.
MOST_WORK = 1_200_000_000
MOST_SCANS = 1000
LARGEST = 2**28
_START_OF_SCAN, _END, _WITHOUT_LENGTH = 0xDA, 0xD9, {0x01, *range(0xD0, 0xD9)}
# In the coded data of a scan, FF stands for itself if 00 follows, and restarts have no data of their own.
_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)


def count_scans(file: BinaryIO) -> int:
    """Return how many scans a JPEG has, each of which its decoder goes over the whole picture for (ITU T.81, annex B).

    Args:
        file: an open JPEG file, of which the first picture counts; it is read from its beginning.

    Returns:
        The number of scans, or ``MOST_SCANS`` + 1 if there are more, or if the file has over ``LARGEST`` bytes.
    """
    file.seek(0)
    content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        return MOST_SCANS + 1
    scans, place = 0, 2
    while scans <= MOST_SCANS:
        found = _MARKER.search(content, place)
        if found is None:
            break
        kind, place = found[0][-1], found.end()
        if kind == _END:
            break
        if kind in _WITHOUT_LENGTH:
            continue
        scans += kind == _START_OF_SCAN
        place += int.from_bytes(content[place : place + 2], "big")
    return scans
