"""The file itself: a zip whose bytes depend on its content alone, with the streamed sheets put in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from flows.report.workbook.sheet import Sheet

_UNIX = 3
_APPLICATION_PART = "docProps/app.xml"
_APPLICATION = (
    '<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties">'
    "<Application>evidence-collector</Application></Properties>"
)
"""The library would say that Excel made the file."""


class SteadyZip(ZipFile):
    """A zip without the clock, the file system or the platform in it."""

    def __init__(self, target: BinaryIO, moment: datetime, sheets: Mapping[str, Sheet]) -> None:
        super().__init__(target, "w", ZIP_DEFLATED)
        self._moment = moment
        self._sheets = sheets

    def writestr(self, zinfo_or_arcname: Any, data: Any, *args: Any, **kwargs: Any) -> None:
        """Add a part as the library made it."""
        name = zinfo_or_arcname.filename if isinstance(zinfo_or_arcname, ZipInfo) else str(zinfo_or_arcname)
        super().writestr(self._entry(name), _APPLICATION if name == _APPLICATION_PART else data)

    def write(self, filename: Any, arcname: Any = None, *args: Any, **kwargs: Any) -> None:
        """Add a sheet: the library hands over its frame as a file."""
        template = Path(filename).read_text(encoding="utf-8")
        sheet = self._sheets[str(arcname)]
        entry = self._entry(str(arcname))
        entry.file_size = len(template.encode()) + sheet.size  # tells whether a large zip entry is needed
        with self.open(entry, "w") as part:
            for piece in sheet.body(template):
                part.write(piece)

    def _entry(self, name: str) -> ZipInfo:
        entry = ZipInfo(name.replace(os.sep, "/"), self._moment.timetuple()[:6])
        entry.compress_type = ZIP_DEFLATED
        entry.create_system = _UNIX
        entry.external_attr = 0o600 << 16
        return entry
