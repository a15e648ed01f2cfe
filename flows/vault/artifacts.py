"""Artifacts as the vault keeps them: in clear, or encrypted under a data key of their own that can be destroyed.

Both ways stream, in memory that does not grow with the artifact. A ciphertext waits in a nameless temporary file for
its digest, which names it; plaintext is never written to a disk here.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Protocol, cast

from evidence_schema.chunked_encryption import Encryptor, decrypt
from evidence_schema.digest import Digest, DigestStream
from evidence_schema.errors import BadCiphertext, BadWrapping
from evidence_schema.key_wrapping import DataKey
from evidence_schema.models.encrypted import Context, EncryptedBlob, Encryption
from evidence_schema.models.receipt import Custody
from flows.vault.blobs import Blobs, split_lines
from flows.vault.data_keys import DataKeys
from flows.vault.errors import NoDataKeys, TooLarge, WrongBytes
from flows.vault.locks import Lock

_IN_MEMORY = 4 * 1024 * 1024
_PIECE = 64 * 1024


class Artifact(Protocol):
    """What a row or entry says of an artifact."""

    @property
    def digest(self) -> Digest:
        """Of the stored bytes."""
        ...

    @property
    def encryption(self) -> Encryption | None:
        """None for bytes in clear."""
        ...


@dataclass(frozen=True, slots=True)
class Kept:
    """An artifact as stored: digest and size of the stored bytes."""

    digest: Digest
    size: int
    custody: Custody
    encryption: Encryption | None = None

    @property
    def ciphertext(self) -> EncryptedBlob:
        """As an entry names it; only of what is encrypted."""
        if self.encryption is None:
            raise TypeError("expected an encrypted artifact, found one in clear")
        return EncryptedBlob(digest=self.digest, size=self.size, encryption=self.encryption)


class Artifacts:
    """The artifacts of a log. Without `keys` only those in clear."""

    def __init__(self, blobs: Blobs, log: str, keys: DataKeys | None) -> None:
        self._blobs = blobs
        self._log = log
        self._keys = keys

    @property
    def keys(self) -> DataKeys:
        """Raises NoDataKeys where none are configured."""
        if self._keys is None:
            raise NoDataKeys(
                "expected a place for data keys, found none: personal data is kept and read encrypted only. Add to the "
                "settings: vault: {keys: {url: FOLDER or s3://BUCKET, kek: 'file:PATH' or 'awskms:ARN'}}; "
                "`evidence data-keys init` makes a folder and a key"
            )
        return self._keys

    @property
    def has_keys(self) -> bool:
        return self._keys is not None

    def context(self, run_id: str, part: str) -> Context:
        """Where an artifact of a run belongs; `part` is a unit's digest in hex, or a document of the run."""
        return Context(log=self._log, run_id=run_id, part=part)

    def writer(self, context: Context | None = None) -> ArtifactWriter:
        """An artifact to be written; with a context it is encrypted."""
        return ArtifactWriter(self._blobs, None if context is None else self.keys, context)

    def put(
        self, pieces: Iterable[bytes], *, media_type: str, lock: Lock | None, context: Context | None = None
    ) -> Kept:
        """Keep bytes that come in pieces; with a context encrypted."""
        with self.writer(context) as writer:
            for piece in pieces:
                writer.write(piece)
            return writer.keep(media_type, lock)

    def stream(self, artifact: Artifact, run_id: str, part: str) -> Iterator[bytes]:
        """The plaintext in pieces. Nothing is proven before the last one: then WrongBytes says that it is another's.

        Raises NoDataKeys without keys, KeyMissing where the artifact was erased.
        """
        if artifact.encryption is None:
            yield from self._blobs.stream(artifact.digest)
            return
        context = self.context(run_id, part)
        try:
            key = self.keys.open(artifact.digest, context)
            commitment, size = key.commitment(), 0
            for piece in decrypt(key.dek, context.bytes, self._blobs.stream(artifact.digest)):
                commitment.update(piece)
                size += len(piece)
                yield piece
        except (BadCiphertext, BadWrapping) as error:
            raise WrongBytes(f"expected {artifact.digest} to open as {part} of {run_id}, found: {error}") from error
        if not hmac.compare_digest(commitment.finish(), artifact.encryption.commitment_raw):
            raise WrongBytes(f"expected in {artifact.digest} what was committed to, found other bytes")
        if size != artifact.encryption.size:
            raise WrongBytes(f"expected {artifact.encryption.size} bytes in {artifact.digest}, found {size}")

    def lines(self, artifact: Artifact, run_id: str, part: str) -> Iterator[bytes]:
        """The lines of a JSON Lines artifact, without their newlines."""
        return split_lines(self.stream(artifact, run_id, part), artifact.digest)

    def read(self, artifact: Artifact, run_id: str, part: str, *, limit: int) -> bytes:
        """The whole plaintext; raises TooLarge beyond `limit`."""
        data = bytearray()
        for piece in self.stream(artifact, run_id, part):
            data += piece
            if len(data) > limit:
                raise TooLarge(f"expected at most {limit} bytes in {artifact.digest}, found more")
        return bytes(data)

    def key(self, artifact: Artifact, run_id: str, part: str) -> DataKey:
        """The data key of an encrypted artifact, to compare other bytes with its commitment."""
        try:
            return self.keys.open(artifact.digest, self.context(run_id, part))
        except BadWrapping as error:
            raise WrongBytes(f"expected the data key of {artifact.digest}, found: {error}") from error


class ArtifactWriter:
    """An artifact being written. Use it as a context: what is not kept by its end leaves nothing behind."""

    def __init__(self, blobs: Blobs, keys: DataKeys | None, context: Context | None) -> None:
        self._blobs = blobs
        self._keys = keys
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 (closed by __exit__)
        self._digest = DigestStream()
        self._size = 0
        self._new = keys.new(context) if keys is not None and context is not None else None
        if self._new is not None and context is not None:
            self._encryptor = Encryptor(self._new.key.dek, context.bytes)
            self._commitment = self._new.key.commitment()

    def __enter__(self) -> ArtifactWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, data: bytes) -> None:
        """The next bytes."""
        if self._new is None:
            self._store(data)
            return
        for at in range(0, len(data), _PIECE):
            piece = data[at : at + _PIECE]
            self._commitment.update(piece)
            self._size += len(piece)
            self._store(self._encryptor.update(piece))

    def keep(self, media_type: str, lock: Lock | None) -> Kept:
        """Keep what was written; its data key first, so that what stands in the vault can be opened."""
        encryption = None
        if self._new is not None:
            self._store(self._encryptor.finish())
            encryption = Encryption.of(self._commitment.finish(), self._size)
        digest, size = self._digest.finish(), self._digest.size
        if self._new is not None and self._keys is not None:
            self._keys.keep(digest, self._new)
        self._file.seek(0)
        source = cast(BinaryIO, self._file)
        custody = self._blobs.put(source, digest=digest, size=size, media_type=media_type, lock=lock)
        return Kept(digest, size, custody, encryption)

    def _store(self, data: bytes) -> None:
        self._digest.update(data)
        self._file.write(data)
