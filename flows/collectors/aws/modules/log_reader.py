"""Reads one CloudTrail log file as it streams by: digest, gunzip, JSON records, all in bounded memory."""

from __future__ import annotations

import codecs
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from evidence_schema.digest import Digest, DigestStream

_GZIP = 16 + zlib.MAX_WBITS
_PIECE = 64 * 1024
_LONGEST_NUMBER = 400
_OF_NUMBERS = "0123456789.eE+-"
_SPACE = re.compile(r"[ \t\r\n]*")


class UnreadableFile(Exception):
    """A log file is not what CloudTrail writes; `code` says how."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Bounds:
    """What a sane log file does not exceed."""

    stored_bytes: int = 512 * 1024 * 1024
    plain_bytes: int = 2 * 1024 * 1024 * 1024
    event_bytes: int = 4 * 1024 * 1024
    ratio: int = 300
    """Plain bytes for each stored one, once `ratio_from` plain bytes have come: beyond it lies a gzip bomb."""
    ratio_from: int = 16 * 1024 * 1024


@dataclass
class LogReader:
    """The events of one file, and afterwards the digest and size of its stored bytes."""

    pieces: Iterable[bytes]
    bounds: Bounds = Bounds()
    _stored: DigestStream = field(default_factory=DigestStream)
    _plain: int = 0

    @property
    def size(self) -> int:
        return self._stored.size

    @property
    def digest(self) -> Digest:
        return self._stored.finish()

    def events(self) -> Iterator[dict[str, Any]]:
        """Each record in turn; raises UnreadableFile."""
        return records_in(self._texts(), self.bounds.event_bytes)

    def plain(self) -> Iterator[bytes]:
        """The unzipped bytes, piece by piece; raises UnreadableFile."""
        try:
            yield from self._unzipped()
        except zlib.error as error:
            raise UnreadableFile("NotGzip", f"expected gzip, found: {error}") from error

    def drain(self) -> None:
        """Digest what is left, so that the digest is the whole file's even where its content is bad."""
        for _ in self._read():
            pass

    def _read(self) -> Iterator[bytes]:
        for piece in self.pieces:
            self._stored.update(piece)
            if self._stored.size > self.bounds.stored_bytes:
                raise UnreadableFile("TooLarge", f"expected at most {self.bounds.stored_bytes} bytes, found more")
            yield piece

    def _texts(self) -> Iterator[str]:
        decode = codecs.getincrementaldecoder("utf-8")()
        try:
            for piece in self._unzipped():
                yield decode.decode(piece)
            yield decode.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise UnreadableFile("NotText", f"expected UTF-8, found: {error.reason}") from error
        except zlib.error as error:
            raise UnreadableFile("NotGzip", f"expected gzip, found: {error}") from error

    def _unzipped(self) -> Iterator[bytes]:
        """Plain bytes; a file may be several gzip members one after the other."""
        unzip = zlib.decompressobj(_GZIP)
        for piece in self._read():
            rest = piece
            while rest:
                if unzip.eof:
                    unzip = zlib.decompressobj(_GZIP)
                yield self._counted(unzip.decompress(rest, _PIECE))
                rest = unzip.unconsumed_tail or unzip.unused_data
            while not unzip.eof and (more := unzip.decompress(b"", _PIECE)):
                yield self._counted(more)
        if not unzip.eof:
            raise UnreadableFile("BrokenOff", "expected a whole gzip file, found that it breaks off")

    def _counted(self, piece: bytes) -> bytes:
        self._plain += len(piece)
        allowed = max(self.bounds.ratio_from, self._stored.size * self.bounds.ratio)
        if self._plain > min(self.bounds.plain_bytes, allowed):
            raise UnreadableFile(
                "GzipBomb",
                f"expected at most {min(self.bounds.plain_bytes, allowed)} bytes inside "
                f"{self._stored.size}, found more",
            )
        return piece


def records_in(texts: Iterable[str], longest: int) -> Iterator[dict[str, Any]]:
    """The objects of the array `Records` of the one JSON object that the texts make together, one at a time."""
    scan = _Scan(iter(texts), longest)
    scan.expect("{")
    if scan.peek() != "}":
        while True:
            name = scan.value()
            scan.expect(":")
            if name == "Records":
                yield from scan.objects()
            else:
                scan.value()
            if scan.peek() != ",":
                break
            scan.expect(",")
    scan.expect("}")
    if scan.peek():
        raise UnreadableFile("NotJSON", "expected one JSON object, found more after it")


class _Scan:
    """A JSON text read piece by piece, a value at a time."""

    def __init__(self, texts: Iterator[str], longest: int) -> None:
        self._texts = texts
        self._longest = longest
        self._buffer = ""
        self._at = 0
        self._decoder = json.JSONDecoder()

    def objects(self) -> Iterator[dict[str, Any]]:
        self.expect("[")
        if self.peek() != "]":
            while True:
                found = self.value()
                if not isinstance(found, dict):
                    raise UnreadableFile("NotJSON", "expected an event to be an object, found another value")
                yield found
                if self.peek() != ",":
                    break
                self.expect(",")
        self.expect("]")

    def peek(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            space = _SPACE.match(self._buffer, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more(1):
                return ""

    def expect(self, character: str) -> None:
        found = self.peek()
        if found != character:
            raise UnreadableFile("NotJSON", f"expected {character!r}, found {found or 'the end'!r}")
        self._at += 1

    def value(self) -> Any:
        """The next value. Where it is not whole yet the text at hand is doubled, so that the work stays linear."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except RecursionError as error:
                raise UnreadableFile("NotJSON", "expected values nested moderately, found them too deep") from error
            except ValueError as error:
                have = len(self._buffer) - self._at
                if have > self._longest:
                    raise UnreadableFile("TooLarge", f"expected events of at most {self._longest} bytes") from error
                if not self._more(max(1, have)):
                    raise UnreadableFile("NotJSON", "expected JSON, found an error or the end") from error
                continue
            if end - self._at > self._longest:
                raise UnreadableFile("TooLarge", f"expected values of at most {self._longest} bytes, found a longer")
            if self._may_go_on(value, end) and self._more(1):
                continue
            self._at = end
            return value

    def _may_go_on(self, value: Any, end: int) -> bool:
        """A number at the end of the text at hand may be the first half of another one."""
        rest = self._buffer[end : end + _LONGEST_NUMBER]
        return isinstance(value, int | float) and len(rest) < _LONGEST_NUMBER and not rest.strip(_OF_NUMBERS)

    def _more(self, wanted: int) -> bool:
        """Take at least so many characters more; false at the end."""
        pieces, taken = [self._buffer[self._at :]], 0
        for text in self._texts:
            pieces.append(text)
            taken += len(text)
            if taken >= wanted:
                break
        if taken:
            self._buffer, self._at = "".join(pieces), 0
        return bool(taken)
