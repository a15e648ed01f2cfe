"""The people of the simulated organisation, and a search for their names in whatever bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping

from flows.demo.account_people import PEOPLE

DIRECTORY = ("Anna Keller", "Carla Nunes", "Somebody who left", "Ida Moreau", "sim-left.last.year")
NAMES = tuple(person.name for person in PEOPLE) + DIRECTORY


def texts(data: bytes) -> Iterator[bytes]:
    """The bytes, and what is packed in them: a workbook is a zip, in which no name stands in clear."""
    yield data
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for name in packed.namelist():
                yield packed.read(name)


def named_in(objects: Mapping[str, bytes]) -> dict[str, set[str]]:
    """Object -> the people that it names in clear."""
    found = {
        key: {name for name in NAMES for text in texts(data) if name.encode() in text or name.encode() in key.encode()}
        for key, data in objects.items()
    }
    return {key: names for key, names in found.items() if names}
