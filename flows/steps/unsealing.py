"""Open the sealed part of a package for its recipient."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from evidence_schema.chunked_encryption import decrypt
from evidence_schema.digest import Digest, DigestStream
from evidence_schema.encoding import from_base64
from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.key_wrapping import DEK_BYTES
from evidence_schema.layout import Layout
from evidence_schema.models.package import DisclosedKey
from evidence_schema.sealing import read_private_key, unseal
from evidence_schema.verification.listing import first_log
from flows.errors import SealedDiffers, UsageError
from flows.report.package.reading import PackageVault, ZipFiles, open_package
from flows.settings import PASSPHRASE_VARIABLE
from flows.steps.packing.exporting import DISCLOSED_KEYS
from flows.vault.blobs import split_lines

_SEALED = "data/sealed/"


def unseal_package(package: Path, pem: bytes, out: Path) -> int:
    """Write what was sealed into a new folder, by digest; how many artifacts it was.

    Raises UsageError, BadKey, BadCiphertext, UnsafePackage, or SealedDiffers for bytes that are not those named.
    """
    files = open_package(package)
    sealed = [name for name in files.sizes() if name.startswith(_SEALED)]
    if len(sealed) != 1:
        raise UsageError(f"expected one sealed part in {package}, found {len(sealed)}")
    if out.exists():
        raise UsageError(f"expected no folder at {out}, found one")
    layout = Layout(first_log(PackageVault(files)))
    passphrase = os.environ.get(PASSPHRASE_VARIABLE)
    key = read_private_key(pem, passphrase.encode() if passphrase else None)
    with tempfile.TemporaryDirectory() as scratch:
        opened = Path(scratch) / "withheld.zip"
        with opened.open("wb") as target:
            for piece in unseal(key, layout.log.encode(), files.stream(sealed[0])):
                target.write(piece)
        return _unpack(ZipFiles(opened), layout, out)


def _unpack(files: ZipFiles, layout: Layout, out: Path) -> int:
    keys = _keys(files)
    out.mkdir(mode=0o700, parents=True)
    names = [name for name in files.sizes() if name != DISCLOSED_KEYS]
    for name in names:
        digest = layout.blob_digest(name)
        if digest is None:
            raise SealedDiffers(f"expected artifacts only, found {ascii(name)[:120]}")
        _write(_Digested(files, name), digest, keys.get(digest), out / digest.hex)
    return len(names)


def _keys(files: ZipFiles) -> dict[Digest, DisclosedKey]:
    """What opens the ciphertexts, each in the one context that it was encrypted for."""
    if DISCLOSED_KEYS not in files.sizes():
        raise SealedDiffers(f"expected {DISCLOSED_KEYS} in the sealed part, found none")
    try:
        lines = split_lines(files.stream(DISCLOSED_KEYS), DISCLOSED_KEYS)
        found = [DisclosedKey.from_canonical(line) for line in lines]
    except (EvidenceSchemaError, ValidationError) as error:
        raise SealedDiffers(f"expected data keys in the sealed part, found: {error}") from error
    return {item.digest: item for item in found}


class _Digested:
    """The bytes of a file as they pass by, and their digest once they have."""

    def __init__(self, files: ZipFiles, name: str) -> None:
        self._files, self._name = files, name
        self.stream = DigestStream()

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._files.stream(self._name):
            self.stream.update(piece)
            yield piece


def _write(source: _Digested, digest: Digest, key: DisclosedKey | None, path: Path) -> None:
    """The plaintext, proven by the digest of what was sealed: a ciphertext opens to one plaintext only."""
    try:
        with path.open("xb") as target:
            for piece in source if key is None else _opened(source, key):
                target.write(piece)
    except BaseException:
        path.unlink()
        raise
    if source.stream.finish() != digest:
        path.unlink()
        raise SealedDiffers(f"expected {digest} in the sealed part, found {source.stream.finish()}")


def _opened(source: _Digested, key: DisclosedKey) -> Iterator[bytes]:
    return decrypt(from_base64(key.data_key)[:DEK_BYTES], key.context.bytes, source)
