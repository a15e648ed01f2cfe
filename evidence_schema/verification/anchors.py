"""Step 4, from outside: checkpoints that lie where the vault's keeper cannot change them. The log begins with each.

An anchor is a place with checkpoints under the vault's keys: a bucket of another account, a mounted drive. Whoever may
only add to it can plant a file there, and take none away: every version of every checkpoint is held against the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from evidence_schema.digest import Digest
from evidence_schema.encoding import to_base64
from evidence_schema.errors import BadCheckpoint, BadNote, BadTimestamp, TimestampsNotInstalled
from evidence_schema.layout import Layout
from evidence_schema.models.base import format_time
from evidence_schema.models.trust import TimestampTrust
from evidence_schema.note import MAX_NOTE_BYTES
from evidence_schema.reader import Reader, StoredVersion, first_versions
from evidence_schema.timestamp import MAX_REPLY_BYTES, PinnedAuthorities, verify_timestamp
from evidence_schema.verification.checkpoints import RunningRoot, SignedCheckpoint, parse_signed, signature_faults
from evidence_schema.verification.problems import Problems
from evidence_schema.verification.reading import Misshapen, Unreadable, read_bounded
from evidence_schema.verification.trust import Keyring


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place with checkpoints, as the auditor calls it, read with the auditor's own rights."""

    name: str
    reader: Reader


@dataclass(frozen=True, slots=True)
class Earlier:
    """A checkpoint from outside the vault: where it was found, and when it came there, as that place says."""

    where: str
    called: str
    signed: SignedCheckpoint
    since: datetime | None = None
    dated: tuple[datetime, str] | None = None
    """By a time-stamp token that lies beside it: when, and which authority. Better than the place's own word."""

    @property
    def size(self) -> int:
        """How many entries it covers."""
        return self.signed.checkpoint.size

    @property
    def words(self) -> str:
        """For the verdict: which one, how far, and since when."""
        since = [f"there since {format_time(self.since)}"] if self.since else []
        dated = [f"dated {format_time(self.dated[0])} by {self.dated[1]}"] if self.dated else []
        when = f" ({', '.join(since + dated)})" if since or dated else ""
        return f"{self.called} of {self.size} entries{when}"


def read_anchor(
    anchor: Anchor, layout: Layout, problems: Problems, believed: TimestampTrust | None = None
) -> list[Earlier]:
    """Every checkpoint of an anchor; what is none, or cannot be had, is a problem, and so is an anchor without any.

    The farthest is dated by its tokens there, where these are of `believed` authorities.

    Raises what the place raises where it cannot be listed at all: a check that was asked for was not made.
    """
    found: list[Earlier] = []
    for version in anchor.reader.versions(layout.checkpoints):
        where = f"{anchor.name} {version.key}"
        if version.deleted:
            problems.add("anchor-changed", where, "no delete marker in an anchor", f"delete marker {version.version}")
            continue
        signed = _read(anchor, layout, version, where, problems)
        if signed is not None:
            found.append(Earlier(where, f"the checkpoint in {anchor.name}", signed, version.written))
    if not found:
        problems.add("anchor-empty", f"{anchor.name} {layout.checkpoints}", "copies of checkpoints of this log", "none")
    newest = farthest(found)
    if believed is None or newest is None:
        return found
    dated = replace(newest, dated=_dated(anchor, layout, newest, believed, problems))
    return [dated if kept is newest else kept for kept in found]


def check_earlier(
    earlier: Sequence[Earlier], leaves: Sequence[bytes], origin: str, keyring: Keyring | None, problems: Problems
) -> None:
    """The log must begin with what each of them covers; the roots are computed in one walk over the leaves."""
    running = RunningRoot()
    for kept in sorted(earlier, key=lambda kept: (kept.size, kept.where)):
        checkpoint = kept.signed.checkpoint
        while running.size < min(kept.size, len(leaves)):
            running.add(leaves[running.size])
        if origin and checkpoint.origin != origin:
            problems.add("kept-checkpoint-of-another-log", kept.where, checkpoint.origin, origin)
        if kept.size > len(leaves):
            found = f"{len(leaves)} without a gap"
            problems.add("log-shorter-than-kept", kept.where, f"at least {kept.size} entries", found)
        elif running.root() != checkpoint.root:
            found = f"another root over the first {kept.size} entries"
            problems.add("kept-checkpoint-root-differs", kept.where, to_base64(checkpoint.root), found)
        if keyring is not None and signature_faults(kept.signed, keyring):
            problems.add("kept-checkpoint-not-signed", kept.where, "a kept checkpoint by a pinned key", "another one")


def farthest(earlier: Sequence[Earlier]) -> Earlier | None:
    """The one that covers most; of several the one that came first."""
    return max(earlier, key=lambda kept: (kept.size, -kept.since.timestamp() if kept.since else 0.0), default=None)


def _dated(
    anchor: Anchor, layout: Layout, kept: Earlier, believed: TimestampTrust, problems: Problems
) -> tuple[datetime, str] | None:
    """The earliest time that a token over this checkpoint tells; one that does not hold is a problem."""
    roots = {one.id: PinnedAuthorities.read(one.roots.encode()) for one in believed.authorities}
    digest, times = Digest.of(kept.signed.note.encode()), []
    for version in first_versions(anchor.reader.versions(layout.tokens_over(kept.size))):
        place = layout.token_place(version.key)
        if place is None or place[1] not in roots:
            continue
        try:
            reply = read_bounded(anchor.reader, version.key, version.version, MAX_REPLY_BYTES)
            times.append((verify_timestamp(reply, digest, roots[place[1]]).gen_time, place[1]))
        except TimestampsNotInstalled:
            return None
        except (Unreadable, Misshapen, BadTimestamp) as error:
            type_ = "anchor-unreadable" if isinstance(error, Unreadable) else "anchor-changed"
            problems.add(type_, f"{anchor.name} {version.key}", "a token of the checkpoint beside it", error)
    return min(times, default=None)


def _read(
    anchor: Anchor, layout: Layout, version: StoredVersion, where: str, problems: Problems
) -> SignedCheckpoint | None:
    """A checkpoint under the number of its size."""
    try:
        signed = parse_signed(read_bounded(anchor.reader, version.key, version.version, MAX_NOTE_BYTES))
    except Unreadable as error:
        problems.add("anchor-unreadable", where, "the bytes of a checkpoint", error)
        return None
    except (Misshapen, BadNote, BadCheckpoint) as error:
        problems.add("anchor-changed", where, "a checkpoint note", error)
        return None
    if version.key != layout.checkpoint(signed.checkpoint.size):
        problems.add("anchor-changed", where, "a checkpoint under its own number", f"one of {signed.checkpoint.size}")
    return signed
