"""An auditor's receipt: made of a look at a log, read before the next one, and what came to the log in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from pydantic import ValidationError

from evidence_schema.encoding import to_base64
from evidence_schema.errors import BadReceipt, EvidenceSchemaError
from evidence_schema.models.auditor_receipt import AuditorReceipt, SeenToken
from evidence_schema.models.trust import TrustPolicy
from evidence_schema.verification.checkpoints import parse_signed
from evidence_schema.verification.entries import Entry
from evidence_schema.verification.report import Event, Report, Since

MAX_RECEIPT_BYTES = 1024 * 1024


def make_receipt(report: Report, trust: TrustPolicy | None, looked: datetime) -> AuditorReceipt:
    """Of the newest sound checkpoint. Raises BadReceipt where there is none, or where it is no continuation of what
    the auditor kept: such a receipt would put a changed history in the place of the true one.
    """
    if not report.checkpoint:
        raise BadReceipt("expected a sound checkpoint to write a receipt of, found none")
    if any(str(problem.property) == "anchored" for problem in report.problems):
        raise BadReceipt(
            "expected a log that continues what was kept, found one that does not; keep the receipts and checkpoints "
            "that you have: they are the proof"
        )
    checkpoint = parse_signed(report.checkpoint).checkpoint
    return AuditorReceipt.sealed(
        log=report.log,
        origin=checkpoint.origin,
        tree_size=checkpoint.size,
        root=to_base64(checkpoint.root),
        checkpoint=report.checkpoint.decode("utf-8"),
        policy=None if trust is None else trust.fingerprint,
        verdicts={str(name): str(verdict) for name, (verdict, _) in report.verdicts.items()},
        problems=len(report.problems),
        looked=looked,
        tokens=tuple(SeenToken(authority=authority, digest=digest) for authority, digest in report.tokens),
    )


def read_receipt(data: bytes) -> AuditorReceipt:
    """The receipt in a file's bytes; raises BadReceipt for any that is not whole and of one piece."""
    if len(data) > MAX_RECEIPT_BYTES:
        raise BadReceipt(f"expected a receipt of at most {MAX_RECEIPT_BYTES} bytes, found {len(data)}")
    try:
        receipt = AuditorReceipt.from_canonical(data)
        if receipt.canonical() != data:
            raise BadReceipt("its fields are written otherwise than we write them")
        if receipt.digest != receipt.expected_digest:
            raise BadReceipt(f"its digest is {receipt.expected_digest} and not the one that it names")
        stated = parse_signed(receipt.checkpoint.encode("utf-8")).checkpoint
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:3])
        raise _damaged(faults) from error
    except (EvidenceSchemaError, ValueError) as error:
        raise _damaged(str(error)) from error
    if (stated.origin, stated.size, to_base64(stated.root)) != (receipt.origin, receipt.tree_size, receipt.root):
        raise _damaged("its origin, size or root is not its checkpoint's")
    if not receipt.tree_size:
        raise _damaged("a checkpoint of an empty log, which every log extends")
    return receipt


def since_of(receipt: AuditorReceipt, entries: Iterable[Entry]) -> Since:
    """What came after it; `entries` are those of the log without a gap."""
    newer = [entry for entry in entries if entry.seq >= receipt.tree_size]
    counts = Counter("unreadable" if entry.predicate is None else entry.predicate.type for entry in newer)
    events = tuple(event for event in map(_event, newer) if event is not None)
    return Since(receipt.tree_size, receipt.looked, len(newer), dict(sorted(counts.items())), events)


def _event(entry: Entry) -> Event | None:
    """Runs, exports, erasures and what else an auditor asks about; what only carries a run on is counted."""
    predicate = entry.predicate
    if predicate is None or predicate.type == "judged":
        return None
    words = [getattr(predicate, name, None) for name in ("slot", "run_id", "case", "stage", "action", "name", "status")]
    return Event(entry.seq, predicate.type, predicate.time, " ".join(str(word) for word in words if word))


def _damaged(found: str) -> BadReceipt:
    return BadReceipt(
        f"expected a receipt as `evidence verify --save-receipt` wrote it, found: {ascii(found)[1:-1][:300]}; "
        "take a copy that was not changed"
    )
