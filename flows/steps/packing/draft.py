"""What was drawn and checked of a package so far; its files wait on the disk until all are there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from evidence_schema.digest import Digest, DigestStream
from evidence_schema.models.names import PackageStatus
from evidence_schema.models.package import DisclosedKey, Omission, OmissionReason, Omitted, PackageFile, ScopedRun
from flows.report.package.writing import Source, file_source, is_payload


@dataclass(frozen=True)
class Withheld:
    """Sealed bytes that only a named recipient gets, and what opens them there."""

    source: Source
    key: DisclosedKey | None = None


@dataclass
class Draft:
    """What was drawn and checked so far."""

    stage: Path
    payload: dict[str, Source] = field(default_factory=dict)
    tags: dict[str, Source] = field(default_factory=dict)
    contents: dict[str, PackageFile] = field(default_factory=dict)
    promised: dict[Digest, Source] = field(default_factory=dict)
    withheld: dict[Digest, Withheld] = field(default_factory=dict)
    omissions: list[Omission] = field(default_factory=list)
    index: list[tuple[str, ...]] = field(default_factory=list)
    runs: list[ScopedRun] = field(default_factory=list)
    workbooks: list[Digest] = field(default_factory=list)
    artifacts: int = 0
    status: PackageStatus = PackageStatus.COMPLETE

    def draw(self, path: str, pieces: Iterable[bytes]) -> PackageFile:
        """Make a file of the package, kept on the disk until all is written."""
        place, stream = self.stage / str(len(self.contents)), DigestStream()
        with place.open("wb") as file:
            for piece in pieces:
                stream.update(piece)
                file.write(piece)
        return self.take(PackageFile(path=path, digest=stream.finish(), size=stream.size), file_source(place))

    def draw_lines(self, path: str, lines: Iterable[str]) -> PackageFile:
        """The same of text."""
        return self.draw(path, (f"{line}\n".encode() for line in lines))

    def take(self, file: PackageFile, source: Source) -> PackageFile:
        """Take a file in, wherever its bytes are."""
        if file.path in self.contents:
            raise ValueError(f"expected each file once, found {file.path} again")
        self.contents[file.path] = file
        (self.payload if is_payload(file.path) else self.tags)[file.path] = source
        return file

    def omit(
        self,
        what: Omitted,
        reason: OmissionReason,
        run_id: str,
        name: str,
        digest: Digest | None = None,
        size: int | None = None,
    ) -> None:
        """Say of something that it is not in the package, and why."""
        self.omissions.append(Omission(what=what, reason=reason, run_id=run_id, name=name, digest=digest, size=size))

    def lower(self, status: PackageStatus) -> None:
        """Something is not as promised; the worst stays."""
        order = list(PackageStatus)
        self.status = max(self.status, status, key=order.index)
