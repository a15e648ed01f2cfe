"""Encryption of artifacts of any size: C2SP chunked-encryption, "Cobblestone-256" (https://c2sp.org/chunked-encryption).

    salt (24 bytes) | commitment (32) | chunk 0 | chunk 1 | ... | last chunk

Each chunk is AES-256-GCM over 16 KiB of plaintext, 16 bytes of tag behind it; the last one is always shorter, and may
be empty, so that a cut shows. Chunk key, base nonce and commitment are HKDF-Expand-SHA-512 of the data key over salt
and context: a ciphertext opens under one key and in one context only. A chunk's number goes into its nonce, so chunks
cannot trade places, and each can be opened by itself.

`cryptography` has the same classes from version 50 on (`cryptography.cobblestone`); ours are for the versions before.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from evidence_schema.errors import BadCiphertext, BadKey, KeyNotCommitted, OutOfRange, TruncatedCiphertext
from evidence_schema.key_derivation import expand

KEY_BYTES = 32
SALT_BYTES = 24
COMMITMENT_BYTES = 32
HEADER_BYTES = SALT_BYTES + COMMITMENT_BYTES
CHUNK_BYTES = 16 * 1024
TAG_BYTES = 16
SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES
MAX_CHUNKS = 2**38
_PIECE_BYTES = 64 * 1024
"""`encrypt` and `decrypt` work on no more at a time, whatever they are given: several copies of it are in memory."""
_NONCE_BYTES = 12
_INFO = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00"

ReadAt = Callable[[int, int], bytes]
"""`read_at(offset, length)`: `length` bytes of a ciphertext from `offset` on: of a file, or by a range GET."""


class Encryptor:
    """One message, in pieces of any length: all that `update` and the one `finish` return is the ciphertext.

    The salt is new for each message, so that one data key may seal many. Memory: some three times what `update` gets.
    Raises BadKey unless the key has 32 bytes; they must be uniformly random.
    """

    def __init__(self, key: bytes, context: bytes) -> None:
        salt = secrets.token_bytes(SALT_BYTES)
        self._chunks, commitment = _derived(key, salt, context)
        self._ready = salt + commitment
        self._waiting = bytearray()
        self._number = 0
        self._is_finished = False

    def update(self, piece: bytes) -> bytes:
        """The ciphertext of all chunks that this piece of plaintext fills."""
        _refuse_finished(self._is_finished)
        self._waiting += piece
        sealed = [self._take_header()]
        for chunk in _whole_pieces(self._waiting, CHUNK_BYTES):
            sealed.append(self._chunks.seal(self._number, chunk))
            self._number += 1
        return b"".join(sealed)

    def finish(self) -> bytes:
        """The last chunk, shorter than all others: without it the ciphertext counts as cut off."""
        _refuse_finished(self._is_finished)
        self._is_finished = True
        return self._take_header() + self._chunks.seal(self._number, bytes(self._waiting))

    def _take_header(self) -> bytes:
        header, self._ready = self._ready, b""
        return header


class Decryptor:
    """One ciphertext, in pieces of any length. What `update` returns is authentic but may be the beginning only:
    nobody may rely on it before `finish` has returned. After an error every further call raises it again.

    Errors: BadKey for a key of another length, KeyNotCommitted for another key or context, TruncatedCiphertext, and
    BadCiphertext for every other change.
    """

    def __init__(self, key: bytes, context: bytes) -> None:
        _check_key(key)
        self._key, self._context = key, context
        self._chunks: _Chunks | None = None
        self._waiting = bytearray()
        self._number = 0
        self._is_finished = False
        self._failure: BadCiphertext | None = None

    def update(self, piece: bytes) -> bytes:
        """The plaintext of all chunks that this piece of ciphertext completes."""
        _refuse_finished(self._is_finished)
        self._refuse_failed()
        self._waiting += piece
        if self._chunks is None:
            if len(self._waiting) < HEADER_BYTES:
                return b""
            header = bytes(self._waiting[:HEADER_BYTES])
            del self._waiting[:HEADER_BYTES]
            try:
                self._chunks = _opened(self._key, self._context, header)
            except BadCiphertext as error:
                raise self._failed(error) from None
        opened = []
        for sealed in _whole_pieces(self._waiting, SEALED_CHUNK_BYTES):
            # What was authentic before a bad chunk is not returned: an exception cannot carry both.
            opened.append(self._open(self._chunks, sealed))
        return b"".join(opened)

    def finish(self) -> bytes:
        """The rest of the plaintext: from here on the whole is proven."""
        _refuse_finished(self._is_finished)
        self._refuse_failed()
        if self._chunks is None:
            size = len(self._waiting)
            raise self._failed(TruncatedCiphertext(f"expected a header of {HEADER_BYTES} bytes, found {size}"))
        if len(self._waiting) < TAG_BYTES:
            found = f"{len(self._waiting)} bytes after {self._number} whole chunks"
            raise self._failed(
                TruncatedCiphertext(f"expected a last chunk of {TAG_BYTES} bytes or more, found {found}")
            )
        last = self._open(self._chunks, bytes(self._waiting))
        self._is_finished = True
        return last

    def _open(self, chunks: _Chunks, sealed: bytes) -> bytes:
        try:
            plain = chunks.open(self._number, sealed)
        except BadCiphertext as error:
            raise self._failed(error) from None
        self._number += 1
        return plain

    def _failed(self, error: BadCiphertext) -> BadCiphertext:
        self._failure = error
        self._waiting.clear()
        return error

    def _refuse_failed(self) -> None:
        if self._failure is not None:
            raise self._failure


class SealedFile:
    """A ciphertext of which any range can be read, without what stands before it.

    Errors are those of `Decryptor`; the length is proven when the file is opened, a range when it is read.
    """

    def __init__(self, chunks: _Chunks, read_at: ReadAt, size: int) -> None:
        self._chunks = chunks
        self._read_at = read_at
        self.size = size
        """Bytes of plaintext."""

    @classmethod
    def open(cls, key: bytes, context: bytes, read_at: ReadAt, sealed_size: int) -> Self:
        """Check the header and the last chunk of a ciphertext of `sealed_size` bytes."""
        size = opened_size(sealed_size)
        chunks = _opened(key, context, _exactly(read_at, 0, HEADER_BYTES))
        last, rest = divmod(size, CHUNK_BYTES)
        chunks.open(last, _exactly(read_at, _offset(last), rest + TAG_BYTES))
        return cls(chunks, read_at, size)

    def read(self, offset: int, length: int) -> bytes:
        """The plaintext from `offset` on: `length` bytes, or fewer where it ends before.

        Memory: some three times `length`. Raises OutOfRange for a negative number.
        """
        if offset < 0 or length < 0:
            raise OutOfRange(f"expected an offset and a length of 0 or more, found {offset} and {length}")
        stop = min(offset + length, self.size)
        if offset >= stop:
            return b""
        first, last = offset // CHUNK_BYTES, (stop - 1) // CHUNK_BYTES
        end = min(_offset(last + 1), sealed_size(self.size))
        sealed = _exactly(self._read_at, _offset(first), end - _offset(first))
        numbered = enumerate(range(0, len(sealed), SEALED_CHUNK_BYTES), first)
        opened = b"".join(self._chunks.open(number, sealed[at : at + SEALED_CHUNK_BYTES]) for number, at in numbered)
        return opened[offset - first * CHUNK_BYTES : stop - first * CHUNK_BYTES]


def encrypt(key: bytes, context: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The ciphertext of a plaintext that comes in pieces; see `Encryptor`."""
    encryptor = Encryptor(key, context)
    for piece in _cut(pieces):
        if sealed := encryptor.update(piece):
            yield sealed
    yield encryptor.finish()


def decrypt(key: bytes, context: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The plaintext of a ciphertext that comes in pieces; see `Decryptor`. Until its end nothing is proven."""
    decryptor = Decryptor(key, context)
    for piece in _cut(pieces):
        if opened := decryptor.update(piece):
            yield opened
    if last := decryptor.finish():
        yield last


def sealed_size(size: int) -> int:
    """How many bytes the ciphertext of `size` bytes has; raises OutOfRange beyond 4 PiB."""
    if not 0 <= size < MAX_CHUNKS * CHUNK_BYTES:
        raise OutOfRange(f"expected a size from 0 to {MAX_CHUNKS * CHUNK_BYTES - 1} bytes, found {size}")
    return HEADER_BYTES + size + TAG_BYTES * (size // CHUNK_BYTES + 1)


def opened_size(sealed_size: int) -> int:
    """How many bytes a ciphertext of `sealed_size` bytes holds; raises TruncatedCiphertext where none has that length.

    It is a claim until the last chunk was opened.
    """
    whole, last = divmod(sealed_size - HEADER_BYTES, SEALED_CHUNK_BYTES)
    if sealed_size < HEADER_BYTES or last < TAG_BYTES:
        raise TruncatedCiphertext(f"expected a length that ends in a last chunk, found {sealed_size} bytes")
    return whole * CHUNK_BYTES + last - TAG_BYTES


class _Derived(NamedTuple):
    chunks: _Chunks
    commitment: bytes


class _Chunks:
    """The chunks of one message: sealed and opened by their number."""

    def __init__(self, key: bytes, base_nonce: bytes) -> None:
        self._cipher = AESGCM(key)
        self._base_nonce = int.from_bytes(base_nonce, "big")

    def seal(self, number: int, chunk: bytes) -> bytes:
        return self._cipher.encrypt(self._nonce(number), chunk, None)

    def open(self, number: int, sealed: bytes) -> bytes:
        try:
            return self._cipher.decrypt(self._nonce(number), sealed, None)
        except InvalidTag:
            raise BadCiphertext(f"expected chunk {number} as it was sealed, found other bytes in its place") from None

    def _nonce(self, number: int) -> bytes:
        if number >= MAX_CHUNKS:
            raise OutOfRange(f"expected fewer than {MAX_CHUNKS} chunks (4 PiB), found more")
        return (self._base_nonce ^ number).to_bytes(_NONCE_BYTES, "big")


def _derived(key: bytes, salt: bytes, context: bytes) -> _Derived:
    _check_key(key)
    derived = expand(key, _INFO + salt + context, KEY_BYTES + _NONCE_BYTES + COMMITMENT_BYTES)
    chunk_key, rest = derived[:KEY_BYTES], derived[KEY_BYTES:]
    return _Derived(_Chunks(chunk_key, rest[:_NONCE_BYTES]), rest[_NONCE_BYTES:])


def _opened(key: bytes, context: bytes, header: bytes) -> _Chunks:
    chunks, commitment = _derived(key, header[:SALT_BYTES], context)
    if not hmac.compare_digest(commitment, header[SALT_BYTES:]):
        raise KeyNotCommitted("expected a header that commits to this key and context, found another one")
    return chunks


def _whole_pieces(waiting: bytearray, size: int) -> Iterator[bytes]:
    """Take as many pieces of `size` bytes off the front as there are."""
    whole = len(waiting) // size * size
    taken = bytes(waiting[:whole])
    del waiting[:whole]
    for at in range(0, whole, size):
        yield taken[at : at + size]


def _cut(pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        for at in range(0, len(piece), _PIECE_BYTES):
            yield piece[at : at + _PIECE_BYTES]


def _offset(number: int) -> int:
    return HEADER_BYTES + number * SEALED_CHUNK_BYTES


def _exactly(read_at: ReadAt, offset: int, length: int) -> bytes:
    data = read_at(offset, length)
    if len(data) != length:
        raise TruncatedCiphertext(f"expected {length} bytes from {offset} on, found {len(data)}")
    return data


def _check_key(key: bytes) -> None:
    if len(key) != KEY_BYTES:
        raise BadKey(f"expected a data key of {KEY_BYTES} bytes, found {len(key)}")


def _refuse_finished(is_finished: bool) -> None:
    if is_finished:
        raise RuntimeError("expected one message an object, found a call after finish")
