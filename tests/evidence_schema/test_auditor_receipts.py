"""What an auditor keeps of a look: whole or refused, and whatever was changed since is told."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from logs import KEY, LAYOUT, OTHER_KEY, START, BuiltLog, LogBuilder, MemoryReader, build_log, trust_policy

from evidence_schema.canonical import canonical_bytes
from evidence_schema.digest import Digest
from evidence_schema.errors import BadReceipt, EvidenceSchemaError
from evidence_schema.models.auditor_receipt import AuditorReceipt
from evidence_schema.verification import Report, make_receipt, read_receipt, verify_log

pytestmark = pytest.mark.sealing


def grown(*, until: int = 2, **given: object) -> BuiltLog:
    """A log of `until` months; the same one, further on, for a larger number."""
    builder = LogBuilder(**given)  # type: ignore[arg-type]
    for _ in range(until):
        builder.run()
        builder.now += timedelta(days=30)
    builder.now -= timedelta(days=28)
    return builder.built()


def look(log: BuiltLog, receipt: AuditorReceipt | None = None, reader: MemoryReader | None = None) -> Report:
    return verify_log(reader or log.reader, trust=log.trust, now=log.now, receipt=receipt)


def receipt_of(log: BuiltLog) -> AuditorReceipt:
    return make_receipt(look(log), log.trust, log.now)


FIRST, LATER = grown(until=2), grown(until=3)
RECEIPT = receipt_of(FIRST)
DATA = RECEIPT.canonical()


def test_a_receipt_says_what_was_looked_at_by_whom_and_what_came_of_it() -> None:
    told = json.loads(DATA)
    assert (told["log"], told["tree_size"], told["policy"]) == ("acme", 8, str(FIRST.trust.fingerprint))
    assert told["checkpoint"].encode() == FIRST.reader.data(LAYOUT.checkpoint(8))
    assert (told["verdicts"]["intact"], told["verdicts"]["anchored"]) == ("holds", "not_shown")
    assert read_receipt(DATA) == RECEIPT


def test_tokens_over_the_checkpoint_stand_in_it_by_digest() -> None:
    log = FIRST.reader.copy()
    log.replace(LAYOUT.token(8, "tsa"), b"a token")
    log.replace(LAYOUT.token(7, "tsa"), b"another")
    receipt = make_receipt(look(FIRST, reader=log), FIRST.trust, FIRST.now)
    assert [(token.authority, token.digest) for token in receipt.tokens] == [("tsa", Digest.of(b"a token"))]


def test_the_next_look_tells_what_came_since() -> None:
    report = look(LATER, RECEIPT)
    assert report.problems == ()
    since = report.since
    assert since is not None
    assert (since.size, since.entries) == (8, 4)
    assert since.counts == {"run-open": 1, "run-close": 1, "judged": 1, "export": 1}
    assert [(event.seq, event.type) for event in since.events] == [(8, "run-open"), (9, "run-close"), (11, "export")]
    assert report.verdicts[next(name for name in report.verdicts if str(name) == "anchored")][1].startswith(
        "extends the receipt of 8 entries (there since 2026-"
    )


def test_nothing_new_is_told_as_nothing() -> None:
    since = look(FIRST, RECEIPT).since
    assert since is not None
    assert (since.entries, since.events) == (0, ())


def test_a_rolled_back_log_is_told_and_what_came_since_is_not() -> None:
    report = look(FIRST, receipt_of(LATER))
    assert [problem.type for problem in report.problems] == ["log-shorter-than-kept"]
    assert (report.since, report.exit_code) == (None, 4)


def test_a_history_that_was_told_otherwise_is_told() -> None:
    forged = grown(until=3, hooks={"opened": lambda opened, _: opened.model_copy(update={"case": "CASE-1"})})
    assert look(forged).problems == ()
    report = look(forged, RECEIPT)
    assert [problem.type for problem in report.problems] == ["kept-checkpoint-root-differs"]
    assert report.since is None


def test_no_receipt_is_made_of_a_log_that_does_not_continue_the_last_one() -> None:
    """Else the changed history would be what the auditor keeps."""
    report = look(FIRST, receipt_of(LATER))
    with pytest.raises(BadReceipt, match="they are the proof"):
        make_receipt(report, FIRST.trust, FIRST.now)
    with pytest.raises(BadReceipt, match="found none"):
        make_receipt(look(FIRST, reader=MemoryReader()), FIRST.trust, FIRST.now)


def test_a_receipt_of_another_log_is_told() -> None:
    other = AuditorReceipt.sealed(**{**RECEIPT.to_json(), "log": "another"})
    report = look(LATER, read_receipt(other.canonical()))
    assert [problem.type for problem in report.problems] == ["kept-checkpoint-of-another-log"]
    assert report.since is None


def test_a_receipt_under_another_policy_is_a_note() -> None:
    patient = trust_policy((KEY, 0, None)).model_copy(update={"max_age_days": 90})
    report = verify_log(LATER.reader, trust=patient, now=LATER.now, receipt=RECEIPT)
    assert report.problems == ()
    assert [note.type for note in report.notes] == ["receipt-by-another-policy"]


def test_a_receipt_by_a_key_that_nobody_pinned_anchors_nothing() -> None:
    """Its digest is right: whoever can write it can make one. The signature of the checkpoint in it cannot be made."""
    forged = receipt_of(grown_by_other())
    report = look(LATER, read_receipt(forged.canonical()))
    assert "kept-checkpoint-not-signed" in {problem.type for problem in report.problems}


def grown_by_other() -> BuiltLog:
    log = build_log(1, keys=lambda _: OTHER_KEY)
    log.trust = trust_policy((OTHER_KEY, 0, None))
    return log


@given(st.integers(0, len(DATA) * 8 - 1))
def test_every_flipped_bit_is_told(bit: int) -> None:
    damaged = bytearray(DATA)
    damaged[bit // 8] ^= 1 << bit % 8
    with pytest.raises(BadReceipt):
        read_receipt(bytes(damaged))


@given(st.integers(0, len(DATA) - 1), st.integers(0, 40), st.binary(max_size=40))
def test_every_cut_and_patched_receipt_is_told(start: int, length: int, patch: bytes) -> None:
    damaged = DATA[:start] + patch + DATA[start + length :]
    if damaged == DATA:
        return
    with pytest.raises(BadReceipt, match="expected a receipt"):
        read_receipt(damaged)


@given(st.binary(max_size=400))
def test_other_bytes_are_no_receipt(data: bytes) -> None:
    with pytest.raises(BadReceipt):
        read_receipt(data)


FACTS = RECEIPT.to_json()


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "tree_size": st.integers(-1, 2**60),
            "root": st.sampled_from([FACTS["root"], "A" * 43 + "=", "no"]),
            "origin": st.sampled_from([FACTS["origin"], "another.example/log"]),
            "checkpoint": st.sampled_from(
                ["", "a\n", FACTS["checkpoint"].replace("8", "7"), FACTS["checkpoint"] * 2, FACTS["checkpoint"][:-2]]
            ),
            "verdicts": st.sampled_from([{}, {"intact": "maybe"}, {"green": "holds"}]),
            "looked": st.sampled_from(["2026-13-01T00:00:00Z", START.isoformat(), None]),
            "schema": st.just("evidence/auditor-receipt/v2"),
        },
    )
)
def test_a_receipt_whose_fields_contradict_each_other_is_refused_though_its_digest_is_made_anew(changes: dict) -> None:
    """The size, root and origin that it states are those of the note in it: one alone cannot be changed."""
    facts = {name: value for name, value in {**FACTS, **changes}.items() if name != "digest" and value is not None}
    try:
        data = canonical_bytes({**facts, "digest": str(Digest.of(canonical_bytes(facts)))})
    except EvidenceSchemaError:
        return
    anchoring = {"tree_size", "root", "origin", "checkpoint"}
    if all(facts[name] == FACTS[name] for name in anchoring):
        return
    with pytest.raises(BadReceipt):
        read_receipt(data)


def test_a_receipt_of_an_empty_log_anchors_nothing_and_is_refused() -> None:
    from evidence_schema import merkle
    from evidence_schema.checkpoint import Checkpoint
    from evidence_schema.encoding import to_base64
    from evidence_schema.note import sign_note

    origin, root = FIRST.trust.origin, merkle.root(())
    note = sign_note(Checkpoint(origin, 0, root).text, origin, KEY.public_key().public_bytes_raw(), KEY.sign)
    empty = AuditorReceipt.sealed(
        **{**FACTS, "tree_size": 0, "root": to_base64(root), "checkpoint": note.decode(), "tokens": ()}
    )
    with pytest.raises(BadReceipt, match="which every log extends"):
        read_receipt(empty.canonical())
