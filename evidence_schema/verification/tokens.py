"""Step 9, with time-stamp tokens (RFC 3161): what others saw, and when, beside the writer's own word.

A token over a checkpoint proves that every entry below it existed at the token's time. So an entry's time is proven by
the earliest token over a checkpoint that covers it. The token that a run names at its opening proves the other side:
the run was not opened before that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from evidence_schema.ahead import Pace
from evidence_schema.digest import Digest
from evidence_schema.errors import BadTimestamp, TimestampsNotInstalled
from evidence_schema.layout import Layout
from evidence_schema.models.entry import RunOpen
from evidence_schema.models.trust import TimestampTrust
from evidence_schema.reader import Reader
from evidence_schema.timestamp import MAX_REPLY_BYTES, PinnedAuthorities, verify_timestamp
from evidence_schema.verification.entries import Entry
from evidence_schema.verification.listing import Listing
from evidence_schema.verification.problems import Problems
from evidence_schema.verification.reading import Misshapen, Unreadable, read_bounded
from evidence_schema.verification.times import SKEW


@dataclass(frozen=True, slots=True)
class Token:
    """A token that holds: `digest` is that of the authority's reply as it lies in the vault."""

    size: int
    authority: str
    digest: Digest
    time: datetime


@dataclass(frozen=True, slots=True)
class Proven:
    """What tokens prove of a log's times, in words for the verdict; `missing` says why they prove nothing."""

    words: str | None
    missing: str = ""
    tokens: tuple[Token, ...] = ()


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a log, by whom the auditor believes."""

    reader: Reader
    layout: Layout
    trust: TimestampTrust | None
    checkpoints: Mapping[int, Digest]
    """Tree size -> digest of a sound checkpoint note."""
    problems: Problems
    pace: Pace
    roots: dict[str, PinnedAuthorities] = field(default_factory=dict)

    def check(self, listing: Listing, entries: Sequence[Entry], now: datetime) -> Proven:
        """Every token, and every entry's time by them."""
        trust = self.trust
        if trust is None:
            for place in sorted(listing.tokens):
                self.problems.note("token-not-verified", self.layout.token(*place), "a pinned authority", "none")
            return Proven(None, "no authority pinned" if listing.tokens else "no timestamp token")
        self.roots.update((one.id, PinnedAuthorities.read(one.roots.encode())) for one in trust.authorities)
        try:
            tokens = [token for token in self._read(listing) if token is not None]
        except TimestampsNotInstalled as error:
            self.problems.note("token-not-verified", self.layout.tokens, "what verifies tokens", error)
            return Proven(None, "nothing to verify tokens with is installed")
        self._check_entries(entries, tokens, trust, now)
        self._check_openings(entries, tokens, listing)
        return _proven(entries, tokens)

    def _read(self, listing: Listing) -> Iterable[Token | None]:
        def read(place: tuple[int, str]) -> Token | None:
            return self._token(place, listing.tokens[place])

        return self.pace.ahead(read, sorted(listing.tokens))

    def _token(self, place: tuple[int, str], version: str) -> Token | None:
        (size, authority), key, add = place, self.layout.token(*place), self.problems.add
        if authority not in self.roots:
            add("token-authority-unknown", key, f"one of {', '.join(sorted(self.roots))}", authority)
            return None
        if size not in self.checkpoints:
            add("token-without-checkpoint", key, f"a sound checkpoint of {size} entries", "none")
            return None
        try:
            reply = read_bounded(self.reader, key, version, MAX_REPLY_BYTES)
            told = verify_timestamp(reply, self.checkpoints[size], self.roots[authority])
        except Unreadable as error:
            add("token-unreadable", key, "the bytes of a token", error)
        except (Misshapen, BadTimestamp) as error:
            add("token-invalid", key, "a token of its checkpoint by a pinned authority", error)
        else:
            return Token(size, authority, Digest.of(reply), told.gen_time)
        return None

    def _check_entries(
        self, entries: Sequence[Entry], tokens: Sequence[Token], trust: TimestampTrust, now: datetime
    ) -> None:
        """Each claimed time against the earliest token that covers it."""
        late = timedelta(minutes=trust.max_late_minutes)
        for entry, seen in covered(entries, tokens):
            claimed = None if entry.predicate is None else entry.predicate.time
            if claimed is None:
                continue
            if seen is not None and claimed - seen > SKEW:
                self.problems.add("entry-time-ahead", entry.key, f"a time up to {seen}, its token's", claimed)
            if entry.seq < trust.first:
                continue
            expected = f"a token within {trust.max_late_minutes} minutes of {claimed}"
            if seen is not None and seen - claimed > late:
                self.problems.add("entry-time-late", entry.key, expected, f"the first one at {seen}")
            elif seen is None and now - claimed > late:
                self.problems.add("entry-time-unproven", entry.key, expected, "none")
            elif seen is None:
                self.problems.note("entry-time-not-yet-proven", entry.key, expected, "none yet")

    def _check_openings(self, entries: Sequence[Entry], tokens: Sequence[Token], listing: Listing) -> None:
        """The token that each run names: it stood before, and the run was not opened before its time."""
        by_digest = {token.digest: token for token in tokens}
        for entry in entries:
            opened = entry.predicate
            if not isinstance(opened, RunOpen):
                continue
            named = by_digest.get(opened.last_token) if opened.last_token is not None else None
            if named is not None:
                if named.size > entry.seq:
                    found = f"one over {named.size} entries"
                    self.problems.add("earlier-token-unknown", entry.key, f"a token over at most {entry.seq}", found)
                if named.time - opened.time > SKEW:
                    self.problems.add("entry-before-its-token", entry.key, f"a time from {named.time}", opened.time)
            elif opened.last_token is not None:
                found = f"{opened.last_token}, which is none of {len(listing.tokens)}"
                self.problems.add("earlier-token-unknown", entry.key, "a token of this log that holds", found)
            elif any(token.size <= entry.seq and opened.time - token.time > SKEW for token in tokens):
                self.problems.add("earlier-token-missing", entry.key, "the latest token before it", "none named")


def covered(entries: Sequence[Entry], tokens: Iterable[Token]) -> list[tuple[Entry, datetime | None]]:
    """Each entry with the time of the earliest token over a checkpoint that covers it."""
    waiting = sorted(tokens, key=lambda token: token.size)
    found: list[tuple[Entry, datetime | None]] = []
    earliest: datetime | None = None
    for entry in reversed(entries):
        while waiting and waiting[-1].size > entry.seq:
            time = waiting.pop().time
            earliest = time if earliest is None else min(earliest, time)
        found.append((entry, earliest))
    return found[::-1]


def _proven(entries: Sequence[Entry], tokens: Sequence[Token]) -> Proven:
    if not tokens:
        return Proven(None, "no timestamp token that holds")
    proven = sum(seen is not None for _, seen in covered(entries, tokens))
    authorities = ", ".join(sorted({token.authority for token in tokens}))
    newest = max(token.time for token in tokens)
    return Proven(
        f"{proven} of {len(entries)} entries existed at the times that {len(tokens)} tokens of {authorities} tell, "
        f"the newest at {newest:%Y-%m-%dT%H:%M:%SZ}",
        tokens=tuple(tokens),
    )
