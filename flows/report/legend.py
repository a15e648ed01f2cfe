"""What each word and mark means, for the legend of every rendering."""

from __future__ import annotations

from collections.abc import Mapping

from evidence_schema.models.names import GatherResult, Outcome
from flows.report.words import AWAITING

OUTCOME_MEANINGS: Mapping[Outcome, str] = {
    Outcome.EXCEPTION: "At least one item did not meet a check. It stays an exception, also when a risk is accepted.",
    Outcome.NOT_COLLECTED: "What was needed was denied, failed, came in part or was not planned. Nothing is concluded.",
    Outcome.STALE: "The newest evidence is older than the requirement's cadence allows.",
    Outcome.NEEDS_REVIEW: "A person must decide, or a fact that the source cannot give was not supplied.",
    Outcome.NO_EXCEPTION: "Every item tested met every automatic check: n of n, at the time shown. No conclusion.",
    Outcome.NOT_APPLICABLE: "Nothing in scope to which the check applies; the population is stated.",
}
GATHER_MEANINGS: Mapping[GatherResult, str] = {
    GatherResult.COLLECTED: "Every call was answered and there were items.",
    GatherResult.PARTIAL: "Some calls were answered, others not; those are named.",
    GatherResult.EMPTY: "Every call was answered and there is nothing: this is evidence.",
    GatherResult.DENIED: "The source refused: no permission. This is not an empty answer.",
    GatherResult.FAILED: "No usable answer (error, timeout, expired credentials). This is not an empty answer.",
    GatherResult.UNAVAILABLE: "The service or region is not enabled there.",
}
OTHER_WORDS: Mapping[str, str] = {
    AWAITING: "Evidence or a decision that only a person can supply; this run holds none.",
    "direct": "The evidence by itself speaks to what the control asks. Only direct requirements count in figures.",
    "supporting": "The evidence helps, and is not counted.",
    "met, effective, concluded": "A named person's conclusion. The program never writes it; those columns start empty.",
}
TICK_MARKS: Mapping[str, str] = {
    "\N{CHECK MARK}": "agreed to the source artifact",
    "R": "recomputed",
    "C": "count reconciled",
    "H": "hash verified",
    "T": "traced to a ticket",
    "S": "sampled item",
    "PBC": "supplied by the client",
    "E#": "exception number, as on the sheet Exceptions",
    "N/A": "not applicable, with the reason",
    "NT": "not tested",
}
