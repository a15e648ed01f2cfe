"""Which key signs which entry of a log, and which keys its checkpoints: the first, those that rotations name, ours.

A rotation is written by the key that ends and names the one that follows; the checkpoint over it is signed by both.
"""

from __future__ import annotations

from evidence_schema import signing_key
from evidence_schema.dsse import Envelope, verify_envelope
from evidence_schema.errors import BadKey
from evidence_schema.models.entry import KeyRotate
from evidence_schema.note import Note, VerifierKey, sign_text
from evidence_schema.verification.trust import Keyring
from flows.vault.errors import BrokenLog, ReadOnly, WrongKey
from flows.vault.keys import Signer


class LogKeys:
    """The keys of one log, as far as it was read. The log sees to it that one thread at a time changes them."""

    def __init__(self, origin: str, signer: Signer | None, pinned: Keyring | None = None) -> None:
        """`signer` is our key; `pinned` are the keys that the trust policy names: those that signed before ours."""
        self._origin = origin
        self._ours = signer
        self._pinned = pinned
        self._successor: Signer | None = None
        self._first: bytes | None = None
        self._rotations: dict[int, VerifierKey] = {}

    def require_signer(self) -> Signer:
        """Our key; raises ReadOnly where there is none."""
        if self._ours is None:
            raise ReadOnly("expected a signing key to write to the log, found none; set keys.log")
        return self._ours

    @property
    def epoch(self) -> int:
        """How many rotations there were."""
        return len(self._rotations)

    def check(self, seq: int, envelope: Envelope) -> None:
        """Raise BadSignature where not the log's key of that time signed an entry. Without a key of ours none is asked.

        The key is the one that the last rotation named; before the first rotation the one that signed the first entry,
        which is ours or one that the policy pins.
        """
        if self._ours is None:
            return
        named = self.named_before(seq)
        if named is not None:
            verify_envelope(envelope, named.public_key)
            return
        key = self._first or self._pinned_key(seq, envelope.signatures[0].keyid) or self._ours.public_key
        verify_envelope(envelope, key)
        self._first = key

    def take(self, seq: int, rotation: KeyRotate) -> None:
        """Remember the key that a rotation names; raises BrokenLog where it is none."""
        try:
            self._rotations[seq] = VerifierKey.parse(rotation.vkey)
        except BadKey as error:
            raise BrokenLog(f"expected entry {seq} to name a key, found: {error}; run `evidence verify`") from error

    def named_before(self, seq: int) -> VerifierKey | None:
        """The key that the last rotation before an entry named; None where there was none."""
        return next((key for number, key in reversed(self._rotations.items()) if number < seq), None)

    def rotation_to(self, key: VerifierKey) -> int:
        """The number of the newest rotation to this key."""
        return next(seq for seq, named in reversed(self._rotations.items()) if named == key)

    def hand_over(self, successor: Signer) -> VerifierKey:
        """Have the checkpoint over a rotation signed by this key as well; raises WrongKey where it is ours."""
        if successor.public_key == self.require_signer().public_key:
            raise WrongKey("expected another key to rotate to, found the one that signs now")
        self._successor = successor
        return VerifierKey(self._origin, successor.public_key)

    def refuse_ended(self, seq: int) -> None:
        """What another key signs than the one that the log has now is nobody's evidence: raises WrongKey."""
        named = self.named_before(seq)
        current = named.public_key if named is not None else self._first
        if current is not None and current != self.require_signer().public_key:
            raise WrongKey(
                f"expected to write entry {seq} with the key {signing_key.key_id(current)}, which signs this log now, "
                f"found {self.require_signer().key_id}; name that key as keys.log, and run it again"
            )

    def note(self, size: int, text: str) -> bytes:
        """A checkpoint, signed by the key of its newest entry, and over a rotation by the key that follows as well.

        Raises WrongKey where one of them is not at hand.
        """
        at_hand = {one.public_key: one for one in (self.require_signer(), self._successor) if one is not None}
        named = self.named_before(size - 1)
        needed = [named.public_key if named is not None else self._first or self.require_signer().public_key]
        if size - 1 in self._rotations:
            needed.append(self._rotations[size - 1].public_key)
        missing = [signing_key.key_id(raw) for raw in needed if raw not in at_hand]
        if missing:
            raise WrongKey(
                f"expected checkpoint {size} to be signed by {' and '.join(missing)}, found another key at hand; "
                "finish the rotation: evidence keys rotate --to NEW, and --from OLD where the settings name the new one"
            )
        lines = (sign_text(text, VerifierKey(self._origin, raw), at_hand[raw].sign) for raw in needed)
        return Note(text, tuple(lines)).encode()

    def _pinned_key(self, seq: int, keyid: str) -> bytes | None:
        pinned = self._pinned.signing(seq) if self._pinned is not None else ()
        return next((key.public_key for key in pinned if signing_key.key_id(key.public_key) == keyid), None)
