"""The proof of a log, numbered. Every step reports all that it finds; none stops at the first, none trusts the store.

1. List every version: one a key, no delete marker, only keys that the layout knows.
2. Read the entries: 0 to n-1 without a gap, each the one spelling of a small statement that names its log, its number
   and the entry before it; times never run backwards.
3. Check each entry's one signature by the keys pinned for its number. A key found in the store is never trusted: a
   rotation entry must name the key that is pinned for what follows, and stand where the pinned keys change.
4. Recompute the Merkle root under every checkpoint and check its signatures; one stands for each size up to the
   newest; the one over a rotation by both keys; the checkpoint that the auditor kept, and each one in an anchor, is of
   a beginning of this log.
5. Follow the runs: each opened once, ended at most once, judged and exported after its close; what entries name exists;
   nothing is erased that was not ordered to be, or that is held.
6. Compare each manifest with the sealed plan and with the receipts, both ways: planned units are rows are receipts.
7. Hash every blob: its bytes are those of its name, its size is the one stated, every named blob exists. With keys,
   open what is encrypted in the context of its row: it is what was committed to, and a key that is gone was erased.
8. Compare findings and outcomes with the entries that sealed their manifest, catalogue, plan and settings.
9. Look at the times: nothing from the future, receipts within their run, the newest run not older than promised, every
   slot that was due by the log's own schedule filled; by the time-stamp tokens of pinned authorities each entry existed
   when it says, and each run began after the token that it names. What a stolen key signed is believed only where a
   token, or what was kept, is older than the theft.
10. Of a package: it is a sound bag; the last entry of its log names its scope, the scope names every file drawn for it;
    what the scope promises is there, and what it leaves out is a note, never missing evidence.
11. A proof of one artifact, by itself: its checkpoint is signed, its entry is in the log, its row is in the manifest.

What this proves is that bytes were not changed, dropped or re-ordered since they were sealed: never that they are true.
Two things stay undetected: without a kept checkpoint, and while the log is fresh, that its newest entries were dropped;
and changes of the receipts of a run that was never closed, for only a manifest seals receipts.
"""

from evidence_schema.verification.anchors import Anchor
from evidence_schema.verification.encrypted import Keys
from evidence_schema.verification.problems import TYPES, Problem, Property
from evidence_schema.verification.proofs import ProofReport, verify_proof
from evidence_schema.verification.report import Report, Verdict, WorkbookReport
from evidence_schema.verification.runs import RESUME_WINDOW
from evidence_schema.verification.since import make_receipt, read_receipt
from evidence_schema.verification.trust import BadTrustPolicy, read_trust_policy
from evidence_schema.verification.verify import verify_log, verify_workbook

__all__ = [
    "RESUME_WINDOW",
    "TYPES",
    "Anchor",
    "BadTrustPolicy",
    "Keys",
    "Problem",
    "ProofReport",
    "Property",
    "Report",
    "Verdict",
    "WorkbookReport",
    "make_receipt",
    "read_receipt",
    "read_trust_policy",
    "verify_log",
    "verify_proof",
    "verify_workbook",
]
