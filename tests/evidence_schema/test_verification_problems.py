"""Every type of problem, each made by somebody: by who can write to the store, or by who holds the signing key too."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from logs import KEY, LAYOUT, OTHER_KEY, BuiltLog, Hooks, LogBuilder, MemoryReader, build_log, trust_policy

from evidence_schema.checkpoint import Checkpoint
from evidence_schema.digest import Digest
from evidence_schema.dsse import Envelope, EnvelopeSignature, encode_envelope, pae, parse_envelope, sign_envelope
from evidence_schema.models.entry import PAYLOAD_TYPE, Statement, Subject
from evidence_schema.models.names import GatherResult
from evidence_schema.models.unit import Period
from evidence_schema.note import NoteSignature, parse_note
from evidence_schema.signing_key import key_id
from evidence_schema.verification import TYPES, verify_log

pytestmark = pytest.mark.sealing

OTHER_RUN = "run-20260101T000000Z-00000000"
ABSENT = Digest.of(b"never stored")
NOTES = {"run-in-progress", "run-abandoned", "unnamed-blob", "artifacts-erased", "erasure-unfinished", "not-opened"}
TOKENS = {
    "token-not-verified", "token-invalid", "token-without-checkpoint", "token-authority-unknown", "token-unreadable",
    "entry-time-late", "entry-time-ahead", "entry-time-unproven", "entry-time-not-yet-proven",
    "earlier-token-missing", "earlier-token-unknown", "entry-before-its-token",
}  # fmt: skip
"""Made by test_verification_tokens.py."""
ANCHORS = {"anchor-changed", "anchor-empty", "anchor-unreadable", "receipt-by-another-policy"}
"""Made by test_verification_anchors.py and test_auditor_receipts.py."""
SCHEDULES = {"slot-missing", "silent", "schedule-changed"}
"""Made by test_verification_schedules.py."""
ENCRYPTED_ONLY = {
    "key-missing", "key-unusable", "erased-key-stands", "artifact-not-opened", "commitment-differs",
    "erasure-not-ordered", "erased-while-held", "disposition-malformed", "disposition-differs",
    "ciphertext-claimed-twice",
}  # fmt: skip
"""Made in test_verification_encrypted.py."""
ROTATIONS = {
    "key-epoch-differs", "rotation-malformed", "rotation-not-pinned", "rotation-missing", "rotation-not-countersigned",
    "entry-of-stolen-key", "believed-as-kept", "link-malformed", "link-not-first", "log-linked",
}  # fmt: skip
"""Made in test_verification_rotations.py."""


class Unreadable(MemoryReader):
    """A place that lists everything and gives some of it not, like a folder with a planted link."""

    def __init__(self, reader: MemoryReader, prefix: str) -> None:
        super().__init__(reader.objects)
        self.prefix = prefix

    def stream(self, key, version=""):
        if key.startswith(self.prefix):
            raise OSError("a link")
        return super().stream(key, version)


class TwoFaced(MemoryReader):
    """A place that answers otherwise where a blob is read for its content than where it is hashed."""

    def stream(self, key, version=""):
        pieces = super().stream(key, version)
        return pieces if version or not key.startswith(LAYOUT.blobs) else iter([b"".join(pieces), b" "])


@pytest.fixture(scope="module")
def sound() -> BuiltLog:
    return build_log(2)


def _types(log: BuiltLog, reader: MemoryReader | None = None, **given: Any) -> set[str]:
    report = verify_log(reader or log.reader, trust=log.trust, now=given.pop("now", log.now), **given)
    return {problem.type for problem in report.problems}


def _unit_key(log: BuiltLog, run: int) -> str:
    return log.reader.keys(LAYOUT.receipts(log.runs[run]))[0]


def _of_role(log: BuiltLog, role: str) -> str:
    receipt = json.loads(log.reader.data(_unit_key(log, 0)))
    digest = next(blob["digest"] for blob in receipt["blobs"] if blob["role"] == role)
    return LAYOUT.blob(Digest.parse(digest))


def _replaced(key: str, change: Callable[[bytes], bytes]) -> Callable[[BuiltLog, MemoryReader], None]:
    return lambda log, reader: reader.replace(key, change(reader.data(key)))


def _second_signature(data: bytes) -> bytes:
    envelope = parse_envelope(data)
    twice = (*envelope.signatures, EnvelopeSignature("0" * 64, b"x" * 64))
    return encode_envelope(type(envelope)(envelope.payload, envelope.payload_type, twice))


def _other_signature(keyid: str | None) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        envelope = parse_envelope(data)
        (before,) = envelope.signatures
        after = EnvelopeSignature(keyid or before.keyid, bytes([before.sig[0] ^ 1]) + before.sig[1:])
        return encode_envelope(type(envelope)(envelope.payload, envelope.payload_type, (after,)))

    return change


def _extra_line(data: bytes) -> bytes:
    note = parse_note(data)
    return type(note)(note.text, (*note.signatures, NoteSignature("stranger", b"1234", b"x" * 64))).encode()


def _broken_line(data: bytes) -> bytes:
    note = parse_note(data)
    (line,) = note.signatures
    return type(note)(note.text, (NoteSignature(line.name, line.key_id, bytes(64)),)).encode()


ENTRY, NEWEST = LAYOUT.entry(2), LAYOUT.checkpoint(10)
OUTSIDER: list[tuple[str, Callable[[BuiltLog, MemoryReader], None]]] = [
    ("second-version", lambda log, reader: reader.put(ENTRY, b"other")),
    ("second-version", lambda log, reader: reader.put(ENTRY, reader.data(ENTRY))),
    ("delete-marker", lambda log, reader: reader.put(ENTRY, None)),
    ("unknown-key", lambda log, reader: reader.put(f"{LAYOUT.root}stray", b"")),
    ("unknown-key", lambda log, reader: reader.put(f"{LAYOUT.entries}00000000000٣.dsse.json", b"")),
    ("unknown-key", lambda log, reader: reader.put(f"{LAYOUT.blobs}00/{'ff' * 32}", b"")),
    ("unknown-key", lambda log, reader: reader.put(f"{LAYOUT.runs}someone/unit/{'ff' * 32}.json", b"")),
    ("entry-missing", lambda log, reader: reader.remove(ENTRY)),
    ("entry-missing", lambda log, reader: reader.put(LAYOUT.entry(999_999_999_999), b"far away")),
    ("entry-malformed", _replaced(ENTRY, lambda data: data + b" ")),
    ("entry-malformed", _replaced(ENTRY, lambda data: b" " * 100_000)),
    ("entry-malformed", _replaced(ENTRY, lambda data: data.replace(b"in-toto+json", b"in-tutu+json"))),
    ("entry-number-differs", lambda log, reader: reader.replace(ENTRY, reader.data(LAYOUT.entry(3)))),
    ("entry-prev-differs", lambda log, reader: reader.replace(ENTRY, reader.data(LAYOUT.entry(3)))),
    ("unsigned-entry", _replaced(ENTRY, _second_signature)),
    ("entry-key-unknown", _replaced(ENTRY, _other_signature("0" * 64))),
    ("entry-signature-bad", _replaced(ENTRY, _other_signature(None))),
    ("checkpoint-missing", lambda log, reader: reader.remove(NEWEST)),
    ("checkpoint-missing", lambda log, reader: reader.remove(LAYOUT.checkpoint(3))),
    ("checkpoint-malformed", _replaced(NEWEST, lambda data: data + b"\n")),
    ("checkpoint-malformed", _replaced(NEWEST, lambda data: data * 10_000)),
    ("checkpoint-size-differs", lambda log, reader: reader.replace(NEWEST, reader.data(LAYOUT.checkpoint(3)))),
    ("checkpoint-root-differs", _replaced(ENTRY, lambda data: data + b" ")),
    ("checkpoint-beyond-entries", lambda log, reader: reader.remove(LAYOUT.entry(9))),
    ("checkpoint-key-unknown", _replaced(NEWEST, _extra_line)),
    ("checkpoint-signature-bad", _replaced(NEWEST, _broken_line)),
    ("checkpoint-signature-bad", _replaced(NEWEST, lambda data: data + data.splitlines(keepends=True)[-1])),
    ("entry-blob-missing", lambda log, reader: reader.remove(LAYOUT.blob(Digest.of(log.workbooks[0])))),
    ("receipt-missing", lambda log, reader: reader.remove(_unit_key(log, 0))),
    ("receipt-differs", lambda log, reader: reader.replace(_unit_key(log, 0), b"{}")),
    ("receipt-differs", lambda log, reader: reader.replace(_unit_key(log, 0), b" " * 100_000)),
    (
        "receipt-not-in-manifest",
        lambda log, reader: reader.put(LAYOUT.receipt(log.runs[0], ABSENT), reader.data(_unit_key(log, 0))),
    ),
    (
        "receipt-of-unknown-run",
        lambda log, reader: reader.put(LAYOUT.receipt(OTHER_RUN, ABSENT), b"{}"),
    ),
    ("receipt-malformed", lambda log, reader: reader.put(LAYOUT.receipt(log.runs[1], ABSENT), b"{}")),
    ("receipt-not-in-plan", lambda log, reader: reader.put(LAYOUT.receipt(log.runs[1], ABSENT), b"{}")),
    ("blob-missing", lambda log, reader: reader.remove(_of_role(log, "transcript"))),
    ("blob-changed", lambda log, reader: reader.replace(_of_role(log, "file"), b"other")),
    ("blob-changed", lambda log, reader: reader.put(LAYOUT.blob(ABSENT), b"other")),
]


@pytest.mark.parametrize(("type_", "tamper"), OUTSIDER)
def test_who_writes_to_the_store_is_found_out(sound: BuiltLog, type_: str, tamper) -> None:
    reader = sound.reader.copy()
    tamper(sound, reader)
    assert reader.objects != sound.reader.objects
    assert type_ in _types(sound, reader)


UNREADABLE = {
    "entry-unreadable": LAYOUT.entries,
    "checkpoint-unreadable": LAYOUT.checkpoints,
    "receipt-unreadable": LAYOUT.runs,
    "blob-unreadable": LAYOUT.blobs,
}


@pytest.mark.parametrize(("type_", "prefix"), UNREADABLE.items())
def test_object_that_cannot_be_read_is_a_problem_not_a_crash(sound: BuiltLog, type_: str, prefix: str) -> None:
    assert type_ in _types(sound, Unreadable(sound.reader, prefix))


def test_place_that_answers_otherwise_the_second_time_is_found_out(sound: BuiltLog) -> None:
    assert "sealed-bytes-differ" in _types(sound, TwoFaced(sound.reader.objects))


def _updated(**changes: Any) -> Callable[[Any, int], Any]:
    return lambda value, run: value.model_copy(update=changes) if run == 2 else value


def _predicate(number: int, /, **changes: Any) -> Hooks:
    return {"predicate": lambda value, run: value.model_copy(update=changes) if value.seq == number else value}


def _last_receipt(**changes: Any) -> Hooks:
    return {"receipt": lambda value, run: value.model_copy(update=changes) if run == 2 and value.blobs else value}


def _checkpoint(**changes: Any) -> Hooks:
    def change(value: Checkpoint, run: int) -> Checkpoint:
        return Checkpoint(**{"origin": value.origin, "size": value.size, "root": value.root, **changes})

    return {"checkpoint": change}


def _own_bad_signature(data: bytes, run: int) -> bytes:
    return _other_signature(None)(data) if run == 2 else data


def _statement(value: Statement, run: int) -> Statement:
    return value.model_copy(update={"subject": (Subject.of("x", ABSENT),)}) if run == 2 else value


def _reversed_on(run_number: int) -> Callable[[Any, int], Any]:
    return lambda value, run: value[::-1] if run == run_number else value


def _without_first(value: Any, run: int) -> Any:
    return value[1:] if run == 2 else value


def _blob_of_other_size(value: Any, run: int) -> Any:
    blobs = tuple(blob.model_copy(update={"size": blob.size + 1}) for blob in value.blobs)
    return value.model_copy(update={"blobs": blobs})


def _parts(**changes: Any) -> Callable[[Any, int], Any]:
    def change(value: Any, run: int) -> Any:
        return value.model_copy(update={"parts": tuple(part.model_copy(update=changes) for part in value.parts)})

    return change


def _requirements(part: slice) -> Callable[[Any, int], Any]:
    return lambda value, run: value.model_copy(update={"requirements": value.requirements[part]})


def _other_unit_in_header(value: Any, run: int) -> Any:
    return value.model_copy(update={"run_id": OTHER_RUN}) if run == 2 else value


EARLIER = Period(start="2020-01-01T00:00:00Z", end="2020-02-01T00:00:00Z")  # type: ignore[arg-type]
LONG_AGO, AHEAD = EARLIER.start, EARLIER.start + timedelta(days=36500)
INSIDER: list[tuple[str, Hooks]] = [
    ("entry-of-another-log", _predicate(7, log="other-log")),
    ("entry-number-differs", _predicate(7, seq=8)),
    ("entry-prev-differs", _predicate(7, prev=ABSENT)),
    ("entry-prev-differs", _predicate(0, prev=ABSENT)),
    ("entry-time-backwards", _predicate(7, time=LONG_AGO)),
    ("entry-from-the-future", _predicate(9, time=AHEAD)),
    ("entry-signature-bad", {"entry": _own_bad_signature}),
    ("checkpoint-origin-differs", _checkpoint(origin="another.example/log")),
    ("checkpoint-root-differs", _checkpoint(root=bytes(32))),
    ("checkpoint-size-differs", _checkpoint(size=3)),
    ("subject-differs", {"statement": _statement}),
    ("run-not-opened", {"closed": _updated(run_id=OTHER_RUN)}),
    ("run-opened-twice", {"opened": lambda value, run: value.model_copy(update={"run_id": OTHER_RUN})}),
    ("run-slot-differs", {"closed": _updated(slot="monthly/2020-01")}),
    ("export-beyond-log", {"export": _updated(tree_size=10_000)}),
    ("export-beyond-log", {"export": _updated(tree_size=0)}),
    ("plan-differs", {"opened": _updated(expected=3)}),
    ("plan-differs", {"opened": _updated(expected_digest=ABSENT)}),
    ("plan-differs", {"plan": _updated(period=EARLIER)}),
    ("planned-units-unsorted", {"units": _reversed_on(2)}),
    ("unit-not-in-manifest", {"rows": _without_first}),
    ("receipt-not-in-manifest", {"rows": _without_first}),
    ("row-not-in-plan", {"units": _without_first}),
    ("rows-unsorted", {"rows": _reversed_on(2)}),
    ("rows-unsorted", {"rows": lambda value, run: [value[0], *value]}),
    ("manifest-differs", {"manifest": _updated(plan=ABSENT)}),
    ("manifest-differs", {"manifest": _updated(run_id=OTHER_RUN)}),
    ("manifest-counts-differ", {"manifest": _updated(rows=5)}),
    ("manifest-counts-differ", {"manifest": _updated(results={GatherResult.COLLECTED: 4})}),
    ("manifest-counts-differ", {"closed": _updated(results={GatherResult.COLLECTED: 4})}),
    ("manifest-counts-differ", {"closed": _updated(redacted=0)}),
    ("manifest-counts-differ", {"closed": _updated(quarantined=0)}),
    ("manifest-counts-differ", {"closed": _updated(status="complete")}),
    ("part-differs", {"manifest": lambda value, run: value.model_copy(update={"parts": value.parts[::-1]})}),
    ("part-differs", {"manifest": _parts(rows=1)}),
    ("part-differs", {"manifest": _parts(account="333333333333")}),
    ("blob-size-differs", {"manifest": _parts(size=1)}),
    ("blob-size-differs", {"receipt": _blob_of_other_size}),
    ("blob-size-differs", {"export": _updated(size=1)}),
    ("row-differs", _last_receipt(period=EARLIER)),
    ("row-differs", _last_receipt(run_id=OTHER_RUN)),
    ("requirements-differ", _last_receipt(requirements=("EV-IAM-01",))),
    ("receipt-outside-its-run", _last_receipt(started=LONG_AGO)),
    ("receipt-outside-its-run", _last_receipt(finished=AHEAD)),
    ("receipt-outside-its-run", _last_receipt(finished=LONG_AGO)),
    ("blob-missing", {"manifest": _parts(digest=ABSENT)}),
    ("transcript-of-another-unit", {"header": _other_unit_in_header}),
    ("findings-differ", {"findings": _updated(manifest=ABSENT)}),
    ("findings-differ", {"findings": _updated(catalogue=ABSENT)}),
    ("findings-differ", {"findings": _updated(plan=ABSENT)}),
    ("findings-differ", {"findings": _updated(settings=ABSENT)}),
    ("findings-differ", {"findings": _updated(at=LONG_AGO)}),
    ("findings-differ", {"findings": _updated(engine="another")}),
    ("outcomes-differ", {"outcomes": _updated(findings=ABSENT)}),
    ("outcomes-differ", {"outcomes": _requirements(slice(None, None, -1))}),
    ("outcome-missing", {"outcomes": _requirements(slice(1))}),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "hooks"), INSIDER)
def test_who_signs_what_cannot_be_is_found_out(type_: str, hooks: Hooks) -> None:
    log = build_log(2, hooks=hooks)
    assert type_ in _types(log)


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"\xff\xfe", b"1" * 5000, b"[" * 100_000, b'{"a":1,"a":2}\n', b"\n\n"]
)
@pytest.mark.parametrize(
    ("hook", "name", "type_"),
    [
        ("opened", "plan", "plan-malformed"),
        ("closed", "manifest", "manifest-malformed"),
        ("judged", "findings", "findings-malformed"),
        ("judged", "outcomes", "outcomes-malformed"),
    ],
)
def test_signed_digest_of_something_else_is_a_problem_not_a_crash(
    hook: str, name: str, type_: str, data: bytes
) -> None:
    log = build_log(2, hooks={hook: _updated(**{name: Digest.of(data)})})
    log.reader.put(LAYOUT.blob(Digest.of(data)), data)
    assert type_ in _types(log)


@pytest.mark.parametrize(
    "data", [b"", b"{}\n", b"\n", b"no newline", b"\xff\xfe\n", b'{"a":1,"a":2}\n' * 3, b"x" * 5_000_000]
)
def test_lines_of_something_else_are_problems_not_a_crash(data: bytes) -> None:
    digest = Digest.of(data)
    parts = build_log(2, hooks={"manifest": _parts(digest=digest)})
    plan = build_log(2, hooks={"plan": lambda value, run: value.model_copy(
        update={"units": value.units.model_copy(update={"digest": digest})})})  # fmt: skip
    for log, type_, when_empty in (
        (parts, "row-malformed", "part-differs"),
        (plan, "planned-unit-malformed", "plan-differs"),
    ):
        log.reader.put(LAYOUT.blob(digest), data)
        assert (type_ if data else when_empty) in _types(log)


def test_run_that_goes_on_after_its_end_is_out_of_order() -> None:
    assert "run-ended-twice" in _types(_with_entry_again(_one_run(), 1))
    assert "run-opened-twice" in _types(_with_entry_again(_one_run(), 0))


def test_judgement_and_export_of_a_run_that_is_not_closed_are_out_of_order() -> None:
    log = build_log(1)
    builder = LogBuilder()
    builder.run(end="abandoned", gathered=0)
    for seq in (2, 3):
        predicate = json.loads(parse_envelope(log.reader.data(LAYOUT.entry(seq))).payload)
        statement = Statement.model_validate(predicate)
        changed = statement.predicate.model_copy(update={"run_id": builder.runs[0]})
        builder.append(changed, Digest.parse(f"sha256:{statement.subject[0].digest['sha256']}"))
    assert {"judged-before-close", "export-before-close"} <= _types(builder.built())


def test_same_evidence_judged_otherwise_is_a_problem() -> None:
    builder = _one_run()
    statement = _statement_of(builder, 2)
    builder.append(statement.predicate.model_copy(update={"findings": ABSENT}), ABSENT)
    assert "judged-differently" in _types(builder.built())
    same = _with_entry_again(_one_run(), 2)
    assert _types(same) == set()


def test_run_that_nobody_finished_is_a_problem_when_its_window_is_over() -> None:
    builder = LogBuilder()
    builder.run(end="open", gathered=1)
    log = builder.built()
    assert "run-unfinished" in _types(log, now=log.now + timedelta(days=2))
    assert "run-unfinished" not in _types(log, now=log.now + timedelta(days=2), resume_window=timedelta(days=9))


def test_receipts_of_a_run_in_progress_are_checked_by_themselves() -> None:
    builder = LogBuilder(
        {"receipt": lambda value, run: value.model_copy(update={"period": EARLIER, "requirements": ()})}
    )
    builder.run(end="open")
    assert {"receipt-differs", "requirements-differ"} <= _types(builder.built())


def test_log_without_a_closed_run_has_collected_nothing() -> None:
    builder = LogBuilder()
    builder.run(end="abandoned")
    assert _types(builder.built()) == {"nothing-collected"}


def test_stale_and_foreign_and_shorter_and_unsigned_logs_are_told_apart() -> None:
    log, longer = build_log(2), build_log(3)
    kept = longer.reader.data(LAYOUT.checkpoint(14))
    other = build_log(2, keys=lambda _: OTHER_KEY).reader.data(LAYOUT.checkpoint(10))
    foreign = build_log(2, hooks=_checkpoint(origin="another.example/log")).reader.data(LAYOUT.checkpoint(10))
    rewritten = build_log(2, hooks={"closed": _updated(duration_s=1)}).reader.data(LAYOUT.checkpoint(10))
    assert _types(log, now=log.now + timedelta(days=99)) == {"stale"}
    assert _types(log, kept=kept) == {"log-shorter-than-kept"}
    assert _types(log, kept=other) == {"kept-checkpoint-not-signed", "kept-checkpoint-root-differs"}
    assert _types(log, kept=foreign) == {"kept-checkpoint-of-another-log"}
    assert _types(log, kept=rewritten) == {"kept-checkpoint-root-differs"}


def test_log_signed_by_a_key_that_nobody_pinned_is_not_authentic() -> None:
    log = build_log(2, keys=lambda _: OTHER_KEY)
    assert _types(log) == {"entry-key-unknown", "checkpoint-key-unknown"}


def test_retired_key_signs_nothing_more() -> None:
    log = build_log(2)
    log.trust = trust_policy((KEY, 0, 5), (OTHER_KEY, 5, None))
    assert _types(log) == {"entry-key-out-of-range", "checkpoint-key-out-of-range", "rotation-missing"}


def test_every_type_of_problem_is_made_by_a_test() -> None:
    made = {type_ for type_, _ in (*OUTSIDER, *INSIDER)} | set(UNREADABLE) | NOTES
    elsewhere = {
        "entry-key-out-of-range", "checkpoint-key-out-of-range", "log-empty", "log-differs-from-trust", "stale",
        "nothing-collected", "kept-checkpoint-of-another-log", "kept-checkpoint-not-signed", "run-ended-twice",
        "kept-checkpoint-root-differs", "log-shorter-than-kept", "judged-before-close", "judged-differently",
        "export-before-close", "run-unfinished", "plan-malformed", "manifest-malformed", "findings-malformed",
        "outcomes-malformed", "row-malformed", "planned-unit-malformed", "sealed-bytes-differ", "workbook-not-exported",
    }  # fmt: skip
    elsewhere |= TOKENS | ENCRYPTED_ONLY | ROTATIONS | ANCHORS | SCHEDULES
    packages = {type_ for type_, (step, _) in TYPES.items() if step >= 10}  # tests/package makes them
    assert made | elsewhere == set(TYPES) - packages
    assert not made & elsewhere


def _one_run() -> LogBuilder:
    builder = LogBuilder()
    builder.run()
    return builder


def _statement_of(builder: LogBuilder, seq: int) -> Statement:
    return Statement.model_validate_json(parse_envelope(builder.files[seq]).payload)


def _with_entry_again(builder: LogBuilder, seq: int) -> BuiltLog:
    statement = _statement_of(builder, seq)
    builder.append(
        statement.predicate, *(Digest.parse(f"sha256:{item.digest['sha256']}") for item in statement.subject)
    )
    return builder.built()


@pytest.mark.parametrize(
    ("payload_type", "change"),
    [
        ("text/plain", lambda payload: payload),
        (PAYLOAD_TYPE, lambda payload: payload + b" "),
        (PAYLOAD_TYPE, lambda payload: json.dumps(json.loads(payload)).encode()),
        (PAYLOAD_TYPE, lambda payload: payload.replace(b'"seq":0', b'"seq":"0"')),
        (PAYLOAD_TYPE, lambda payload: payload.replace(b'"simulated":false,', b"")),
        (PAYLOAD_TYPE, lambda payload: payload.replace(b'"seq":0', b'"seq":1,"seq":0')),
        (PAYLOAD_TYPE, lambda payload: b"{}"),
    ],
)
def test_signed_statement_in_another_spelling_is_malformed(payload_type: str, change) -> None:
    """It means the same and its signature holds; but then there would be two files for one entry."""
    builder = _one_run()
    payload = change(parse_envelope(builder.files[0]).payload)
    raw = KEY.public_key().public_bytes_raw()
    builder.reader.replace(LAYOUT.entry(0), encode_envelope(sign_envelope(payload_type, payload, raw, KEY.sign)))
    types = _types(builder.built())
    assert "entry-malformed" in types
    assert "entry-signature-bad" not in types


def test_entry_with_more_to_sign_than_a_key_service_takes_is_malformed() -> None:
    builder = _one_run()
    payload = parse_envelope(builder.files[0]).payload + b" " * 4096
    signature = EnvelopeSignature(key_id(KEY.public_key().public_bytes_raw()), KEY.sign(pae(PAYLOAD_TYPE, payload)))
    builder.reader.replace(LAYOUT.entry(0), encode_envelope(Envelope(payload, PAYLOAD_TYPE, (signature,))))
    report = verify_log(builder.reader, trust=trust_policy(), now=builder.now)
    assert "at most 4096 bytes to sign" in report.problems[0].found
    assert report.problems[0].type == "entry-malformed"
