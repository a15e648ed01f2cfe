"""Steps 5 and 7, for artifacts that are encrypted: what erasures say, and, with keys at hand, what ciphertexts hold.

Without keys a ciphertext is proven by its digest like any other bytes: that it is what was sealed, and was never
altered. With keys it is opened in the context that its row gives it, and compared with its commitment.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from evidence_schema.ahead import ahead
from evidence_schema.chunked_encryption import decrypt
from evidence_schema.digest import Digest
from evidence_schema.errors import BadCiphertext, BadWrapping
from evidence_schema.key_wrapping import DataKey
from evidence_schema.models.disposition import Disposition
from evidence_schema.models.encrypted import Context, Encryption
from evidence_schema.models.entry import Erasure, Hold
from evidence_schema.verification.blobs import MAX_HEADER, EncryptedClaim, binding_of
from evidence_schema.verification.entries import Entry
from evidence_schema.verification.plans import MAX_SEALED, Place
from evidence_schema.verification.problems import Problems
from evidence_schema.verification.reading import Unreadable, pieces


class Keys(Protocol):
    """Where the data keys are, for whoever may have them."""

    def data_key(self, digest: Digest, context: Context) -> DataKey | None:
        """The key of a ciphertext; None where there is none any more. Raises BadWrapping for one that cannot be had."""
        ...


@dataclass(frozen=True, slots=True)
class Opened:
    """How many artifacts are encrypted, and what became of them."""

    encrypted: int = 0
    opened: int = 0
    erased: int = 0


@dataclass
class Erasures:
    """What the log says of erasures: raw digest of a ciphertext -> whether its key is said to be gone."""

    done: dict[bytes, bool] = field(default_factory=dict)


def check_erasures(place: Place, entries: Iterable[Entry]) -> Erasures:
    """Each erasure names a disposition that says the same, was ordered first, and touches nothing that is held."""
    found, orders, held = Erasures(), {}, _Held()
    for entry in entries:
        predicate = entry.predicate
        if isinstance(predicate, Hold):
            held.take(predicate)
        if not isinstance(predicate, Erasure):
            continue
        is_here = place.scope.has_run(predicate.run_id)
        disposition = _disposition(place, entry, predicate) if is_here else None
        if predicate.stage == "ordered":
            orders[predicate.disposition] = entry.key
            held.check(entry, predicate, disposition, place.problems)
        elif orders.pop(predicate.disposition, None) is None:
            place.problems.add("erasure-not-ordered", entry.key, "an order before the erasure", "none")
        for artifact in disposition.artifacts if disposition else ():
            found.done[artifact.digest.raw] = found.done.get(artifact.digest.raw, False) or predicate.stage == "done"
        if predicate.stage == "done":
            told = f"{predicate.artifacts} of {predicate.run_id}, {predicate.ground}, {predicate.approver}"
            place.problems.note("artifacts-erased", entry.key, "artifacts that can be opened", told)
    for key in orders.values():
        place.problems.note("erasure-unfinished", key, "the end of an erasure", "none; `evidence erase` finishes it")
    return found


def _disposition(place: Place, entry: Entry, erasure: Erasure) -> Disposition | None:
    disposition = place.sealed.read(Disposition, erasure.disposition, "disposition-malformed", MAX_SEALED)
    if disposition is None:
        return None
    place.problems.compare(
        "disposition-differs",
        place.layout.blob(erasure.disposition),
        (f"log, in {entry.key}", erasure.log, disposition.log),
        (f"run, in {entry.key}", erasure.run_id, disposition.run_id),
        (f"ground, in {entry.key}", erasure.ground, disposition.ground),
        (f"approver, in {entry.key}", erasure.approver, disposition.approver),
        (f"artifacts, in {entry.key}", erasure.artifacts, len(disposition.artifacts)),
    )
    return disposition


class _Held:
    """The holds that stand, as entries pass by: (run, case) -> the artifacts held; none named is all."""

    def __init__(self) -> None:
        self._cases: dict[tuple[str, str], frozenset[Digest]] = {}

    def take(self, hold: Hold) -> None:
        if hold.action == "hold":
            self._cases[hold.run_id, hold.case] = frozenset(hold.artifacts)
        else:
            self._cases.pop((hold.run_id, hold.case), None)

    def check(self, entry: Entry, erasure: Erasure, disposition: Disposition | None, problems: Problems) -> None:
        ordered = {artifact.digest for artifact in disposition.artifacts} if disposition else set()
        for (run_id, case), artifacts in self._cases.items():
            if run_id == erasure.run_id and (not artifacts or artifacts & ordered):
                problems.add("erased-while-held", entry.key, f"nothing erased that {case} holds", erasure.stage)


def check_encrypted(
    place: Place, claims: Mapping[bytes, EncryptedClaim], erasures: Erasures, keys: Keys | None
) -> Opened:
    """Open every encrypted artifact that the log does not call erased; without keys only count them.

    A package holds none of them, and says so by its scope.
    """
    if place.scope.promised is not None:
        claims = {raw: claim for raw, claim in claims.items() if place.claims.exists(Digest(raw))}
    counts: Counter[str] = Counter(erased=sum(raw in erasures.done for raw in claims))
    if keys is None:
        if left := len(claims) - counts["erased"]:
            found = f"not opened: {left} encrypted artifacts; their digests were checked"
            place.problems.note("not-opened", place.layout.blobs, "keys, to open them", found)
        return Opened(len(claims), 0, counts["erased"])
    opener = _Opener(place, erasures, keys)
    for is_open in ahead(opener.check, claims.items(), place.pace.width):
        place.progress.step("opened")
        counts["opened"] += is_open
    return Opened(len(claims), counts["opened"], counts["erased"])


class _Opener:
    """Opens ciphertexts one by one."""

    def __init__(self, place: Place, erasures: Erasures, keys: Keys) -> None:
        self._place = place
        self._erasures = erasures
        self._keys = keys

    def check(self, claim: tuple[bytes, EncryptedClaim]) -> bool:
        """Whether it opens and holds what was sealed."""
        raw, (context, encryption, bound) = claim
        digest, problems, layout = Digest(raw), self._place.problems, self._place.layout
        key = layout.blob(digest)
        try:
            data_key = self._keys.data_key(digest, context)
        except BadWrapping as error:
            problems.add("key-unusable", key, "a data key that can be unwrapped", error)
            return False
        if data_key is None:
            if raw not in self._erasures.done:
                problems.add("key-missing", key, "a data key, for the log tells of no erasure", "none")
            return False
        if self._erasures.done.get(raw):
            problems.add("erased-key-stands", key, "no data key, for the log says that it was destroyed", "one")
        return self._opens(key, data_key, context, encryption, bound)

    def _opens(self, key: str, data_key: DataKey, context: Context, encryption: Encryption, bound: bytes) -> bool:
        problems, commitment, size, head = self._place.problems, data_key.commitment(), 0, bytearray()
        try:
            for piece in decrypt(data_key.dek, context.bytes, pieces(self._place.reader, key)):
                commitment.update(piece)
                size += len(piece)
                if bound and b"\n" not in head and len(head) <= MAX_HEADER:
                    head += piece
        except (BadCiphertext, Unreadable) as error:
            expected = f"a ciphertext of its data key in the context {context.bytes.decode()}"
            problems.add("artifact-not-opened", key, expected, error)
            return False
        if not hmac.compare_digest(commitment.finish(), encryption.commitment_raw):
            problems.add("commitment-differs", key, "the plaintext that was committed to", f"another of {size} bytes")
        elif size != encryption.size:
            problems.add("commitment-differs", key, f"{encryption.size} bytes of plaintext", f"{size} bytes")
        elif bound and binding_of(bytes(head).partition(b"\n")[0]) != bound:
            expected = "a transcript that begins with the unit and run of its row"
            problems.add("transcript-of-another-unit", key, expected, f"{size} bytes of another one")
        else:
            return True
        return False
