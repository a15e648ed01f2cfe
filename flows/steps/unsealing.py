"""Open the sealed part of a package for its recipient."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from evidence_schema.digest import Digest, DigestStream
from evidence_schema.layout import Layout
from evidence_schema.sealing import read_private_key, unseal
from evidence_schema.verification.listing import first_log
from flows.errors import SealedDiffers, UsageError
from flows.report.package.reading import PackageVault, ZipFiles, open_package
from flows.settings import PASSPHRASE_VARIABLE

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
    out.mkdir(mode=0o700, parents=True)
    for name in files.sizes():
        digest = layout.blob_digest(name)
        if digest is None:
            raise SealedDiffers(f"expected artifacts only, found {ascii(name)[:120]}")
        _write(files, name, digest, out / digest.hex)
    return len(files.sizes())


def _write(files: ZipFiles, name: str, digest: Digest, path: Path) -> None:
    stream = DigestStream()
    with path.open("xb") as target:
        for piece in files.stream(name):
            stream.update(piece)
            target.write(piece)
    if stream.finish() != digest:
        path.unlink()
        raise SealedDiffers(f"expected {digest} in the sealed part, found {stream.finish()}")
