"""BagIt bags (RFC 8493): whether a folder of files is one, and the manifests of a new one.

A bag protects against accidents only: who can write to it writes its manifests anew. What an auditor relies on are the
signed log and the scope statement inside of ours. Bags of versions 0.93 to 1.0 are read; ours are 1.0 with SHA-256.
"""

from __future__ import annotations

import codecs
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

DECLARATION, INFO, FETCH, PAYLOAD = "bagit.txt", "bag-info.txt", "fetch.txt", "data/"
MANIFEST, TAG_MANIFEST = "manifest-sha256.txt", "tagmanifest-sha256.txt"
VERSION_TEXT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
MAX_TAG_FILE = 256 * 1024 * 1024
"""Longest tag file that is read whole: a manifest of a million files."""
_ALGORITHMS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
_ENCODINGS = ("utf-8", "utf-16", "utf-32", "iso8859-1", "ascii")
_DECLARATION = re.compile(
    r"BagIt-Version: (?P<major>[0-9]+)\.(?P<minor>[0-9]+)(?:\r\n|\r|\n)"
    r"Tag-File-Character-Encoding: (?P<encoding>[!-~]+)(?:\r\n|\r|\n)?"
)
_MANIFEST = re.compile(r"(?P<tag>tag)?manifest-(?P<algorithm>[a-z0-9]+)\.txt")
_LINE = re.compile(r"(?P<digest>[0-9A-Fa-f]+)[ \t]+(?P<star>\*?)(?P<name>[^ \t*].*)")
_OXUM = re.compile(r"^Payload-Oxum[ \t]*:[ \t]*(?P<bytes>[0-9]{1,20})\.(?P<files>[0-9]{1,20})[ \t]*$", re.MULTILINE)
_FETCH = re.compile(r"(?P<url>\S+)[ \t]+(?P<length>[0-9]+|-)[ \t]+(?P<name>.+)")
_ESCAPE = re.compile("%(0[aA]|0[dD]|25)")
_DROPPINGS = re.compile(r"(?:.*/)?(?:Thumbs\.db|desktop\.ini|\.DS_Store|\._[^/]*)")
_TRAILING = re.compile(r"[ \t]+(?=\r|\n|\Z)")
_KNOWN_VERSIONS = {(0, minor) for minor in range(93, 98)} | {(1, 0)}


class Files(Protocol):
    """Plain files below one folder, wherever they lie; names are relative, with slashes."""

    def sizes(self) -> Mapping[str, int]:
        """Every file with its length in bytes."""
        ...

    def stream(self, name: str) -> Iterator[bytes]:
        """A file's bytes in pieces; raises whatever the place raises."""
        ...


class Fault(StrEnum):
    """In what way a bag is not as it must be."""

    MALFORMED = "malformed"
    MISSING = "missing"
    UNLISTED = "unlisted"
    CHANGED = "changed"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class BagFault:
    """One thing about a bag: which file, what was expected, what was found. A warning leaves the bag valid."""

    fault: Fault
    name: str
    expected: str
    found: str


@dataclass
class Bag:
    """What was found out about a bag; `awaited` are the files that `fetch.txt` says are elsewhere."""

    faults: list[BagFault] = field(default_factory=list)
    warnings: list[BagFault] = field(default_factory=list)
    awaited: list[str] = field(default_factory=list)
    version: tuple[int, int] = (1, 0)
    encoding: str = "utf-8"

    @property
    def is_valid(self) -> bool:
        """Complete or awaiting what it says is elsewhere, and unchanged."""
        return not self.faults

    def add(self, fault: Fault, name: str, expected: str, found: str) -> None:
        """Something is wrong, or worth a warning."""
        (self.warnings if fault is Fault.WARNING else self.faults).append(BagFault(fault, name, expected, found))


Listed = dict[str, dict[str, str]]
"""Name -> algorithm -> digest in lower-case hex."""


def check_bag(files: Files) -> Bag:
    """Read a bag; every fault is named, none raises. Each file is read once, whatever lists it."""
    bag = Bag()
    sizes = files.sizes()
    if not _read_declaration(files, sizes, bag):
        return bag
    manifests = sorted(name for name in sizes if _MANIFEST.fullmatch(name))
    if not any(name.startswith("manifest-") for name in manifests):
        bag.add(Fault.MISSING, "manifest-<algorithm>.txt", "a payload manifest", "none")
    listings = {name: _read_manifest(files, name, bag) for name in manifests}
    awaited = _read_fetch(files, sizes, bag)
    merged: Listed = {}
    for name, listing in listings.items():
        algorithm = name.rpartition("-")[2].removesuffix(".txt")
        for listed, digest in listing.items():
            merged.setdefault(listed, {})[algorithm] = digest
    payload_listings = {name: listing for name, listing in listings.items() if name.startswith("manifest-")}
    _check_all_listed(sizes, payload_listings, awaited, bag)
    present = _check_all_there(sizes, merged, awaited, bag)
    for name in sorted(present):
        _check_digests(files, name, merged[name], bag)
    _check_oxum(files, sizes, awaited, bag)
    return bag


def manifest_lines(digests: Iterable[tuple[str, str]]) -> Iterator[bytes]:
    """Lines of a SHA-256 manifest, as `sha256sum -c` reads them; (name, hex) come sorted."""
    for name, hexes in digests:
        yield f"{hexes}  {escaped(name)}\n".encode()


def escaped(name: str) -> str:
    """Line ends and percent signs as RFC 8493 section 2.1.3 writes them."""
    return name.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")


def is_safe_name(name: str) -> bool:
    """Whether a name stays inside its folder on every system: relative, without dots, drive, backslash, controls."""
    if not name or len(name) > 1024 or name.startswith(("/", "~")) or "\\" in name or ":" in name.partition("/")[0]:
        return False
    if any(ord(sign) < 0x20 or ord(sign) == 0x7F or "\ud800" <= sign <= "\udfff" for sign in name):
        return False
    return all(part not in ("", ".", "..") for part in name.split("/"))


def _read_declaration(files: Files, sizes: Mapping[str, int], bag: Bag) -> bool:
    data = _read(files, sizes, DECLARATION, bag)
    if data is None:
        return False
    try:
        match = _DECLARATION.fullmatch(_TRAILING.sub("", data.decode("utf-8")))
    except UnicodeDecodeError:
        match = None
    if match is None:
        bag.add(Fault.MALFORMED, DECLARATION, "version and encoding in two lines of UTF-8", "something else")
        return False
    bag.version = (int(match["major"][:4]), int(match["minor"][:4]))
    if bag.version not in _KNOWN_VERSIONS:
        bag.add(Fault.MALFORMED, DECLARATION, "a version from 0.93 to 1.0", f"{bag.version[0]}.{bag.version[1]}")
    try:
        bag.encoding = codecs.lookup(match["encoding"]).name
    except (LookupError, ValueError):
        bag.encoding = ""
    if bag.encoding not in _ENCODINGS:
        bag.add(Fault.MALFORMED, DECLARATION, "a Unicode encoding, ISO-8859-1 or ASCII", "another encoding")
        return False
    return True


def _read_manifest(files: Files, manifest: str, bag: Bag) -> dict[str, str]:
    """Name -> digest; every line that is none, or leads outside, is named and passed over."""
    match = _MANIFEST.fullmatch(manifest)
    algorithm = match["algorithm"] if match else ""
    if algorithm not in _ALGORITHMS:
        bag.add(Fault.MALFORMED, manifest, f"one of {', '.join(_ALGORITHMS)}", ascii(algorithm)[:40])
        return {}
    listing: dict[str, str] = {}
    is_tag = manifest.startswith("tag")
    size = hashlib.new(algorithm, usedforsecurity=False).digest_size
    for number, line in enumerate(_lines(files, manifest, bag), 1):
        found = _LINE.fullmatch(line)
        if found is None or len(found["digest"]) != 2 * size:
            bag.add(Fault.MALFORMED, manifest, f"a digest and a name in line {number}", "something else")
            continue
        name = _plain_name(manifest, found, bag)
        is_payload = name.startswith(PAYLOAD)
        if not is_safe_name(name) or is_payload == is_tag:
            place = "outside of data/" if is_tag else "below data/"
            bag.add(Fault.MALFORMED, manifest, f"a name {place} in line {number}", ascii(name)[:200])
            continue
        _list(listing, manifest, name, found["digest"].lower(), bag)
    return listing


def _plain_name(manifest: str, found: re.Match[str], bag: Bag) -> str:
    name = found["name"]
    if found["star"]:
        bag.add(Fault.WARNING, manifest, "two spaces before a name", "an asterisk, as md5sum writes it")
    if name.startswith("./"):
        bag.add(Fault.WARNING, manifest, "a name without ./", ascii(name)[:200])
        name = name[2:]
    if bag.version < (1, 0):
        return name
    return _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), name)


def _list(listing: dict[str, str], manifest: str, name: str, digest: str, bag: Bag) -> None:
    """RFC 8493 forbids a name twice; the drafts before it did not, as long as both lines say the same."""
    if name not in listing:
        listing[name] = digest
        return
    same = listing[name] == digest
    fault = Fault.WARNING if same and bag.version < (1, 0) else Fault.MALFORMED
    bag.add(fault, manifest, f"{ascii(name)[:200]} once", "twice" if same else "twice, with two digests")


def _lines(files: Files, name: str, bag: Bag) -> list[str]:
    data = _read(files, files.sizes(), name, bag)
    if data is None:
        return []
    try:
        text = data.decode(bag.encoding)
    except UnicodeDecodeError:
        bag.add(Fault.MALFORMED, name, f"text in {bag.encoding}", "other bytes")
        return []
    return [line for line in re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff")) if line.strip()]


def _read(files: Files, sizes: Mapping[str, int], name: str, bag: Bag) -> bytes | None:
    """A tag file whole; None, and a fault, where it cannot be had."""
    if name not in sizes:
        bag.add(Fault.MISSING, name, "a tag file", "none")
        return None
    data = bytearray()
    try:
        for piece in files.stream(name):
            data += piece
            if len(data) > MAX_TAG_FILE:
                bag.add(Fault.MALFORMED, name, f"at most {MAX_TAG_FILE} bytes", "more")
                return None
    except Exception as error:  # noqa: BLE001 (each place has its own errors, unknown here)
        bag.add(Fault.CHANGED, name, "readable bytes", type(error).__name__)
        return None
    return bytes(data)


def _read_fetch(files: Files, sizes: Mapping[str, int], bag: Bag) -> set[str]:
    """The files that are to be fetched from elsewhere; nobody here fetches anything."""
    awaited: set[str] = set()
    if FETCH not in sizes:
        return awaited
    for number, line in enumerate(_lines(files, FETCH, bag), 1):
        found = _FETCH.fullmatch(line)
        name = found["name"] if found else ""
        if found is None or not is_safe_name(name) or not name.startswith(PAYLOAD):
            bag.add(Fault.MALFORMED, FETCH, f"URL, length and a name below data/ in line {number}", "something else")
            continue
        awaited.add(name)
    return awaited


def _check_all_listed(
    sizes: Mapping[str, int], listings: Mapping[str, Mapping[str, str]], awaited: set[str], bag: Bag
) -> None:
    """From 1.0 on each payload manifest lists every payload file; before it was enough that one did."""
    payload = {name for name in sizes if name.startswith(PAYLOAD)} | awaited
    if bag.version < (1, 0):
        listings = {"the payload manifests": {name: "" for listing in listings.values() for name in listing}}
    for manifest, listing in listings.items():
        for name in sorted(payload - listing.keys()):
            bag.add(Fault.UNLISTED, name, f"a line in {manifest}", "none")


def _check_all_there(sizes: Mapping[str, int], merged: Listed, awaited: set[str], bag: Bag) -> set[str]:
    """The listed files that are there. A name that differs from one that is there by case or by the form of its
    accents only, and a dropping of an operating system, may have been lost on the way: a warning.
    """
    folded = {_folded(name) for name in sizes}
    for name in sorted(merged.keys() - sizes.keys()):
        if name in awaited:
            bag.awaited.append(name)
            continue
        may_be_lost = _folded(name) in folded or _DROPPINGS.fullmatch(name)
        bag.add(Fault.WARNING if may_be_lost else Fault.MISSING, name, "a file, for a manifest lists it", "none")
    for name in sorted(sizes):
        if _DROPPINGS.fullmatch(name):
            bag.add(Fault.WARNING, name, "no files of an operating system's own", "one")
    return merged.keys() & sizes.keys()


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _check_digests(files: Files, name: str, expected: Mapping[str, str], bag: Bag) -> None:
    hashes = {algorithm: hashlib.new(algorithm, usedforsecurity=False) for algorithm in expected}
    try:
        for piece in files.stream(name):
            for running in hashes.values():
                running.update(piece)
    except Exception as error:  # noqa: BLE001 (as above)
        bag.add(Fault.CHANGED, name, "readable bytes", type(error).__name__)
        return
    for algorithm, running in hashes.items():
        if running.hexdigest() != expected[algorithm]:
            bag.add(Fault.CHANGED, name, f"{algorithm} {expected[algorithm]}", running.hexdigest())


def _check_oxum(files: Files, sizes: Mapping[str, int], awaited: set[str], bag: Bag) -> None:
    """The payload's bytes and files as bag-info states them: a quick look that finds what was cut off."""
    if INFO not in sizes:
        return
    text = "\n".join(_lines(files, INFO, bag))
    stated = _OXUM.search(text)
    if stated is None or awaited - sizes.keys():
        return
    payload = [size for name, size in sizes.items() if name.startswith(PAYLOAD)]
    expected, found = f"{stated['bytes']}.{stated['files']}", f"{sum(payload)}.{len(payload)}"
    if expected != found:
        was_warned = any(warning.name not in sizes for warning in bag.warnings)  # of a file that was lost on the way
        bag.add(Fault.WARNING if was_warned else Fault.CHANGED, INFO, f"Payload-Oxum {expected}", found)
