#!/usr/bin/env python3
"""Verify an evidence package with Python's standard library and `openssl` alone. One file, nothing to install.

    python3 -I verify.py PACKAGE --trust trust-policy.json [--kept WHAT-YOU-KEPT] [--tsa-ca CA.pem] [--json]
    python3 -I verify.py ARTIFACT --proof PROOF --trust trust-policy.json

PACKAGE is a folder or a zip; it is read in place, never unpacked. The trust policy is the one that you pinned when the
engagement began: a key found inside a package is never trusted. Take this file from elsewhere than the package, too.

It repeats the product's own verifier step by step, written again from the formats: RFC 8493 (bag), RFC 8785 (JSON),
DSSE, C2SP signed notes and checkpoints, RFC 6962 (Merkle tree), RFC 3161 (by openssl).

Exit codes: 0 sound, 2 usage, 3 could not run, 4 tampered, 5 incomplete or stale, 6 unpinned; the worst wins.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

PROPERTIES = ("authentic", "intact", "complete", "ordered", "timely", "anchored", "fresh")
LATE, LATE_TYPES = ("complete", "fresh"), ("anchor-empty",)
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:evidence-collector:entry:v1"
VAULT, CONTENTS, ENCRYPTED = "data/vault/", "data/contents.jsonl", "encrypted "
OWN = {"bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt", CONTENTS}
BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
SKEW, DAY, WINDOW = timedelta(minutes=5), timedelta(days=1), timedelta(hours=24)
ED25519_BEFORE_KEY = bytes.fromhex("302a300506032b6570032100")
P256_BEFORE_POINT = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
MAX_DOCUMENT, MAX_LINE, PIECE = 16 << 20, 4 << 20, 1 << 18
MAX_FILES, MAX_BYTES, MAX_RATIO = 5_000_000, 1 << 42, 250
SCHEDULED = ("heartbeat", "schedule-change")
ABOUT_THE_LOG = (*SCHEDULED, "key-rotate", "log-link")
GRACE = {"daily": "daily_grace_days", "monthly": "monthly_grace_days"}
GRACE_DAYS = {"daily": 2, "monthly": 7}
COMPLETE = ("collected", "empty", "unavailable")
SHAPE_ERRORS = (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError)


class CannotRun(Exception):
    """Nothing can be examined: no package, no policy, no openssl."""


class Odd(ValueError):
    """Bytes that are not what must stand there."""


class Problems:
    """What is wrong: property, type, where, what was found."""

    def __init__(self) -> None:
        self.found: set[tuple[str, str, str, str]] = set()
        self.left_out: set[str] = set()

    def add(self, property_: str, type_: str, where: str, text: object = "") -> None:
        """One thing."""
        shown = ascii(str(text))[1:-1][:300]
        self.found.add((property_, type_, ascii(where)[1:-1][:1100], shown))

    def exit_code(self, *, pinned: bool) -> int:
        """4 over 5 over 6 over 0."""
        if any(item[0] not in LATE and item[1] not in LATE_TYPES for item in self.found):
            return 4
        return 5 if self.found else 0 if pinned else 6


# ---------------------------------------------------------------------------------------------------- canonical JSON


def canonical(value: Any) -> bytes:
    """RFC 8785 of a value without floats and nulls: keys in the order of their UTF-16 code units."""
    return json.dumps(_sorted(value, 0), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _sorted(value: Any, depth: int) -> Any:
    if depth > 64:
        raise Odd("nested too deep")
    if isinstance(value, bool) or isinstance(value, str):
        return value
    if isinstance(value, int):
        if abs(value) > 2**53 - 1:
            raise Odd("an integer beyond 2^53-1")
        return value
    if isinstance(value, list):
        return [_sorted(member, depth + 1) for member in value]
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return {key: _sorted(value[key], depth + 1) for key in keys}
    raise Odd(f"a {type(value).__name__}, which signed JSON does not have")


def parse(data: bytes) -> Any:
    """The value of canonical bytes: written again, it must be the same bytes."""
    try:
        value = json.loads(data.decode("utf-8"))
        again = canonical(value)
    except (UnicodeError, ValueError, RecursionError) as error:
        raise Odd(f"no canonical JSON: {error}") from None
    if again != data:
        raise Odd("JSON in another spelling than RFC 8785")
    return value


def unbase64(text: str) -> bytes:
    """Standard base64 in its one spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Odd("no base64") from None
    if base64.b64encode(data).decode() != text:
        raise Odd("base64 in another spelling")
    return data


def moment(text: str) -> datetime:
    """RFC 3339, UTC, whole seconds."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)  # noqa: UP017 (for old Pythons)


def hexes(digest: str) -> str:
    """The 64 digits of `sha256:...`."""
    match = re.fullmatch(r"sha256:([0-9a-f]{64})", digest)
    if match is None:
        raise Odd("no digest")
    return match[1]


def sha256(data: bytes) -> str:
    """64 hex digits."""
    return hashlib.sha256(data).hexdigest()


# ------------------------------------------------------------------------------------------------------ the package


def safe(name: str) -> bool:
    """Whether a name stays inside of its folder everywhere."""
    if not name or len(name) > 1024 or name[0] in "/~" or "\\" in name or ":" in name.partition("/")[0]:
        return False
    if any(ord(sign) < 32 or ord(sign) == 127 or 0xD800 <= ord(sign) < 0xE000 for sign in name):
        return False
    parts = name.split("/")
    return len(parts) <= 33 and all(part not in ("", ".", "..") for part in parts)


class Folder:
    """A bag as a folder."""

    def __init__(self, place: Path) -> None:
        self.place, self.sizes = place, {}
        waiting = [""]
        while waiting:
            above = waiting.pop()
            for entry in sorted((place / above).iterdir()):
                name, mode = above + entry.name, entry.lstat()
                if not safe(name):
                    raise CannotRun(f"a name that leads outside: {name!a}")
                if stat.S_ISDIR(mode.st_mode):
                    waiting.append(name + "/")
                elif stat.S_ISREG(mode.st_mode):
                    self.sizes[name] = mode.st_size
                else:
                    raise CannotRun(f"a link or device in the package: {name!a}")

    def stream(self, name: str) -> Iterator[bytes]:
        """A file in pieces."""
        handle = os.open(self.place / name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(handle, "rb") as file:
            while piece := file.read(PIECE):
                yield piece


class Archive:
    """A bag as a zip with one folder at its top."""

    def __init__(self, place: Path) -> None:
        self.zip = zipfile.ZipFile(place)
        infos = self.zip.infolist()
        size, end, total, seen = place.stat().st_size, 0, 0, set()
        if len({info.filename.partition("/")[0] for info in infos}) != 1 or len(infos) > MAX_FILES:
            raise CannotRun("expected an archive with one folder at its top")
        self.entries: dict[str, zipfile.ZipInfo] = {}
        for info in sorted(infos, key=lambda info: info.header_offset):
            name, mode = info.filename, info.external_attr >> 16
            plain = stat.S_IFMT(mode) in (0, stat.S_IFREG, stat.S_IFDIR)
            if not plain or info.orig_filename != name or not safe(name.rstrip("/")) or name.casefold() in seen:
                raise CannotRun(f"an unsafe entry in the archive: {name!a}")
            if info.flag_bits & 1 or info.compress_type not in (0, 8) or info.header_offset < end:
                raise CannotRun(f"an entry that is encrypted, or packed in an unknown way, or in another: {name!a}")
            seen.add(name.casefold())
            end = info.header_offset + 30 + len(name.encode()) + info.compress_size
            total += info.file_size
            if not info.is_dir():
                self.entries[name.partition("/")[2]] = info
        if end > size or total > MAX_BYTES or (total > 1 << 20 and total > MAX_RATIO * size):
            raise CannotRun("an archive that inflates beyond all measure")
        self.sizes = {name: info.file_size for name, info in self.entries.items()}

    def stream(self, name: str) -> Iterator[bytes]:
        """A file in pieces; the archive's own checksum is checked at its end."""
        with self.zip.open(self.entries[name]) as file:
            while piece := file.read(PIECE):
                yield piece


# What the standard library raises for a hostile zip: bad structure, damaged stream, password or unknown version,
# unknown method, an early end, a name that is listed and not there. Anything else is our fault, and shows its trace.
READ_ERRORS = (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, NotImplementedError, KeyError)


class Package:
    """A package's files; each is hashed once, at the beginning."""

    def __init__(self, place: Path) -> None:
        self.files: Folder | Archive = Folder(place) if place.is_dir() else Archive(place)
        self.sizes = self.files.sizes
        self.digests = {name: self._digest(name) for name in sorted(self.sizes)}

    def _digest(self, name: str) -> str:
        running = hashlib.sha256()
        try:
            for piece in self.files.stream(name):
                running.update(piece)
        except READ_ERRORS:
            return "unreadable"
        return running.hexdigest()

    def read(self, name: str, limit: int = MAX_DOCUMENT) -> bytes:
        """A small file whole."""
        if name not in self.sizes or self.sizes[name] > limit or self.digests[name] == "unreadable":
            raise Odd("no such file, or too long, or unreadable")
        return b"".join(self.files.stream(name))

    def lines(self, name: str) -> Iterator[bytes]:
        """Lines, each with an end, of bounded length."""
        rest = b""
        for piece in self.files.stream(name):
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
            if len(rest) > MAX_LINE:
                raise Odd("a line that is too long")
        if rest:
            raise Odd("a last line without an end")


# ---------------------------------------------------------------------------------------------- signatures, notes, tree


class Key:
    """A pinned verifier key and the entries it may sign."""

    def __init__(self, pinned: dict[str, Any]) -> None:
        self.name, short, encoded = pinned["vkey"].split("+", 2)
        typed = unbase64(encoded)
        self.raw = typed[1:]
        named = self.name.encode() + b"\n\x01" if typed[:1] == b"\x01" else b""
        self.short = hashlib.sha256(named + self.raw).digest()[:4]
        if not (self._is_ed25519(typed) or self._is_p256(typed)) or self.short.hex() != short:
            raise Odd("no verifier key of Ed25519 or P-256")
        self.first, self.until = pinned.get("first", 0), pinned.get("until")
        self.stolen_at = moment(pinned["stolen_at"]) if "stolen_at" in pinned else None
        self.revoked_from = pinned.get("revoked_from")
        self.keyid = sha256(self.raw)

    @staticmethod
    def _is_ed25519(typed: bytes) -> bool:
        return typed[:1] == b"\x01" and len(typed) == 1 + 32

    @staticmethod
    def _is_p256(typed: bytes) -> bool:
        """An ECDSA key in DER, whose point is on the curve (FIPS 186-5)."""
        x, y = int.from_bytes(typed[28:60], "big"), int.from_bytes(typed[60:], "big")
        prime = 2**256 - 2**224 + 2**192 + 2**96 - 1
        curve = x**3 - 3 * x + int("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b", 16)
        is_point = len(typed) == 1 + 91 and max(x, y) < prime and (y**2 - curve) % prime == 0
        return typed[:28] == b"\x02" + P256_BEFORE_POINT and is_point

    @property
    def der(self) -> bytes:
        """The key as openssl reads it."""
        return self.raw if len(self.raw) != 32 else ED25519_BEFORE_KEY + self.raw

    def may_sign(self, index: int) -> bool:
        """Whether an entry lies in its range."""
        return bool(self.first <= index and (self.until is None or index < self.until))


class OpenSSL:
    """Ed25519, ECDSA and RFC 3161 by the `openssl` of this machine."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        try:
            self._run("version")
        except OSError as error:
            raise CannotRun(f"expected openssl on the path, found: {error}") from None

    def _run(self, *args: str) -> bool:
        done = subprocess.run(["openssl", *args], capture_output=True, check=False, timeout=60)
        return done.returncode == 0

    def holds(self, by: Key, message: bytes, signature: bytes) -> bool:
        """Whether a signature is by this key over the message; of ECDSA in canonical DER, which openssl demands."""
        if len(by.raw) == 32 and len(signature) != 64:
            return False
        der, text, sig = (str(self.scratch / name) for name in ("key", "message", "signature"))
        for path, data in ((der, by.der), (text, message), (sig, signature)):
            Path(path).write_bytes(data)
        key = ("-pubin", "-keyform", "DER", "-inkey", der)
        return self._run("pkeyutl", "-verify", *key, "-rawin", "-in", text, "-sigfile", sig)

    def is_stamped(self, token: bytes, data: bytes, authority: Path) -> bool:
        """Whether an RFC 3161 reply is over these bytes, by an authority under this certificate."""
        reply, text = self.scratch / "token", self.scratch / "stamped"
        reply.write_bytes(token)
        text.write_bytes(data)
        return self._run("ts", "-verify", "-in", str(reply), "-data", str(text), "-CAfile", str(authority))

    def stamped_at(self, token: bytes, data: bytes, roots: str) -> datetime | None:
        """The time of an RFC 3161 reply over these bytes, by an authority under these certificates; None else."""
        reply, text, pinned = (self.scratch / name for name in ("token", "stamped", "roots"))
        for path, content in ((reply, token), (text, data), (pinned, roots.encode())):
            path.write_bytes(content)
        shown = subprocess.run(
            ["openssl", "ts", "-reply", "-in", str(reply), "-text"], capture_output=True, check=False, timeout=60
        )
        found = re.search(rb"Time stamp: (\w{3}) +(\d+) ([\d:]{8})(?:\.\d+)? (\d{4}) GMT", shown.stdout)
        if found is None:
            return None
        told = b" ".join(found.groups()).decode()
        at = datetime.strptime(told, "%b %d %H:%M:%S %Y").replace(tzinfo=timezone.utc)  # noqa: UP017 (for old Pythons)
        given = ("-CAfile", str(pinned), "-untrusted", str(pinned), "-attime", str(int(at.timestamp())))
        return at if self._run("ts", "-verify", "-in", str(reply), "-data", str(text), *given) else None


class Note:
    """A C2SP signed checkpoint as read."""

    def __init__(self, data: bytes) -> None:
        whole = data.decode("utf-8")
        if len(data) > 256 << 10 or re.search(r"[\x00-\x09\x0b-\x1f]", whole):
            raise Odd("no signed note")
        text, blank, rest = whole.rpartition("\n\n")
        lines = rest.split("\n")
        if not blank or lines.pop() or not 0 < len(lines) <= 100:
            raise Odd("no signed note")
        self.text, self.signatures = text + "\n", [self._signature(line) for line in lines]
        origin, size, root, last = self.text.split("\n")
        if not origin or last or not re.fullmatch("0|[1-9][0-9]{0,18}", size):
            raise Odd("no checkpoint")
        self.origin, self.size, self.root = origin, int(size), unbase64(root)

    @staticmethod
    def _signature(line: str) -> tuple[str, bytes, bytes]:
        dash, name, encoded = line.split(" ")
        data = unbase64(encoded)
        if dash != "\N{EM DASH}" or not name or "+" in name or len(data) <= 4:
            raise Odd("no signature line")
        return name, data[:4], data[4:]

    def faults(self, keys: list[Key], openssl: OpenSSL) -> Iterator[tuple[str, str]]:
        """Each line by a pinned key and sound: one by a key for the newest entry, others by the next key only."""
        index, seen, ranged, strange = max(self.size - 1, 0), set(), False, False
        for name, short, signature in self.signatures:
            known = [key for key in keys if (key.name, key.short) == (name, short)]
            if not known:
                yield "checkpoint-key-unknown", name
                continue
            if (name, short) in seen or not openssl.holds(known[0], self.text.encode(), signature):
                yield "checkpoint-signature-bad", name
            seen.add((name, short))
            if any(key.may_sign(index) for key in known):
                ranged = True
            elif all(key.first != index + 1 for key in known):
                strange = True
                yield "checkpoint-key-out-of-range", name
        if seen and not ranged and not strange:
            yield "checkpoint-key-out-of-range", str(index)


def receipt(data: bytes) -> tuple[Note, str]:
    """The checkpoint in an auditor's receipt, which must be whole and agree with it; and the log's name."""
    try:
        found = parse(data)
        rest = {name: value for name, value in found.items() if name != "digest"}
        note, log = Note(found["checkpoint"].encode()), found["log"]
        stated = (found["schema"], found["origin"], found["tree_size"], unbase64(found["root"]))
        if f"sha256:{sha256(canonical(rest))}" != found["digest"] or not note.size:
            raise Odd("a receipt that was changed")
        if stated != ("evidence/auditor-receipt/v1", note.origin, note.size, note.root):
            raise Odd("a receipt that contradicts its checkpoint")
    except SHAPE_ERRORS as error:
        raise Odd(f"no receipt: {error}") from None
    return note, str(log)


def leaf(data: bytes) -> bytes:
    """RFC 6962 section 2.1."""
    return hashlib.sha256(b"\x00" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    """RFC 6962 section 2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The root of a growing list of leaves."""

    def __init__(self) -> None:
        self.size, self.whole = 0, []  # type: ignore[var-annotated]

    def add(self, subtree: bytes) -> None:
        """The next leaf hash."""
        size = self.size
        while size & 1:
            subtree, size = node(self.whole.pop(), subtree), size >> 1
        self.whole.append(subtree)
        self.size += 1

    def root(self) -> bytes:
        """Over all leaves so far."""
        if not self.whole:
            return hashlib.sha256(b"").digest()
        root: bytes = self.whole[-1]
        for subtree in reversed(self.whole[:-1]):
            root = node(subtree, root)
        return root


# ---------------------------------------------------------------------------------------------------- the verifier


class Entry:
    """One entry as it lies there; `predicate` is empty where it could not be read."""

    def __init__(self, seq: int, name: str, data: bytes, problems: Problems) -> None:
        self.seq, self.name, self.digest, self.leaf = seq, name, sha256(data), leaf(data)
        self.keyid, self.signature, self.pae = "", b"", b""
        self.signatures = -1
        self.predicate: dict[str, Any] = {}
        self.subjects: list[str] = []
        try:
            self._read(data)
        except SHAPE_ERRORS as error:
            self.predicate = {}
            problems.add("intact", "entry-malformed", name, error)

    def _read(self, data: bytes) -> None:
        if len(data) > 64 << 10:
            raise Odd("too long")
        envelope = parse(data)
        if set(envelope) != {"payload", "payloadType", "signatures"}:
            raise Odd("no envelope")
        signatures = [(item["keyid"], unbase64(item["sig"]), len(item)) for item in envelope["signatures"]]
        if not signatures or any(count != 2 for _, _, count in signatures):
            raise Odd("no envelope")
        payload, kind = unbase64(envelope["payload"]), envelope["payloadType"]
        self.pae = b"DSSEv1 %d %b %d %b" % (len(kind.encode()), kind.encode(), len(payload), payload)
        self.signatures = len(signatures)
        self.keyid, self.signature, _ = signatures[0]
        if kind != PAYLOAD_TYPE or len(self.pae) > 4096:
            raise Odd("another type of payload, or more than may be signed")
        statement = parse(payload)
        if (statement["_type"], statement["predicateType"]) != (STATEMENT, PREDICATE) or len(statement) != 4:
            raise Odd("no statement of ours")
        self.subjects = [item["digest"]["sha256"] for item in statement["subject"]]
        predicate = statement["predicate"]
        moment(predicate["time"])
        of_run = () if predicate["type"] in ABOUT_THE_LOG else ("run_id", "slot")
        for name in ("log", "type", *of_run):
            if not isinstance(predicate[name], str):
                raise Odd(f"no {name}")
        if not isinstance(predicate["seq"], int) or not isinstance(predicate["key_epoch"], int):
            raise Odd("no number")
        self.predicate = predicate


class Run:
    """A run by its entries."""

    def __init__(self, entry: Entry) -> None:
        self.opened, self.opening, self.name = entry.predicate, entry.digest, entry.name
        self.ended: dict[str, Any] | None = None
        self.judged: list[dict[str, Any]] = []

    @property
    def closed(self) -> dict[str, Any] | None:
        """Its closing entry."""
        return self.ended if self.ended and self.ended["type"] == "run-close" else None


class Verifier:
    """All steps over one package."""

    def __init__(
        self, package: Package, policy: dict[str, Any] | None, kept: list[Path], authority: Path | None,
        now: datetime, openssl: OpenSSL,
    ) -> None:  # fmt: skip
        self.package, self.policy, self.now, self.openssl = package, policy, now, openssl
        self.kept, self.authority, self.kept_size = kept, authority, 0
        self.problems = Problems()
        self.keys = [Key(item) for item in policy["keys"]] if policy else None
        self.log = policy["log"] if policy else self._first_log()
        self.root = f"{VAULT}v1/{self.log}/"
        self.scope: dict[str, Any] | None = None
        self.statement = ""
        self.named: dict[str, int] = {}
        self.bound: dict[str, tuple[str, str]] = {}
        self.contexts: dict[str, str] = {}
        self.stamped = 0
        self.countersigners: dict[int, Key] = {}
        self.sound: dict[int, str] = {}
        self.previous = ""

    def check(self) -> Problems:
        """Every step; none stops at the first problem."""
        self._bag()
        self._places()
        entries = self._entries()
        self._signatures(entries)
        self._rotations(entries)
        self._checkpoints(entries)
        self._scope(entries)
        self._contents()
        runs = self._runs(entries)
        for run in runs.values():
            self._guard("intact", "manifest-malformed", run.name, self._run, run)
        self._erasures(entries)
        self._blobs()
        self._times(entries, list(runs.values()))
        self._stolen(entries)
        return self.problems

    def _first_log(self) -> str:
        for name in sorted(self.package.sizes):
            found = re.match(rf"{VAULT}v1/([a-z0-9][a-z0-9-]{{2,47}})/", name)
            if found:
                return found[1]
        return ""

    def _guard(self, property_: str, type_: str, where: str, step: Any, *args: Any) -> Any:
        """Whatever a hostile document holds becomes a problem, never a crash."""
        try:
            return step(*args)
        except (*SHAPE_ERRORS, *READ_ERRORS) as error:
            self.problems.add(property_, type_, where, f"{type(error).__name__}: {error}")
            return None

    def _bag(self) -> None:
        """The bag's own manifests, in the one form that ours have."""
        package = self.package
        if package.sizes.get("bagit.txt") != len(BAGIT) or package.digests["bagit.txt"] != sha256(BAGIT):
            self.problems.add("intact", "bag-malformed", "bagit.txt")
        listed: set[str] = set()
        for manifest, tag in (("manifest-sha256.txt", False), ("tagmanifest-sha256.txt", True)):
            if manifest not in package.sizes:
                self.problems.add("intact", "bag-malformed", manifest, "none")
                continue
            listed |= self._guard("intact", "bag-malformed", manifest, self._manifest, manifest, tag) or set()
        for name in package.sizes:
            other = re.fullmatch(r"(tag)?manifest-\w+\.txt|fetch\.txt", name)
            if other and name not in OWN:
                self.problems.add("intact", "bag-malformed", name, "not in a bag of ours")
            if name.startswith("data/") and name not in listed:
                self.problems.add("authentic", "bag-file-unlisted", name)
        self._guard("intact", "bag-file-changed", "bag-info.txt", self._oxum)

    def _manifest(self, manifest: str, tag: bool) -> set[str]:
        seen = set()
        for line in self.package.lines(manifest):
            found = re.fullmatch(r"([0-9a-fA-F]{64})  ([^*].*)", line.decode("utf-8"))
            name = found[2] if found else ""
            if found is None or not safe(name) or name in seen or name.startswith("data/") == tag:
                self.problems.add("intact", "bag-malformed", manifest, line[:200])
                continue
            seen.add(name)
            if name not in self.package.sizes:
                self.problems.add("complete", "bag-file-missing", name)
            elif self.package.digests[name] != found[1].lower():
                self.problems.add("intact", "bag-file-changed", name, self.package.digests[name])
        return seen

    def _oxum(self) -> None:
        info = self.package.read("bag-info.txt").decode("utf-8")
        sizes = [size for name, size in self.package.sizes.items() if name.startswith("data/")]
        stated = re.findall(r"(?m)^Payload-Oxum: ([0-9.]+)$", info)
        if stated and stated != [f"{sum(sizes)}.{len(sizes)}"]:
            self.problems.add("intact", "bag-file-changed", "bag-info.txt", stated)

    def _places(self) -> None:
        """Only names that the layout knows."""
        layout = re.compile(
            r"entry/[0-9]{12}\.dsse\.json|checkpoint/[0-9]{12}|blob/sha256/([0-9a-f]{2})/\1[0-9a-f]{62}"
            r"|run/run-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}/unit/[0-9a-f]{64}\.json|tsr/[0-9]{1,12}\.[\w.-]+\.tsr"
        )
        for name in self.package.sizes:
            if name.startswith(self.root) and not layout.fullmatch(name[len(self.root) :]):
                self.problems.add("authentic", "unknown-key", name)

    def _numbered(self, folder: str, ending: str) -> dict[int, str]:
        pattern = re.compile(re.escape(f"{self.root}{folder}/") + "([0-9]{12})" + re.escape(ending))
        found = {name: pattern.fullmatch(name) for name in self.package.sizes}
        return {int(match[1]): name for name, match in sorted(found.items()) if match}

    def _entries(self) -> list[Entry]:
        listed = self._numbered("entry", ".dsse.json")
        entries: list[Entry] = []
        for seq, name in listed.items():
            try:
                entries.append(Entry(seq, name, self.package.read(name, 64 << 10), self.problems))
            except Odd as error:
                self.problems.add("intact", "entry-malformed", name, error)
        if not entries:
            self.problems.add("complete", "log-empty", self.root)
        for following, seq in enumerate(listed):
            if seq != following:
                self.problems.add("ordered", "entry-missing", f"entry {following}")
                break
        latest, before = None, None
        for entry in entries:
            predicate = entry.predicate
            if predicate:
                latest = self._place(entry, before, latest)
            before = entry
        return entries

    def _place(self, entry: Entry, before: Entry | None, latest: datetime | None) -> datetime:
        predicate, time = entry.predicate, moment(entry.predicate["time"])
        if predicate["log"] != self.log:
            self.problems.add("authentic", "entry-of-another-log", entry.name, predicate["log"])
        if predicate["seq"] != entry.seq:
            self.problems.add("ordered", "entry-number-differs", entry.name, predicate["seq"])
        expected = f"sha256:{before.digest}" if before else None
        if (entry.seq == 0 or (before and before.seq == entry.seq - 1)) and predicate.get("prev") != expected:
            self.problems.add("ordered", "entry-prev-differs", entry.name, predicate.get("prev"))
        if latest and time < latest:
            self.problems.add("ordered", "entry-time-backwards", entry.name, time)
        return max(latest, time) if latest else time

    def _signatures(self, entries: list[Entry]) -> None:
        for entry in entries:
            if entry.signatures == -1:
                continue
            if entry.signatures != 1:
                self.problems.add("authentic", "unsigned-entry", entry.name, entry.signatures)
            elif self.keys is not None:
                known = [key for key in self.keys if key.keyid == entry.keyid]
                if not known:
                    self.problems.add("authentic", "entry-key-unknown", entry.name, entry.keyid)
                    continue
                if not any(key.may_sign(entry.seq) for key in known):
                    self.problems.add("authentic", "entry-key-out-of-range", entry.name, entry.keyid)
                if not self.openssl.holds(known[0], entry.pae, entry.signature):
                    self.problems.add("authentic", "entry-signature-bad", entry.name)

    def _rotations(self, entries: list[Entry]) -> None:
        """A rotation names the key that is pinned for what follows, and stands where the pinned keys change."""
        named: dict[int, Key | None] = {}
        epoch = 0
        for entry in entries:
            predicate = entry.predicate
            if not predicate:
                continue
            if predicate["key_epoch"] != epoch:
                self.problems.add("ordered", "key-epoch-differs", entry.name, predicate["key_epoch"])
            epoch = predicate["key_epoch"]
            if predicate["type"] == "key-rotate":
                named[entry.seq] = self._guard("intact", "rotation-malformed", entry.name, self._named_key, entry)
                epoch += 1
            if predicate["type"] == "log-link":
                self._guard("intact", "link-malformed", entry.name, self._link, entry)
        self.countersigners = {seq + 1: key for seq, key in named.items() if key}
        for seq, key in named.items():
            if key and self.keys is not None:
                pinned = {(item.name, item.raw) for item in self.keys if item.may_sign(seq + 1)}
                if pinned != {(key.name, key.raw)}:
                    self.problems.add("authentic", "rotation-not-pinned", f"entry {seq}", key.keyid)
        for key in self.keys or ():
            before = key.first - 1
            stays = any(item.raw == key.raw and item.may_sign(before) for item in self.keys or ())
            if before >= 0 and not stays and not named.get(before):
                self.problems.add("ordered", "rotation-missing", f"entry {before}", key.keyid)

    def _link(self, entry: Entry) -> None:
        """A log in the place of one whose key was lost: a break, which stands at the beginning or nowhere."""
        if entry.seq:
            self.problems.add("ordered", "link-not-first", entry.name)
        data = entry.predicate["note"].encode()
        self.previous = f"{entry.predicate['previous']}, {Note(data).size} entries"
        if entry.subjects != [sha256(data)]:
            raise Odd("another subject than the note's digest")

    def _named_key(self, entry: Entry) -> Key:
        key = Key({"vkey": entry.predicate["vkey"]})
        if entry.subjects != [key.keyid] or (self.policy and key.name != self.policy["origin"]):
            raise Odd("a key of another log, or another subject than its id")
        return key

    def _stolen(self, entries: list[Entry]) -> None:
        """What a stolen key signed is believed where a token, or what was kept, covers it from before the theft."""
        keys = self.keys or []
        if not any(key.stolen_at for key in keys):
            return
        times = list(self._token_times())
        for entry in entries:
            mine = [key for key in keys if key.keyid == entry.keyid and key.may_sign(entry.seq)]
            key = next((key for key in mine if key.stolen_at), None)
            if key is None or key.stolen_at is None or entry.signatures != 1:
                continue
            following = [item for item in keys if item.may_sign(entry.seq + 1)]
            next_key = self.countersigners.get(entry.seq + 1)
            if next_key and following and all(item.raw == next_key.raw for item in following):
                continue  # the hand-over to the key that the policy pins
            seen = min((time for size, time in times if size > entry.seq), default=None)
            covered = (seen and seen < key.stolen_at) or entry.seq < self.kept_size
            if not covered or (key.revoked_from is not None and entry.seq >= key.revoked_from):
                self.problems.add("authentic", "entry-of-stolen-key", entry.name, seen)

    def _token_times(self) -> Iterator[tuple[int, datetime]]:
        """Size and time of each token over a sound checkpoint, by the authorities that the policy pins."""
        pinned = (self.policy or {}).get("timestamps", {}).get("authorities", [])
        roots = {item["id"]: item["roots"] for item in pinned}
        pattern = re.compile(re.escape(f"{self.root}tsr/") + r"([0-9]{12})\.([a-z0-9-]+)\.tsr")
        for name in self.package.sizes:
            found = pattern.fullmatch(name)
            if found and found[2] in roots and int(found[1]) in self.sound:
                note = self.sound[int(found[1])]
                at = self._guard("timely", "token-bad", name, self._stamped_at, name, note, roots[found[2]])
                if at is not None:
                    yield int(found[1]), at

    def _stamped_at(self, name: str, note: str, roots: str) -> datetime | None:
        return self.openssl.stamped_at(self.package.read(name, 1 << 20), self.package.read(note), roots)

    def _checkpoints(self, entries: list[Entry]) -> None:
        leaves = [entry.leaf for number, entry in enumerate(entries) if entry.seq == number]
        listed, tree = self._numbered("checkpoint", ""), Tree()
        origin = self.policy["origin"] if self.policy else ""
        for size in range(1, len(leaves) + 1):
            if size not in listed:
                self.problems.add("complete", "checkpoint-missing", f"checkpoint {size}")
        for size, name in listed.items():
            while tree.size < min(size, len(leaves)):
                tree.add(leaves[tree.size])
            try:
                note = Note(self.package.read(name, 256 << 10))
            except SHAPE_ERRORS as error:
                self.problems.add("intact", "checkpoint-malformed", name, error)
                continue
            origin, before = origin or note.origin, len(self.problems.found)
            if note.origin != origin:
                self.problems.add("authentic", "checkpoint-origin-differs", name, note.origin)
            if note.size != size:
                self.problems.add("intact", "checkpoint-size-differs", name, note.size)
            if size > len(leaves):
                self.problems.add("ordered", "checkpoint-beyond-entries", name, len(leaves))
            elif note.root != tree.root():
                self.problems.add("intact", "checkpoint-root-differs", name)
            for type_, found in note.faults(self.keys, self.openssl) if self.keys is not None else ():
                self.problems.add("authentic", type_, name, found)
            following = self.countersigners.get(size)
            if following and all(item[:2] != (following.name, following.short) for item in note.signatures):
                self.problems.add("authentic", "rotation-not-countersigned", name, following.keyid)
            if len(self.problems.found) == before:
                self.sound[size] = name
            self._stamps(size, name)
        self._kept(leaves, origin)

    def _kept(self, leaves: list[bytes], origin: str) -> None:
        for path, kept in [(place, note) for place in self.kept for note in self._notes(place)]:
            where, tree = str(path), Tree()
            if not path.is_dir():  # an anchor does not count: a thief may have copied to it as well
                self.kept_size = max(self.kept_size, kept.size)
            for item in leaves[: kept.size]:
                tree.add(item)
            if origin and kept.origin != origin:
                self.problems.add("anchored", "kept-checkpoint-of-another-log", where, kept.origin)
            if kept.size > len(leaves):
                self.problems.add("anchored", "log-shorter-than-kept", where, len(leaves))
            elif kept.root != tree.root():
                self.problems.add("anchored", "kept-checkpoint-root-differs", where)
            if self.keys is not None and list(kept.faults(self.keys, self.openssl)):
                self.problems.add("anchored", "kept-checkpoint-not-signed", where)

    def _notes(self, place: Path) -> list[Note]:
        """A checkpoint, a receipt (`evidence verify --save-receipt`), or an anchor's folder with checkpoints in it."""
        if not place.is_dir():
            data = place.read_bytes()
            if not data.startswith(b"{"):
                return [Note(data)]
            note, log = receipt(data)
            if log != self.log:
                self.problems.add("anchored", "kept-checkpoint-of-another-log", str(place), log)
            return [note]
        notes = []
        for path in sorted((place / f"v1/{self.log}/checkpoint").glob("*")):
            try:
                notes.append(Note(path.read_bytes()))
                if path.name != f"{notes[-1].size:012d}":
                    raise Odd("a checkpoint under another number")
            except (*SHAPE_ERRORS, OSError) as error:
                self.problems.add("anchored", "anchor-changed", str(path), error)
        if not notes:
            self.problems.add("anchored", "anchor-empty", str(place))
        return notes

    def _stamps(self, size: int, checkpoint: str) -> None:
        """Tokens over this checkpoint, by the authority given; without one they are carried and not judged."""
        pattern = re.compile(re.escape(f"{self.root}tsr/") + rf"0*{size}\.[\w.-]+\.tsr")
        for name in self.package.sizes:
            if self.authority is not None and pattern.fullmatch(name):
                self._guard("timely", "token-bad", name, self._stamp, name, checkpoint)

    def _stamp(self, name: str, checkpoint: str) -> None:
        if self.authority and self.openssl.is_stamped(
            self.package.read(name, 1 << 20), self.package.read(checkpoint), self.authority
        ):
            self.stamped += 1
        else:
            self.problems.add("timely", "token-bad", name)

    def _scope(self, entries: list[Entry]) -> None:
        """The last entry names the scope of this package."""
        last = entries[-1] if entries else None
        export = last.predicate if last else {}
        if last is None or export.get("type") != "export" or "package" not in export:
            self.problems.add("authentic", "package-not-logged", last.name if last else self.root)
            return
        self._guard("intact", "scope-malformed", last.name, self._read_scope, export)

    def _read_scope(self, export: dict[str, Any]) -> None:
        self.statement = hexes(export["digest"])
        name = self._blob(self.statement)
        data = self.package.read(name, 4 << 20)
        if sha256(data) != self.statement:
            raise Odd("other bytes than the log names")
        scope = parse(data)
        for field in ("runs", "requirements", "accounts", "withheld", "workbooks", "frameworks"):
            if not isinstance(scope[field], list):
                raise Odd(f"no {field}")
        scope["findings"] = {run["run_id"]: run["findings"] for run in scope["runs"]}
        if scope["schema"] != "evidence/package-scope/v1" or not isinstance(scope["contents"]["digest"], str):
            raise Odd("another document")
        if scope["log"] != self.log or scope.get("recipient") != export.get("recipient"):
            self.problems.add("intact", "scope-differs", name)
        self.scope = scope

    def _contents(self) -> None:
        """Every file drawn for the package, by the list that the scope names."""
        if self.scope is None:
            return
        package, known = self.package, set(OWN)
        self._guard("intact", "bag-info-differs", "bag-info.txt", self._status)
        if CONTENTS not in package.sizes:
            self.problems.add("complete", "package-file-missing", CONTENTS)
        elif package.digests[CONTENTS] != hexes(self.scope["contents"]["digest"]):
            self.problems.add("intact", "package-contents-differ", CONTENTS)
        else:
            known |= self._guard("intact", "package-contents-differ", CONTENTS, self._listed) or set()
        for name in package.sizes if len(known) > len(OWN) else ():  # without the list nothing is known to be strange
            if name not in known and not name.startswith(self.root):
                self.problems.add("authentic", "package-file-unknown", name)

    def _listed(self) -> set[str]:
        known = set()
        for line in self.package.lines(CONTENTS):
            item = parse(line)
            name = item["path"]
            known.add(name)
            if name not in self.package.sizes:
                self.problems.add("complete", "package-file-missing", name)
            elif self.package.digests[name] != hexes(item["digest"]):
                self.problems.add("intact", "package-file-changed", name)
        return known

    def _status(self) -> None:
        info = self.package.read("bag-info.txt").decode("utf-8", "replace")
        stated = [line.partition(": ")[2] for line in info.splitlines() if line.startswith("Package-Status: ")]
        if self.scope is not None and stated != [self.scope["status"]]:
            self.problems.add("intact", "bag-info-differs", "bag-info.txt", stated)

    def _blob(self, digest: str) -> str:
        return f"{self.root}blob/sha256/{digest[:2]}/{digest}"

    def _has_run(self, run_id: str) -> bool:
        return self.scope is None or run_id in self.scope["findings"]

    def _name(self, digest: str, size: int | None, by: str, type_: str, *, promised: bool) -> bool:
        """Something says that a blob exists; whether it does."""
        digits = hexes(digest)
        name = self._blob(digits)
        exists = name in self.package.sizes
        if not exists:
            if promised:
                self.problems.add("complete", type_, name, by)
            else:
                self.problems.left_out.add(digits)
        known = self.named.setdefault(digits, -1 if size is None else size)
        if size is not None and known == -1:
            self.named[digits] = size
        elif size is not None and known != size:
            self.problems.add("intact", "blob-size-differs", name, f"{known} and {size}")
        return exists

    def _document(self, digest: str) -> Any:
        name = self._blob(hexes(digest))
        if self.package.digests[name] != hexes(digest):
            raise Odd("other bytes than its name says")
        return parse(self.package.read(name))

    def _runs(self, entries: list[Entry]) -> dict[str, Run]:
        runs: dict[str, Run] = {}
        for entry in entries:
            if entry.predicate:
                self._guard("intact", "entry-malformed", entry.name, self._follow, runs, entry)
        for run_id in self.scope["findings"] if self.scope else ():
            if run_id not in runs or runs[run_id].closed is None:
                self.problems.add("intact", "scope-differs", self.root, run_id)
        for run in runs.values():
            if run.ended is None and self.now - moment(run.opened["time"]) > WINDOW:
                self.problems.add("complete", "run-unfinished", run.name)
        return runs

    def _follow(self, runs: dict[str, Run], entry: Entry) -> None:
        predicate, problems = entry.predicate, self.problems
        kind, run_id = predicate["type"], predicate.get("run_id", "")
        if kind in SCHEDULED:
            about = sha256(canonical(predicate["schedule"])) if kind == "schedule-change" else hexes(predicate["prev"])
            if entry.subjects != [about]:
                problems.add("intact", "subject-differs", entry.name)
            return
        run = runs.get(run_id)
        if kind == "run-open":
            if run is not None:
                problems.add("ordered", "run-opened-twice", entry.name)
            else:
                run = runs[run_id] = Run(entry)
        elif kind in ("run-close", "run-abandoned", "judged", "export", "erasure", "hold", "extension"):
            if run is None:
                problems.add("ordered", "run-not-opened", entry.name)
            else:
                self._advance(run, entry)
        else:
            return  # a later version's entry: in the chain and signed, and about no run that is examined here
        subjects = {run.opening} if run else set()
        for what, (digest, size) in _named(predicate).items():
            subjects.add(hexes(digest))
            promised = self._is_promised(predicate, what)
            self._name(digest, size, f"{entry.name} ({what})", "entry-blob-missing", promised=promised)
            if what.startswith(ENCRYPTED):
                self._encrypted(digest, f"{run_id}/{what.removeprefix(ENCRYPTED)}")
        if kind == "export":
            subjects.add(hexes(predicate["digest"]))
        if not entry.subjects or not subjects.issuperset(entry.subjects):
            problems.add("intact", "subject-differs", entry.name)

    def _is_promised(self, predicate: dict[str, Any], what: str) -> bool:
        if self.scope is None:
            return True
        if what.startswith(ENCRYPTED):
            return False
        if what == "export":
            return hexes(predicate["digest"]) == self.statement or predicate["digest"] in self.scope["workbooks"]
        if what == "findings":
            return bool(self.scope["findings"].get(predicate["run_id"], False))
        return self._has_run(predicate["run_id"])

    def _advance(self, run: Run, entry: Entry) -> None:
        predicate, problems = entry.predicate, self.problems
        if predicate["slot"] != run.opened["slot"]:
            problems.add("intact", "run-slot-differs", entry.name)
        kind = predicate["type"]
        if kind in ("run-close", "run-abandoned"):
            if run.ended is not None:
                problems.add("ordered", "run-ended-twice", entry.name)
            else:
                run.ended = predicate
            return
        if run.closed is None and kind in ("judged", "export"):
            type_ = "judged-before-close" if kind == "judged" else "export-before-close"
            problems.add("ordered", type_, entry.name)
        if kind == "judged":
            first = run.judged[0] if run.judged else predicate
            if (first["findings"], first["outcomes"]) != (predicate["findings"], predicate["outcomes"]):
                problems.add("intact", "judged-differently", entry.name)
            run.judged.append(predicate)
        elif kind == "export" and not 0 < predicate["tree_size"] <= entry.seq:
            problems.add("ordered", "export-beyond-log", entry.name)

    def _run(self, run: Run) -> None:
        """Manifest against plan, rows against both, judgement against all."""
        opened, closed = run.opened, run.closed
        plan = self._sealed("plan-malformed", opened["plan"])
        if plan is not None:
            units = plan["units"]
            promised = self._has_run(opened["run_id"])
            self._name(units["digest"], units["size"], "plan", "entry-blob-missing", promised=promised)
            facts = (units["digest"], units["rows"], plan["period"])
            if facts != (opened["expected_digest"], opened["expected"], opened["period"]):
                self.problems.add("intact", "plan-differs", run.name)
        if closed is None:
            return
        manifest = self._sealed("manifest-malformed", closed["manifest"])
        if manifest is not None:
            self._manifest_of(run, closed, manifest, plan)
        for judged in run.judged:
            self._guard("intact", "findings-malformed", run.name, self._judgement, run, closed, judged, plan)

    def _sealed(self, type_: str, digest: str) -> Any:
        if self._blob(hexes(digest)) not in self.package.sizes:
            return None
        return self._guard("intact", type_, self._blob(hexes(digest)), self._document, digest)

    def _manifest_of(self, run: Run, closed: dict[str, Any], manifest: dict[str, Any], plan: Any) -> None:
        problems, opened, where = self.problems, run.opened, self._blob(hexes(closed["manifest"]))
        for field in ("log", "run_id", "slot", "period", "plan"):
            if manifest[field] != opened[field]:
                problems.add("intact", "manifest-differs", where, field)
        accounts = [part["account"] for part in manifest["parts"]]
        if accounts != sorted(set(accounts)):
            problems.add("intact", "part-differs", where, "order")
        expected = self._planned(plan) if plan is not None else None
        tree, results, sums, count, last = Tree(), Counter[str](), [0, 0], 0, ("", "", "")
        seen = set()
        for line, row in self._rows(run, manifest):
            unit = row["unit"]
            key = (unit["account"], unit["region"], unit["kind"])
            if key <= last:
                problems.add("intact", "rows-unsorted", where, key)
                continue
            last, count = key, count + 1
            tree.add(leaf(line))
            results[row["result"]] += 1
            sums[0] += sum(item["count"] for item in row["redactions"])
            sums[1] += row["quarantined"]
            seen.add(key)
            self._row(run, closed, row, where)
            if expected is not None and key not in expected:
                problems.add("intact", "row-not-in-plan", where, key)
            elif expected is not None and expected[key] != row["requirements"]:
                problems.add("intact", "requirements-differ", where, key)
        for key in sorted((expected or {}).keys() - seen):
            problems.add("complete", "unit-not-in-manifest", where, key)
        counted = {name: number for name, number in results.items() if number}
        nonzero = [{name: number for name, number in item["results"].items() if number} for item in (manifest, closed)]
        parts = sum(part["rows"] for part in manifest["parts"])
        if (
            [counted, counted] != nonzero
            or not count == manifest["rows"] == parts
            or sums != [closed["redacted"], closed["quarantined"]]
            or (closed["status"] == "complete" and not set(counted) <= set(COMPLETE))
        ):
            problems.add("intact", "manifest-counts-differ", where)
        if "rows" in closed and hexes(closed["rows"]) != tree.root().hex():
            problems.add("intact", "manifest-differs", where, "the Merkle root over the rows")

    def _planned(self, plan: dict[str, Any]) -> dict[tuple[str, str, str], Any] | None:
        digest = hexes(plan["units"]["digest"])
        name = self._blob(digest)
        if self.package.digests.get(name) != digest:
            return None
        planned, last, count = {}, ("", "", ""), 0
        for line in self.package.lines(name):
            item = parse(line)
            key = (item["unit"]["account"], item["unit"]["region"], item["unit"]["kind"])
            if key <= last:
                self.problems.add("intact", "planned-units-unsorted", name, key)
            last, count = key, count + 1
            planned[key] = item["requirements"]
        if count != plan["units"]["rows"]:
            self.problems.add("intact", "plan-differs", name, count)
        return planned

    def _rows(self, run: Run, manifest: dict[str, Any]) -> Iterator[tuple[bytes, dict[str, Any]]]:
        for part in manifest["parts"]:
            digits, count = hexes(part["digest"]), 0
            promised = self._has_run(run.opened["run_id"])
            if not self._name(part["digest"], part["size"], "manifest", "blob-missing", promised=promised):
                continue
            name = self._blob(digits)
            for line in self.package.lines(name):
                count += 1
                try:
                    row = parse(line)
                except Odd as error:
                    self.problems.add("intact", "row-malformed", name, error)
                    continue
                if row["unit"]["account"] != part["account"]:
                    self.problems.add("intact", "part-differs", name, row["unit"]["account"])
                yield line, row
            if count != part["rows"]:
                self.problems.add("intact", "part-differs", name, count)

    def _row(self, run: Run, closed: dict[str, Any], row: dict[str, Any], where: str) -> None:
        opened, unit = run.opened, row["unit"]
        if (row["run_id"], row["period"]) != (opened["run_id"], opened["period"]):
            self.problems.add("intact", "row-differs", where, unit)
        started, finished = moment(row["started"]), moment(row["finished"])
        if moment(opened["time"]) - started > SKEW or finished - moment(closed["time"]) > SKEW or finished < started:
            self.problems.add("timely", "receipt-outside-its-run", where, unit)
        promised = self._has_artifacts(row)
        for blob in row["blobs"]:
            self._name(blob["digest"], blob["size"], str(unit), "blob-missing", promised=promised)
            if "encryption" in blob:
                self._encrypted(blob["digest"], f"{row['run_id']}/{sha256(canonical(unit))}")
            elif blob["role"] == "transcript" and blob["media_type"] == "application/vnd.evidence.transcript+jsonl":
                self.bound.setdefault(hexes(blob["digest"]), (row["run_id"], canonical(unit).decode()))

    def _encrypted(self, digest: str, place: str) -> None:
        """A ciphertext opens in one run and place only."""
        if self.contexts.setdefault(hexes(digest), place) != place:
            self.problems.add("intact", "ciphertext-claimed-twice", self._blob(hexes(digest)), place)

    def _erasures(self, entries: list[Entry]) -> None:
        """Each erasure was ordered first, says what its disposition says, and takes nothing that is held."""
        ordered: set[str] = set()
        held: dict[tuple[str, str], set[str]] = {}
        for entry in entries:
            kind, predicate = entry.predicate.get("type"), entry.predicate
            if kind == "hold":
                self._guard("intact", "entry-malformed", entry.name, self._hold, held, predicate)
            elif kind == "erasure":
                self._guard("intact", "entry-malformed", entry.name, self._erasure, ordered, held, entry)

    @staticmethod
    def _hold(held: dict[tuple[str, str], set[str]], predicate: dict[str, Any]) -> None:
        place = predicate["run_id"], predicate["case"]
        if predicate["action"] == "hold":
            held[place] = set(predicate.get("artifacts", []))
        else:
            held.pop(place, None)

    def _erasure(self, ordered: set[str], held: dict[tuple[str, str], set[str]], entry: Entry) -> None:
        predicate, erased = entry.predicate, set[str]()
        digest = predicate["disposition"]
        found = self._sealed("disposition-malformed", digest) if self._has_run(predicate["run_id"]) else None
        if found is not None:
            erased = {item["digest"] for item in found["artifacts"]}
            stated = [found[item] for item in ("log", "run_id", "ground", "approver")] + [len(found["artifacts"])]
            if stated != [predicate[item] for item in ("log", "run_id", "ground", "approver", "artifacts")]:
                self.problems.add("intact", "disposition-differs", entry.name)
        if predicate["stage"] != "ordered":
            if digest not in ordered:
                self.problems.add("ordered", "erasure-not-ordered", entry.name)
            ordered.discard(digest)
            return
        ordered.add(digest)
        for (run_id, case), artifacts in held.items():
            if run_id == predicate["run_id"] and (not artifacts or artifacts & erased):
                self.problems.add("ordered", "erased-while-held", entry.name, case)

    def _has_artifacts(self, row: dict[str, Any]) -> bool:
        scope, unit = self.scope, row["unit"]
        if scope is None:
            return True
        return (
            row["run_id"] in scope["findings"]
            and unit["kind"] not in scope["withheld"]
            and unit["account"] in scope["accounts"]
            and not set(scope["requirements"]).isdisjoint(row["requirements"])
        )

    def _judgement(self, run: Run, closed: dict[str, Any], judged: dict[str, Any], plan: Any) -> None:
        opened = run.opened
        name = self._blob(hexes(judged["findings"]))
        if name in self.package.sizes:
            header = parse(next(self.package.lines(name), b""))
            stated = [header[item] for item in ("run_id", "at", "engine", "manifest", "catalogue", "plan", "settings")]
            sealed = [opened["run_id"], opened["at"], judged["engine"], closed["manifest"]]
            if stated != [*sealed, opened["catalogue"], opened["plan"], opened["settings"]]:
                self.problems.add("intact", "findings-differ", name)
        outcomes = self._sealed("outcomes-malformed", judged["outcomes"])
        if outcomes is None:
            return
        where, stated = self._blob(hexes(judged["outcomes"])), [outcomes[item] for item in ("run_id", "at", "findings")]
        known = [item["requirement"] for item in outcomes["requirements"]]
        if stated != [opened["run_id"], opened["at"], judged["findings"]] or known != sorted(set(known)):
            self.problems.add("intact", "outcomes-differ", where)
        for requirement in sorted(set(plan["requirements"] if plan else ()) - set(known)):
            self.problems.add("complete", "outcome-missing", where, requirement)

    def _blobs(self) -> None:
        """Each blob has the digest that is its name, and the size and unit that its row states."""
        pattern = re.compile(re.escape(f"{self.root}blob/sha256/") + r"([0-9a-f]{2})/(\1[0-9a-f]{62})")
        for name, size in self.package.sizes.items():
            match = pattern.fullmatch(name)
            if match is None:
                continue
            digits = match[2]
            if self.package.digests[name] == "unreadable":
                self.problems.add("complete", "blob-unreadable", name)
            elif self.package.digests[name] != digits:
                self.problems.add("intact", "blob-changed", name, self.package.digests[name])
            elif self.named.get(digits, -1) not in (-1, size):
                self.problems.add("intact", "blob-size-differs", name, size)
            elif digits in self.bound:
                self._guard("intact", "transcript-of-another-unit", name, self._bound, name, self.bound[digits])

    def _bound(self, name: str, expected: tuple[str, str]) -> None:
        header = parse(next(self.package.lines(name), b""))
        if (header["run_id"], canonical(header["unit"]).decode()) != expected:
            self.problems.add("intact", "transcript-of-another-unit", name)

    def _times(self, entries: list[Entry], runs: list[Run]) -> None:
        for entry in entries:
            if entry.predicate and moment(entry.predicate["time"]) - self.now > SKEW:
                self.problems.add("timely", "entry-from-the-future", entry.name)
        if self.policy is None:
            return
        scheduled = [run for run in runs if not run.opened["slot"].startswith("adhoc/")] or runs
        closes = [moment(run.closed["time"]) for run in scheduled if run.closed]
        if not closes:
            self.problems.add("fresh", "nothing-collected", self.root)
        elif self.now - max(closes) > self.policy.get("max_age_days", 38) * DAY:
            self.problems.add("fresh", "stale", self.root, max(closes))
        self._due(entries, runs, self.policy.get("freshness", {}))

    def _due(self, entries: list[Entry], runs: list[Run], freshness: dict[str, Any]) -> None:
        """Every slot that was due by the log's own schedule has a run that was closed after its period was over."""
        rules: dict[str, list[list[Any]]] = {}
        for entry in entries:
            if entry.predicate.get("type") == "schedule-change":
                self._guard("intact", "entry-malformed", entry.name, self._promised, rules, entry)
        closed = sorted((run.opened["slot"], moment(run.closed["time"])) for run in runs if run.closed)
        for id_, changes in rules.items():
            filled = {slot.partition("/")[2]: time for slot, time in closed if slot.startswith(f"{id_}/")}
            for start, end, cadence, entry in changes:
                if cadence not in GRACE or (end and end <= start):
                    continue
                until = self.now - freshness.get(GRACE[cadence], GRACE_DAYS[cadence]) * DAY
                until = min(until, end - timedelta(seconds=1)) if end else until
                if until < start:
                    continue
                first, last = periods_over(cadence, start)[1], periods_over(cadence, until)[0]
                numbers = ((period_number(cadence, name), time) for name, time in filled.items())
                standing = {number for number, time in numbers if number and time >= period_end(cadence, number)}
                before = first - 1
                for number in [*sorted(item for item in standing if first <= item <= last), last + 1]:
                    if before + 1 < number:
                        self.problems.add("fresh", "slot-missing", entry.name, f"{id_}: {number - before - 1} slots")
                    before = number
        self._silence(entries, freshness.get("max_silence_days"))

    @staticmethod
    def _promised(rules: dict[str, list[list[Any]]], entry: Entry) -> None:
        schedule = entry.predicate["schedule"]
        start = max(moment(entry.predicate["time"]), moment(schedule["since"]))
        named = re.fullmatch("[a-z]{3,16}", schedule["id"]) and re.fullmatch(
            "[a-z][a-z0-9 -]{2,59}", schedule["approver"]
        )
        if not named or len(schedule) != 4 or schedule["cadence"] not in (*GRACE, "none"):
            raise Odd("no schedule")
        for earlier in rules.setdefault(schedule["id"], []):
            earlier[1] = min(earlier[1], start) if earlier[1] else start
        rules[schedule["id"]].append([start, None, schedule["cadence"], entry])

    def _silence(self, entries: list[Entry], longest: int | None) -> None:
        """The scheduler's signs of life: its runs, and heartbeats."""
        signs = []
        for entry in entries:
            kind, slot = entry.predicate.get("type"), entry.predicate.get("slot", "")
            if kind == "heartbeat" or (kind in ("run-open", "run-close") and not slot.startswith("adhoc/")):
                signs.append(moment(entry.predicate["time"]))
        if longest is not None and (not signs or self.now - max(signs) > longest * DAY):
            self.problems.add("fresh", "silent", self.root, max(signs, default=""))


def period_number(cadence: str, name: str) -> int | None:
    """Of `2026-10` or `2026-10-31`; None for another name."""
    pattern = r"([0-9]{4})-(0[1-9]|1[0-2])" + ("-([0-9]{2})" if cadence == "daily" else "")
    match = re.fullmatch(pattern, name)
    if match is None or int(match[1]) == 0:
        return None
    if cadence == "monthly":
        return int(match[1]) * 12 + int(match[2]) - 1
    try:
        return datetime(int(match[1]), int(match[2]), int(match[3]), tzinfo=timezone.utc).toordinal()  # noqa: UP017
    except ValueError:
        return None


def period_end(cadence: str, number: int) -> datetime:
    """When a period is over, and its slot due."""
    after = number + 1
    if cadence == "monthly":
        return datetime(after // 12, after % 12 + 1, 1, tzinfo=timezone.utc)  # noqa: UP017 (for old Pythons)
    return datetime.fromordinal(after).replace(tzinfo=timezone.utc)  # noqa: UP017


def periods_over(cadence: str, at: datetime) -> tuple[int, int]:
    """The last period that is over at a moment, and the first that is over then or later."""
    lowest = 12 if cadence == "monthly" else 1
    last = (at.year * 12 + at.month - 1 if cadence == "monthly" else at.toordinal()) - 1
    first = last if last >= lowest and period_end(cadence, last) == at else last + 1
    return last, max(first, lowest)


def _named(predicate: dict[str, Any]) -> dict[str, tuple[str, int | None]]:
    kind = predicate["type"]
    fields = {
        "run-open": ("catalogue", "plan", "settings", "expected_digest"),
        "run-close": ("manifest",),
        "judged": ("findings", "outcomes", *(["custody"] if "custody" in predicate else [])),
        "erasure": ("disposition",),
    }.get(kind, ())
    part, field = {"run-open": ("facts", "facts"), "judged": ("findings", "personal_findings")}.get(
        kind, ("workbook", "kept")
    )
    sealed = {ENCRYPTED + part: (predicate[field]["digest"], predicate[field]["size"])} if field in predicate else {}
    if kind == "export":
        return sealed or {"export": (predicate["digest"], predicate["size"])}
    return sealed | {field: (predicate[field], None) for field in fields}


def climbs(index: int, size: int, found: bytes, path: list[bytes], root: bytes) -> bool:
    """RFC 9162 section 2.1.3.2: whether a leaf stands at an index of the tree with this size and root."""
    place, last = index, size - 1
    if not 0 <= index < size:
        return False
    for sibling in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node(sibling, found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            found = node(found, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def check_proof(data: bytes, policy: dict[str, Any] | None, artifact: bytes, openssl: OpenSSL) -> Problems:
    """One artifact's proof: checkpoint signed, entry in the log, row under the entry, artifact in the row."""
    problems = Problems()
    try:
        _check_proof(parse(data), policy, artifact, openssl, problems)
    except SHAPE_ERRORS as error:
        problems.add("intact", "proof-malformed", "proof", error)
    return problems


def _check_proof(
    proof: dict[str, Any], policy: dict[str, Any] | None, artifact: bytes, openssl: OpenSSL, problems: Problems
) -> None:
    head, _, checkpoint = proof["tlog_proof"].partition("\n\n")
    name, numbered, *hashes = head.split("\n")
    index = int(numbered.removeprefix("index "))
    if (proof["schema"], name, numbered) != ("evidence/proof/v1", "c2sp.org/tlog-proof@v1", f"index {index}"):
        raise Odd("another format")
    note, entry = Note(checkpoint.encode()), Entry(index, "proof", proof["entry"].encode(), problems)
    if policy is not None:
        keys = [Key(item) for item in policy["keys"]]
        if (policy["log"], policy["origin"]) != (proof["log"], note.origin):
            problems.add("authentic", "proof-differs", "proof", note.origin)
        for type_, found in note.faults(keys, openssl):
            problems.add("authentic", type_, "proof", found)
        known = [key for key in keys if key.keyid == entry.keyid and key.may_sign(index)]
        if entry.signatures != 1 or not known or not openssl.holds(known[0], entry.pae, entry.signature):
            problems.add("authentic", "entry-signature-bad", "proof")
        if any(key.stolen_at for key in known):
            problems.add("authentic", "entry-of-stolen-key", "proof", "a proof by itself shows no time")
    if not climbs(index, note.size, entry.leaf, [unbase64(item) for item in hashes], note.root):
        problems.add("intact", "proof-not-included", "proof", "the entry")
    predicate, wanted = entry.predicate, proof["artifact"]
    if predicate.get("log") != proof["log"]:
        problems.add("authentic", "entry-of-another-log", "proof")
    row = proof.get("row")
    if row is None:
        named = {digest for digest, _ in _named(predicate).values()}
    else:
        line, path = row["line"].encode(), [unbase64(item) for item in row["path"]]
        root = bytes.fromhex(hexes(predicate["rows"]))
        if not climbs(row["index"], row["size"], leaf(line), path, root):
            problems.add("intact", "proof-not-included", "proof", "the row")
        receipt = parse(line)
        named = {blob["digest"] for blob in receipt["blobs"]} if receipt["run_id"] == predicate["run_id"] else set()
    if wanted not in named or sha256(artifact) != hexes(wanted):
        problems.add("intact", "proof-of-another", "proof", sha256(artifact))


# ------------------------------------------------------------------------------------------------------ command line


def read_policy(path: str | None) -> dict[str, Any] | None:
    """The pinned policy, in whatever spelling."""
    if path is None:
        return None
    try:
        policy = json.loads(Path(path).read_bytes())
        if not policy["keys"] or policy["schema"] != "evidence/trust-policy/v1":
            raise Odd("no trust policy")
        for item in policy["keys"]:
            Key(item)
        str(policy["log"]), str(policy["origin"])
    except (OSError, *SHAPE_ERRORS) as error:
        raise CannotRun(f"expected a trust policy at {path}, found: {error}") from None
    return dict(policy)


def verdicts(problems: Problems, *, pinned: bool, kept: bool, stamped: int) -> dict[str, str]:
    """Of each property: broken, holds, or not shown by what was given."""
    broken = {item[0] for item in problems.found}
    shown = dict.fromkeys(PROPERTIES, pinned) | {"anchored": kept, "timely": bool(stamped)}
    return {name: "broken" if name in broken else "holds" if shown[name] else "not_shown" for name in PROPERTIES}


def tell(problems: Problems, told: dict[str, str], code: int, *, as_json: bool) -> None:
    """On stdout."""
    found = sorted(problems.found)
    if as_json:
        listed = [dict(zip(("property", "type", "key", "found"), item, strict=True)) for item in found]
        left = len(problems.left_out)
        print(json.dumps({"exit_code": code, "verdicts": told, "problems": listed, "left_out": left}, indent=2))
        return
    for name, verdict in told.items():
        print(f"{name:<10} {verdict.replace('_', ' ')}")
    for item in found:
        print("PROBLEM", *item)
    if problems.left_out:
        print(f"{len(problems.left_out)} artifacts are not in this package, as its scope says")
    if code == 6:
        print("UNPINNED: give --trust with the policy that you pinned when the engagement began")


def main(arguments: Iterable[str]) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description="Verify an evidence package without installing anything.")
    parser.add_argument("package", help="a folder or a zip")
    parser.add_argument("--proof", help="a proof of one artifact; the argument is then the artifact's file")
    parser.add_argument("--trust", help="the trust policy that you pinned")
    parser.add_argument("--kept", action="append", default=[], help="a checkpoint or receipt, or an anchor's folder")
    parser.add_argument("--tsa-ca", help="the certificate of the time-stamp authority (PEM)")
    parser.add_argument("--now", help="examine as of this moment, such as 2026-11-01T06:00:00Z")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(list(arguments))
    try:
        now = moment(given.now) if given.now else datetime.now(timezone.utc)  # noqa: UP017 (for old Pythons)
        policy = read_policy(given.trust)
        kept = [Path(path) for path in given.kept]
        with tempfile.TemporaryDirectory() as scratch:
            if given.proof:
                artifact, proof = Path(given.package).read_bytes(), Path(given.proof).read_bytes()
                return told_of(check_proof(proof, policy, artifact, OpenSSL(Path(scratch))), policy, given.json)
            package = Package(Path(given.package))
            authority = Path(given.tsa_ca) if given.tsa_ca else None
            verifier = Verifier(package, policy, kept, authority, now, OpenSSL(Path(scratch)))
            problems = verifier.check()
    except (CannotRun, Odd, UnicodeDecodeError, *READ_ERRORS) as error:
        print(f"verify.py: {error}", file=sys.stderr)
        return 3
    if verifier.previous:
        print(
            f"a break: this log is in the place of {ascii(verifier.previous)[1:-1]}; verify that too", file=sys.stderr
        )
    return told_of(problems, policy, given.json, kept=bool(kept), stamped=verifier.stamped)


def told_of(
    problems: Problems, policy: dict[str, Any] | None, as_json: Any, *, kept: bool = False, stamped: int = 0
) -> int:
    """Print the verdicts; the exit code."""
    code = problems.exit_code(pinned=policy is not None)
    told = verdicts(problems, pinned=policy is not None, kept=kept, stamped=stamped)
    tell(problems, told, code, as_json=bool(as_json))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
