"""What names people stays out of a package: listed with its reason, and kept for a recipient who may see it."""

from __future__ import annotations

from functools import partial
from typing import Literal

from evidence_schema.digest import Digest
from evidence_schema.encoding import to_base64
from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.models.encrypted import EncryptedBlob
from evidence_schema.models.names import PackageStatus
from evidence_schema.models.package import DisclosedKey, OmissionReason
from evidence_schema.models.receipt import Receipt, StoredBlob
from flows.steps.judging import erased_of
from flows.steps.opening import Run
from flows.steps.packing.draft import Draft, Withheld
from flows.vault.artifacts import Artifact
from flows.vault.errors import VaultError
from flows.vault.vault import Vault

Document = Literal["facts", "findings", "workbook"]


class Withholding:
    """Leaves out the personal artifacts and documents of one run."""

    def __init__(self, run: Run, vault: Vault, draft: Draft, *, for_recipient: bool) -> None:
        self._run, self._vault, self._draft = run, vault, draft
        self._for_recipient = for_recipient
        self._erased = erased_of(vault, run.state)

    def artifact(self, receipt: Receipt, blob: StoredBlob) -> str:
        """Why the artifact cannot be shown, not even masked; empty where it can."""
        part = receipt.unit.digest.hex
        reason, text = self._obstacle(blob, part)
        if text and reason != "erased":
            self._draft.lower(PackageStatus.PARTIAL)
        name = f"{receipt.unit}: {text}"[:2000] if text else f"{receipt.unit}"
        self._draft.omit("artifact", reason, self._run.run_id, name, blob.digest, blob.size)
        if not text:
            self._withhold(blob, part)
        return text

    def document(self, part: Document, reason: OmissionReason, blob: EncryptedBlob, name: str) -> None:
        """Facts, findings or a workbook; a recipient who may see the whole of it gets it."""
        has_key = self._vault.artifacts.keys.has(blob.digest)
        self._draft.omit(part, reason if has_key else "no key", self._run.run_id, name, blob.digest, blob.size)
        if has_key and reason == "personal data":
            self._withhold(blob, part)

    def _obstacle(self, blob: StoredBlob, part: str) -> tuple[OmissionReason, str]:
        """The reason to list, and what stands in the way of whoever has the keys."""
        artifacts = self._vault.artifacts
        if blob.digest in self._erased:
            return "erased", self._erased[blob.digest]
        if blob.encryption is not None and not artifacts.keys.has(blob.digest):
            return "no key", "its data key is missing, and the log tells of no erasure"
        try:
            for _ in artifacts.stream(blob, self._run.run_id, part):
                pass
        except (VaultError, EvidenceSchemaError) as error:
            return "unreadable", str(error)
        return "personal data", ""

    def _withhold(self, blob: Artifact, part: str) -> None:
        sealed = partial(self._vault.blobs.stream, blob.digest)
        disclosed = self._disclosed(blob, part) if self._for_recipient else None
        self._draft.withheld[blob.digest] = Withheld(sealed, disclosed)

    def _disclosed(self, blob: Artifact, part: str) -> DisclosedKey | None:
        if blob.encryption is None:
            return None
        artifacts, run_id = self._vault.artifacts, self._run.run_id
        key, digest = artifacts.key(blob, run_id, part), Digest(blob.digest.raw)
        return DisclosedKey(
            digest=digest, context=artifacts.context(run_id, part), data_key=to_base64(key.dek + key.blind)
        )
