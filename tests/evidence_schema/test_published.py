"""The published schemas say what the models say, and hold of what we write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from evidence_schema.digest import Digest
from evidence_schema.errors import NotCanonical
from evidence_schema.models.auditor_receipt import AuditorReceipt, SeenToken
from evidence_schema.models.base import Frozen
from evidence_schema.models.custody import CustodyHeader, ObjectCustody
from evidence_schema.models.disposition import Disposition, ErasedArtifact
from evidence_schema.models.encrypted import EncryptedBlob, Encryption
from evidence_schema.models.entry import (
    CollectorVersion,
    Erasure,
    Export,
    Extension,
    Heartbeat,
    Hold,
    Judged,
    RunAbandoned,
    RunClose,
    RunOpen,
    ScheduleChange,
    Statement,
    Subject,
)
from evidence_schema.models.finding import (
    CheckResult,
    Finding,
    FindingsHeader,
    KindCoverage,
    Outcomes,
    Reason,
    RequirementOutcome,
)
from evidence_schema.models.names import FindingResult, GatherResult, LockMode, Mode, Outcome, PackageStatus, Trigger
from evidence_schema.models.package import Omission, PackageFile, PackageScope, ScopedRun
from evidence_schema.models.proof import ArtifactProof, RowProof, Token
from evidence_schema.models.receipt import (
    CallCounts,
    CallProblem,
    Custody,
    ItemCounts,
    Manifest,
    ManifestPart,
    Receipt,
    RedactionCount,
    StoredBlob,
)
from evidence_schema.models.schedule import Schedule
from evidence_schema.models.transcript import (
    Attempt,
    Call,
    CallError,
    Collector,
    Gap,
    Input,
    Record,
    Redaction,
    TranscriptHeader,
)
from evidence_schema.models.trust import TrustedKey, TrustPolicy
from evidence_schema.models.unit import Listing, Period, Plan, PlannedUnit, Selection, Unit
from evidence_schema.published import DIALECT, FOLDER, FROM_OUTSIDE, PUBLISHED, schema_of, schema_path, schema_text

pytestmark = pytest.mark.sealing

AT = datetime(2026, 11, 1, 6, tzinfo=UTC)
PERIOD = Period(start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2026, 11, 1, tzinfo=UTC))
RUN, SLOT = "run-20261101T060000Z-0a1b2c3d", "monthly/2026-10"
ONE, TWO = Digest.of(b"one"), Digest.of(b"two")
UNIT = Unit(kind="aws.s3.buckets", account="111122223333")
COLLECTOR = Collector(name="evidence-collector", version="0.1.0", declaration=ONE)
COMMON: dict[str, Any] = {
    "log": "clinic",
    "seq": 1,
    "prev": ONE,
    "time": AT,
    "run_id": RUN,
    "slot": SLOT,
    "collector": CollectorVersion(version="0.1.0"),
}
ABOUT_THE_LOG = {name: value for name, value in COMMON.items() if name not in ("run_id", "slot")}


CIPHERTEXT = EncryptedBlob(digest=ONE, size=72, encryption=Encryption.of(bytes(32), 0))


def statement(predicate: Any) -> Statement:
    return Statement(subject=(Subject.of("plan.json", TWO),), predicate=predicate)


OPEN = RunOpen(
    **COMMON,
    trigger=Trigger.AD_HOC,
    requester="0" * 32,
    case="INC-1",
    at=AT,
    period=PERIOD,
    catalogue=ONE,
    plan=TWO,
    settings=ONE,
    expected=3,
    expected_digest=TWO,
    simulated=True,
)
EXAMPLES: dict[str, list[Frozen]] = {
    "call": [
        Call(
            seq=0,
            service="s3",
            operation="ListBuckets",
            region="eu-west-1",
            parameters={"MaxBuckets": 2},
            step="list",
            item=("a", "b"),
            page=2,
            request_id="R",
            status=200,
            source_date=AT,
            started=AT,
            finished=AT,
            duration_ms=7,
            retried=(Attempt(code="Throttling", status=400, request_id="Q"),),
            wire_bytes=3,
            wire_digest=ONE,
            redactions=(Redaction(pointer="/a/0", rule="field:secret"),),
            body={"Buckets": [{"Name": "é"}]},
        ),
        Call(
            seq=1,
            service="s3",
            operation="GetBucketPolicy",
            region="eu-west-1",
            parameters={},
            step="policy",
            started=AT,
            finished=AT,
            error=CallError(code="NoSuchBucketPolicy", status=404, message="", result="failed"),
            absent=True,
        ),
    ],
    "finding": [
        Finding(
            check="EV-ENC-01-C1",
            requirement="EV-ENC-01",
            kind="aws.s3.buckets",
            account="1",
            region="global",
            record="b",
            result=FindingResult.ERROR,
            values={"Name": "b", "n": [1, True, {"x": "y"}]},
            reason=Reason(type="call", name="encryption", text="denied"),
        ),
        Finding(
            check="EV-ENC-01-C1",
            requirement="EV-ENC-01",
            kind="scope.account",
            account="1",
            region="global",
            record="1",
            result=FindingResult.PASS,
        ),
    ],
    "findings-header": [
        FindingsHeader(run_id=RUN, at=AT, engine="cel 1", manifest=ONE, catalogue=TWO, plan=ONE, settings=TWO)
    ],
    "manifest": [
        Manifest(
            log="clinic",
            run_id=RUN,
            slot=SLOT,
            period=PERIOD,
            plan=ONE,
            rows=2,
            results={GatherResult.COLLECTED: 1, GatherResult.DENIED: 1},
            parts=(ManifestPart(account="111122223333", digest=ONE, size=10, rows=2),),
        )
    ],
    "outcomes": [
        Outcomes(
            run_id=RUN,
            at=AT,
            findings=ONE,
            requirements=(
                RequirementOutcome(
                    requirement="EV-ENC-01",
                    outcome=Outcome.NO_EXCEPTION,
                    collected_at=AT,
                    reasons=("x",),
                    checks=(
                        CheckResult(
                            check="EV-ENC-01-C1",
                            requirement="EV-ENC-01",
                            mode=Mode.AUTO,
                            outcome=Outcome.NO_EXCEPTION,
                            population=2,
                            tested=2,
                            passed=2,
                            parameters={"max_days": 90},
                            reasons=("y",),
                        ),
                        CheckResult(check="EV-ENC-01-C2", requirement="EV-ENC-01", mode=Mode.REPORT),
                    ),
                    coverage=(KindCoverage(kind="aws.s3.buckets", expected=1, results={GatherResult.EMPTY: 1}),),
                ),
                RequirementOutcome(requirement="EV-ENC-02", outcome=Outcome.NOT_COLLECTED),
            ),
        )
    ],
    "plan": [
        Plan(
            selection=Selection(frameworks=("hipaa",), controls=("164.312(b)",), kinds=("aws.s3.buckets",)),
            frameworks=("hipaa",),
            requirements=("EV-ENC-01",),
            accounts=("111122223333",),
            regions=("eu-west-1",),
            period=PERIOD,
            actions=("s3:ListAllMyBuckets",),
            units=Listing(digest=ONE, size=9, rows=1),
        )
    ],
    "disposition": [
        Disposition(
            log="clinic",
            run_id=RUN,
            ground="art17-1-b",
            approver="privacy officer",
            artifacts=(
                ErasedArtifact(digest=ONE, size=1, part=UNIT.digest.hex, role="transcript", unit=UNIT),
                ErasedArtifact(digest=TWO, size=0, part="findings", role="findings"),
            ),
        )
    ],
    "auditor-receipt": [
        AuditorReceipt.sealed(
            log="clinic",
            origin="evidence/clinic",
            tree_size=4,
            root="A" * 43 + "=",
            checkpoint="a note\n",
            policy=ONE,
            verdicts={"intact": "holds", "anchored": "not_shown"},
            problems=0,
            looked=AT,
            tokens=(SeenToken(authority="tsa", digest=TWO),),
        )
    ],
    "planned-unit": [PlannedUnit(unit=UNIT, service="s3", requirements=("EV-ENC-01",))],
    "receipt": [
        Receipt(
            run_id=RUN,
            unit=UNIT,
            requirements=("EV-ENC-01",),
            result=GatherResult.PARTIAL,
            reason="denied",
            blobs=(
                StoredBlob(
                    role="transcript",
                    name="t",
                    digest=ONE,
                    size=1,
                    media_type="x/y",
                    custody=Custody(version_id="v", lock_mode=LockMode.GOVERNANCE, retain_until=AT),
                ),
                StoredBlob(role="file", name="f", digest=TWO, size=0, media_type="x/y", custody=Custody()),
                StoredBlob(
                    role="file",
                    name="g",
                    digest=TWO,
                    size=72,
                    media_type="x/y",
                    custody=Custody(),
                    encryption=CIPHERTEXT.encryption,
                ),
            ),
            calls=CallCounts(calls=2, pages=1, retries=1, errors=1),
            items=ItemCounts(returned=2, kept=2, control_total=3, difference=-1),
            problems=(
                CallProblem(service="s3", operation="GetBucketAcl", step="acl", result="denied", code="AccessDenied"),
            ),
            redactions=(RedactionCount(rule="field:x", count=1),),
            quarantined=1,
            principal="arn:aws:iam::1:role/r",
            collector=COLLECTOR,
            period=PERIOD,
            started=AT,
            finished=AT,
        ),
        Receipt(
            run_id=RUN,
            unit=UNIT,
            requirements=(),
            result=GatherResult.FAILED,
            collector=COLLECTOR,
            period=PERIOD,
            started=AT,
            finished=AT,
        ),
    ],
    "record": [
        Record(
            kind="aws.s3.buckets",
            account="1",
            region="global",
            id="b",
            fields={"Name": "b"},
            gaps={"encryption": Gap(operation="s3:GetBucketEncryption", code="AccessDenied", result="denied")},
        )
    ],
    "statement": [
        statement(OPEN),
        statement(OPEN.model_copy(update={"case": None, "prev": None, "seq": 0})),
        statement(
            RunClose(
                **COMMON,
                manifest=ONE,
                results={GatherResult.COLLECTED: 1},
                redacted=0,
                quarantined=0,
                duration_s=1,
                status="partial",
            )
        ),
        statement(RunAbandoned(**COMMON, reason="operator")),
        statement(Heartbeat(**ABOUT_THE_LOG)),
        statement(
            ScheduleChange(
                **ABOUT_THE_LOG,
                schedule=Schedule(id="monthly", cadence="monthly", since=AT, approver="compliance lead"),
            )
        ),
        statement(OPEN.model_copy(update={"facts": CIPHERTEXT})),
        statement(Judged(**COMMON, findings=ONE, personal_findings=CIPHERTEXT, outcomes=TWO, engine="c", counts={})),
        statement(Export(**COMMON, framework="hipaa", name="a.xlsx", digest=ONE, size=1, tree_size=4, kept=CIPHERTEXT)),
        statement(
            Erasure(
                **COMMON, stage="done", disposition=ONE, artifacts=2, ground="court-order", approver="legal counsel"
            )
        ),
        statement(Hold(**COMMON, action="hold", case="C-1", approver="legal counsel", artifacts=(ONE,))),
        statement(Extension(**COMMON, until=AT, objects=3, approver="legal counsel")),
        statement(Judged(**COMMON, findings=ONE, outcomes=TWO, engine="cel 1", counts={"finding pass": 3})),
        statement(Judged(**COMMON, findings=ONE, outcomes=TWO, custody=ONE, engine="cel 1", counts={})),
        statement(Export(**COMMON, framework="hipaa", name="a.xlsx", digest=ONE, size=1, tree_size=4)),
        statement(Export(**COMMON, package="masked", name="scope.json", digest=ONE, size=1, tree_size=4)),
        statement(
            Export(
                **COMMON,
                package="unmasked",
                recipient="example-auditors",
                reason="0" * 32,
                name="scope.json",
                digest=ONE,
                size=1,
                tree_size=4,
            )
        ),
    ],
    "custody-header": [
        CustodyHeader(
            run_id=RUN,
            requirement="EV-COL-02",
            store="s3://evidence",
            read_at=AT,
            objects=2,
            artifacts=9,
            sampled=1,
            unlocked=1,
            differing=0,
        )
    ],
    "custody-object": [
        ObjectCustody(
            key="v1/clinic/checkpoint/000000000001",
            what="checkpoint",
            size=1,
            checksum=ONE,
            custody=Custody(version_id="v", lock_mode=LockMode.COMPLIANCE, retain_until=AT),
        ),
        ObjectCustody(key="v1/clinic/entry/000000000000.dsse.json", what="entry"),
    ],
    "package-file": [PackageFile(path="data/evidence/EV-IAM-01/x.txt", digest=ONE, size=1)],
    "package-omission": [
        Omission(what="artifact", reason="personal data", run_id=RUN, name="EV-IAM-01", digest=ONE, size=1),
        Omission(what="run", reason="not finished", run_id=RUN, name="monthly/2026-10"),
    ],
    "package-scope": [
        PackageScope(
            log="clinic",
            runs=(ScopedRun(run_id=RUN, findings=False),),
            frameworks=("hipaa",),
            requirements=("EV-IAM-01",),
            accounts=("111122223333",),
            withheld=("aws.iam.users",),
            workbooks=(TWO,),
            status=PackageStatus.COMPLETE,
            contents=Listing(digest=ONE, size=1, rows=1),
            omitted=2,
        )
    ],
    "proof": [
        ArtifactProof(log="clinic", artifact=ONE, tlog_proof="c2sp.org/tlog-proof@v1", entry="{}"),
        ArtifactProof(
            log="clinic",
            artifact=ONE,
            tlog_proof="c2sp.org/tlog-proof@v1",
            entry="{}",
            row=RowProof(line="{}", index=0, size=1, path=("AA==",)),
            tokens=(Token(name="000000000003.tsa.tsr", reply="AA=="),),
        ),
    ],
    "transcript-header": [
        TranscriptHeader(
            unit=UNIT,
            run_id=RUN,
            principal="arn",
            period=PERIOD,
            collector=COLLECTOR,
            declaration={"kind": "aws.s3.buckets"},
            inputs=(Input(kind="aws.s3.buckets", digest=ONE),),
        )
    ],
    "trust-policy": [
        TrustPolicy(
            log="clinic", origin="evidence/clinic", keys=(TrustedKey(vkey="x+1+y"), TrustedKey(vkey="z", until=9))
        )
    ],
}
GOLDEN = [
    pytest.param(name, item, id=f"{name}-{number}")
    for name, items in EXAMPLES.items()
    for number, item in enumerate(items)
]
each_schema = pytest.mark.parametrize("name", PUBLISHED)


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema_path(name).read_text(encoding="utf-8")))


@each_schema
def test_the_published_file_is_the_model(name: str) -> None:
    """`python -m evidence_schema.published` writes them anew."""
    assert schema_path(name).read_text(encoding="utf-8") == schema_text(name)


def test_every_file_is_published_and_every_model_has_examples() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.schema.json" for name in PUBLISHED}
    assert EXAMPLES.keys() == PUBLISHED.keys()


@each_schema
def test_a_schema_is_draft_2020_12_with_a_name_of_its_own(name: str) -> None:
    schema = schema_of(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == DIALECT
    assert schema["$id"] == f"urn:evidence-collector:schema:{name}:v1"
    assert schema["additionalProperties"] is False


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from parts(part)


@each_schema
def test_no_field_may_be_null(name: str) -> None:
    """Canonical JSON has no null: what has no value is left out, and so is optional."""
    for part in parts(schema_of(name)):
        assert part.get("type") != "null"
        assert "default" not in part or part["default"] is not None


@pytest.mark.parametrize(("name", "item"), GOLDEN)
def test_what_a_model_writes_its_schema_holds_of(name: str, item: Frozen) -> None:
    assert isinstance(item, PUBLISHED[name])
    written = json.loads(item.canonical())
    assert [error.message for error in validator(name).iter_errors(written)] == []
    assert type(item).from_canonical(item.canonical()) == item


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield (*place, key)
        yield from places(part, (*place, key))


def changed(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    copy = json.loads(json.dumps(value))
    holder = copy
    for key in place[:-1]:
        holder = holder[key]
    if new is ...:
        del holder[place[-1]]
    else:
        holder[place[-1]] = new
    return copy


WRONG: list[Any] = [..., None, 17, -1, "x", "", [], {}, True, ["x"], {"x": 1}, 1.5]


@settings(max_examples=300)
@given(st.sampled_from(GOLDEN), st.randoms(use_true_random=False), st.sampled_from(WRONG))
def test_schema_and_model_agree_on_a_changed_document(golden: Any, random: Any, new: Any) -> None:
    """What the schema lets through the model reads; what the model reads, it writes by the schema.

    Two things the schema does not say: that a period begins before it ends, and (see below) that a type is there.
    """
    name, item = golden.values
    written = json.loads(item.canonical())
    document = changed(written, random.choice(list(places(written))), new)
    fits = not list(validator(name).iter_errors(document))
    read, mistakes = read_or_refused(type(item), document)
    if read is None:
        assert not fits or mistakes <= {"value_error", "union_tag_not_found"}
    elif (again := written_or_refused(read)) is not None:
        assert list(validator(name).iter_errors(json.loads(again))) == []


def read_or_refused(model: type[Frozen], document: Any) -> tuple[Frozen | None, set[str]]:
    try:
        return model.model_validate(document), set()
    except ValidationError as error:
        return None, {mistake["type"] for mistake in error.errors()}


def written_or_refused(item: Frozen) -> bytes | None:
    """None for a null or a fraction where any value may stand: it cannot be sealed."""
    try:
        return item.canonical()
    except NotCanonical:
        return None


def test_a_field_that_is_always_written_is_required() -> None:
    for name in EXAMPLES.keys() - FROM_OUTSIDE:
        items = EXAMPLES[name]
        written = json.loads(items[0].canonical())
        always = {field for field in written if all(field in json.loads(item.canonical()) for item in items)}
        optional = {field.alias or key for key, field in PUBLISHED[name].model_fields.items() if field.default is None}
        assert set(schema_of(name)["required"]) >= always - optional, name
    predicate = schema_of("statement")["$defs"]["RunOpen"]
    assert "type" in predicate["required"]


@each_schema
def test_an_unknown_field_is_refused(name: str) -> None:
    written = EXAMPLES[name][0].to_json() | {"surprise": 1}
    assert list(validator(name).iter_errors(written))
    with pytest.raises(ValidationError):
        PUBLISHED[name].model_validate(written)
