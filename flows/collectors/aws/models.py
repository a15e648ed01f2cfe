"""The APIs of AWS as botocore describes them, kept in bounded memory."""

from __future__ import annotations

import gzip
import json
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader, Loader

SERVICES_KEPT = 10
"""A few more than tasks that run at a time; those of eighty services are some 200 MB."""


class LeanFiles(JSONFileLoader):
    """Botocore's files in plain dictionaries and without their prose, which nobody asks for: half the memory."""

    def load_file(self, file_path: str) -> Any:
        """What the file says, compressed or not; None where there is none, as botocore's own."""
        for path, read in ((Path(f"{file_path}.json"), Path.read_bytes), (Path(f"{file_path}.json.gz"), _unpacked)):
            if path.is_file():
                return json.loads(read(path), object_hook=_without_prose)
        return None


def _unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


def _without_prose(described: dict[str, Any]) -> dict[str, Any]:
    """Botocore asks for some by name: they stay, empty. A member called `documentation` is described by a mapping."""
    if isinstance(described.get("documentation"), str):
        described["documentation"] = ""
    return described


class BoundedLoader(Loader):
    """Botocore's loader keeps each file that it has read for ever; this one forgets the services asked for longest ago.

    Safe with threads.
    """

    def __init__(self) -> None:
        super().__init__(file_loader=LeanFiles())
        self._guard = threading.Lock()
        self._recent: OrderedDict[str, None] = OrderedDict()

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        """The description of a service; read again where it was forgotten."""
        with self._guard:
            found = super().load_service_model(service_name, type_name, api_version)
            self._recent[service_name] = None
            self._recent.move_to_end(service_name)
            while len(self._recent) > SERVICES_KEPT:
                self._forget(self._recent.popitem(last=False)[0])
        return found

    def _forget(self, service: str) -> None:
        """Botocore keeps by method name and its arguments: a service, or a path below one."""
        loader: Any = self
        cache: dict[tuple[Any, ...], Any] = loader._cache  # noqa: SLF001 (it has no public way to forget)
        for key in [key for key in cache if any(_is_of(service, part) for part in key[1:])]:
            del cache[key]


def _is_of(service: str, part: object) -> bool:
    return isinstance(part, str) and (part == service or part.startswith(f"{service}/"))
