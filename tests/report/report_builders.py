"""Small assessments made by hand: every outcome, gather result, mode and way to be absent occurs once.

`assessment()` is the believable one; `sized(units, failing)` streams any number of rows without keeping them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from controls.assessment import Assessment, Header, LogPosition, assess
from controls.models import (
    Catalog,
    Check,
    Control,
    EvidenceRequirement,
    Framework,
    FrameworkCatalog,
    Sensitivity,
)
from evidence_schema.digest import Digest
from evidence_schema.models.finding import CheckResult, Finding, KindCoverage, Outcomes, Reason, RequirementOutcome
from evidence_schema.models.names import Directness, FindingResult, GatherResult, LockMode, Mode, Outcome
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
from evidence_schema.models.transcript import Collector
from evidence_schema.models.unit import Period, Unit

RUN = "run-20261101T060000Z-1a2b3c4d"
LOG = "acme-clinic"
AT = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
COLLECTED = datetime(2026, 11, 1, 6, 2, 3, tzinfo=UTC)
PERIOD = Period(start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2026, 11, 1, tzinfo=UTC))
ACCOUNT, REGION = "111122223333", "eu-west-1"
DIRECT, SUPPORTING = Directness.DIRECT, Directness.SUPPORTING


def digest(name: str) -> Digest:
    return Digest.of(name.encode())


FRAMEWORK = Framework(
    id="hipaa",
    title="HIPAA Security Rule (sample of the tests)",
    citation="45 CFR Part 164",
    authority="US Department of Health and Human Services",
    version="Security Rule as amended, 78 FR 5693",
    official_text="https://www.ecfr.gov/",
    leaves_out="Everything but six controls: this is a sample made by hand.",
    roles={"covered_entity": "A health plan, clearinghouse or provider."},
)


def control(id_: str, title: str, area: str, ask: str, designation: Any = "required") -> Control:
    return Control(
        id=id_,
        title=title,
        area=area,
        ask=ask,
        citation=f"45 CFR {id_}",
        applies_to=("covered_entity", "business_associate"),
        rule="security",
        designation=designation,
    )


ADMINISTRATIVE, TECHNICAL = "Administrative safeguards", "Technical safeguards"
CONTROLS = (
    control("164.308(a)(1)(ii)(A)", "Risk analysis", ADMINISTRATIVE, "Find and write down the risks to ePHI."),
    control("164.308(a)(1)(ii)(D)", "Activity review", ADMINISTRATIVE, "Look at the records of activity regularly."),
    control("164.308(a)(7)(ii)(A)", "Data backup plan", ADMINISTRATIVE, "Keep copies that can be restored."),
    control("164.312(a)(1)", "Access control", TECHNICAL, "Let in only people and programs with rights."),
    control("164.312(a)(2)(iv)", "Encryption", TECHNICAL, "Be able to encrypt ePHI.", "addressable"),
    control("164.312(b)", "Audit controls", TECHNICAL, "Record and examine activity in systems with ePHI."),
)


def check(id_: str, text: str, mode: Mode = Mode.AUTO, kind: str = "aws.s3.buckets", **more: Any) -> Check:
    rule = {"over": kind, "assert": "record.encryption.enabled"} if mode is Mode.AUTO else {}
    return Check.model_validate({"id": id_, "text": text, "mode": mode, **rule, **more})


def requirement(
    id_: str, title: str, checks: Sequence[Check], mapping: dict[str, Directness], **more: Any
) -> EvidenceRequirement:
    fixed: dict[str, Any] = {
        "kind": "config_snapshot",
        "automation": "automated",
        "source": {"system": "aws"},
        "scope": "per account and region",
        "cadence": "monthly",
        "retention_class": "audit",
        "sensitivity": Sensitivity(personal_data=True),
        "kinds": tuple(dict.fromkeys(kind for item in checks for kind in item.over)),
    }
    return EvidenceRequirement(
        id=id_, title=title, checks=tuple(checks), mappings={"hipaa": mapping}, **{**fixed, **more}
    )


REQUIREMENTS = (
    requirement(
        "EV-BKP-01",
        "Backup plans and recovery points",
        [
            check(
                "EV-BKP-01-C1",
                "Each database has a recovery point of the last {max_age_hours} hours",
                params={"max_age_hours": 24},
            )
        ],
        {"164.308(a)(7)(ii)(A)": DIRECT},
        kind="backup_proof",
    ),
    requirement(
        "EV-ENC-01",
        "Encryption at rest",
        [
            check("EV-ENC-01-C1", "Each bucket is encrypted by default"),
            check("EV-ENC-01-C2", "Each bucket that holds ePHI uses a key of ours", when="record.phi", severity="low"),
            check("EV-ENC-01-C3", "The list of buckets by key is shown", Mode.REPORT),
        ],
        {"164.312(a)(2)(iv)": DIRECT, "164.312(a)(1)": SUPPORTING},
    ),
    requirement(
        "EV-GOV-05",
        "Risk analysis, signed",
        [check("EV-GOV-05-C1", "The analysis covers every system with ePHI", Mode.HUMAN)],
        {"164.308(a)(1)(ii)(A)": DIRECT},
        kind="document",
        automation="manual",
        source={"system": "manual", "supplied_by": "security officer"},
    ),
    requirement(
        "EV-IAM-01",
        "Users, credentials and MFA",
        [
            check("EV-IAM-01-C2", "Every user with a password has MFA", kind="aws.iam.users"),
            check(
                "EV-IAM-01-C6",
                "Shared names are on the approved list",
                Mode.HUMAN,
                needs=["approved_shared_identities"],
            ),
        ],
        {"164.312(a)(1)": DIRECT},
        kind="inventory",
        sensitivity=Sensitivity(personal_data=True, secrets=True),
    ),
    requirement(
        "EV-LOG-01",
        "Trail settings",
        [check("EV-LOG-01-C1", "A trail records every region", kind="aws.cloudtrail.trails")],
        {"164.312(b)": DIRECT},
    ),
    requirement(
        "EV-LOG-06",
        "Access logs of the period",
        [check("EV-LOG-06-C1", "There are log files for each day", kind="aws.cloudtrail.files")],
        {"164.312(b)": DIRECT, "164.308(a)(1)(ii)(D)": SUPPORTING},
        kind="access_log",
        period=True,
    ),
    requirement(
        "EV-NET-01",
        "Security groups",
        [check("EV-NET-01-C1", "No group lets the world in", kind="aws.ec2.security_groups")],
        {"164.312(a)(1)": DIRECT},
    ),
    requirement(
        "EV-VUL-01",
        "Vulnerability findings",
        [check("EV-VUL-01-C1", "No critical finding is older than 30 days", kind="aws.inspector.findings")],
        {"164.308(a)(1)(ii)(A)": DIRECT},
    ),
)
CATALOG = Catalog(
    frameworks=(FrameworkCatalog(framework=FRAMEWORK, controls=CONTROLS),),
    requirements=REQUIREMENTS,
    facts={"approved_shared_identities": "shared names that are allowed, with an owner"},
)


def result(id_: str, outcome: Outcome | None, mode: Mode = Mode.AUTO, **counts: Any) -> CheckResult:
    return CheckResult(check=id_, requirement=id_.rpartition("-")[0], mode=mode, outcome=outcome, **counts)


def coverage(kind: str, expected: int, **results: int) -> KindCoverage:
    return KindCoverage(kind=kind, expected=expected, results={GatherResult(name): n for name, n in results.items()})


def judged(
    id_: str, outcome: Outcome, checks: Sequence[CheckResult], *kinds: KindCoverage, **more: Any
) -> RequirementOutcome:
    return RequirementOutcome(
        requirement=id_, outcome=outcome, checks=tuple(checks), coverage=kinds, **{"collected_at": COLLECTED, **more}
    )


OUTCOMES = (
    judged(
        "EV-BKP-01",
        Outcome.STALE,
        [
            result(
                "EV-BKP-01-C1", Outcome.NO_EXCEPTION, population=3, tested=3, passed=3, parameters={"max_age_hours": 12}
            )
        ],
        coverage("aws.rds.instances", 1, collected=1),
        collected_at=COLLECTED - timedelta(days=50),
        reasons=("collected 50 days before the evaluation; cadence monthly",),
    ),
    judged(
        "EV-ENC-01",
        Outcome.EXCEPTION,
        [
            result(
                "EV-ENC-01-C1",
                Outcome.EXCEPTION,
                population=4,
                tested=3,
                passed=1,
                failed=2,
                errors=1,
                reasons=("s3:GetBucketEncryption was denied (AccessDenied)",),
            ),
            result("EV-ENC-01-C2", Outcome.NOT_APPLICABLE, population=4, not_applicable=4),
            result("EV-ENC-01-C3", None, Mode.REPORT, population=4),
        ],
        coverage("aws.s3.buckets", 2, collected=1, partial=1),
        reasons=(
            "aws.s3.buckets: 1 of 2 units complete (1 partial)",
            "s3:GetBucketEncryption was denied (AccessDenied)",
        ),
    ),
    judged(
        "EV-IAM-01",
        Outcome.NEEDS_REVIEW,
        [
            result("EV-IAM-01-C2", Outcome.NO_EXCEPTION, population=60, tested=58, passed=58, not_applicable=2),
            result(
                "EV-IAM-01-C6",
                Outcome.NEEDS_REVIEW,
                Mode.HUMAN,
                reasons=("list approved_shared_identities not supplied",),
            ),
        ],
        coverage("aws.iam.users", 1, collected=1),
        reasons=("list approved_shared_identities not supplied",),
    ),
    judged(
        "EV-LOG-01",
        Outcome.NO_EXCEPTION,
        [result("EV-LOG-01-C1", Outcome.NO_EXCEPTION, population=2, tested=2, passed=2)],
        coverage("aws.cloudtrail.trails", 2, collected=1, empty=1),
    ),
    judged(
        "EV-LOG-06",
        Outcome.NOT_COLLECTED,
        [result("EV-LOG-06-C1", Outcome.NOT_COLLECTED)],
        coverage("aws.cloudtrail.files", 3, denied=1, failed=1),
        collected_at=None,
        reasons=("aws.cloudtrail.files: 0 of 3 units complete (1 denied, 1 failed)",),
    ),
    judged(
        "EV-NET-01",
        Outcome.NOT_APPLICABLE,
        [result("EV-NET-01-C1", Outcome.NOT_APPLICABLE)],
        coverage("aws.ec2.security_groups", 1, unavailable=1),
    ),
)


def receipt(
    kind: str, requirements: Sequence[str], gathered: GatherResult, region: str = REGION, **more: Any
) -> Receipt:
    unit = Unit(kind=kind, account=ACCOUNT, region=region)
    fixed: dict[str, Any] = {
        "collector": Collector(name="aws", version="0.1.0", declaration=digest("declaration " + kind)),
        "period": PERIOD,
        "started": COLLECTED - timedelta(seconds=2),
        "finished": COLLECTED,
        "principal": f"arn:aws:sts::{ACCOUNT}:assumed-role/evidence-collector/{RUN}",
    }
    return Receipt(run_id=RUN, unit=unit, requirements=tuple(requirements), result=gathered, **{**fixed, **more})


def blob(name: str, role: Any = "transcript", size: int = 4096) -> StoredBlob:
    custody = Custody(
        version_id="3HL4kqtJlcpXroDTDmJ-rmSpXd3dIbrHY",
        lock_mode=LockMode.GOVERNANCE,
        retain_until=AT + timedelta(days=1),
    )
    media_type = "application/vnd.evidence.transcript+jsonl" if role == "transcript" else "application/gzip"
    return StoredBlob(role=role, name=name, digest=digest(name), size=size, media_type=media_type, custody=custody)


def problem(operation: str, result_: Any, code: str, status: int) -> CallProblem:
    return CallProblem(
        service=operation.split(":", maxsplit=1)[0],
        operation=operation.split(":")[1],
        step="list",
        result=result_,
        code=code,
        status=status,
    )


RECEIPTS = (
    receipt(
        "aws.cloudtrail.files",
        ["EV-LOG-06"],
        GatherResult.DENIED,
        "us-east-1",
        reason="the bucket refused every call",
        problems=(problem("s3:ListObjectsV2", "denied", "AccessDenied", 403),),
        calls=CallCounts(errors=1),
    ),
    receipt(
        "aws.cloudtrail.files",
        ["EV-LOG-06"],
        GatherResult.FAILED,
        reason="the deadline of the unit passed",
        problems=(problem("s3:GetObject", "failed", "SlowDown", 503),),
        calls=CallCounts(calls=4, errors=1, retries=12),
    ),
    receipt(
        "aws.cloudtrail.trails",
        ["EV-LOG-01"],
        GatherResult.COLLECTED,
        blobs=(blob("trails.jsonl"),),
        calls=CallCounts(calls=3, pages=1),
        items=ItemCounts(returned=2, kept=2),
    ),
    receipt(
        "aws.cloudtrail.trails",
        ["EV-LOG-01"],
        GatherResult.EMPTY,
        "us-east-1",
        blobs=(blob("trails-us.jsonl"),),
        calls=CallCounts(calls=1, pages=1),
    ),
    receipt("aws.ec2.security_groups", ["EV-NET-01"], GatherResult.UNAVAILABLE, reason="the region is not enabled"),
    receipt(
        "aws.iam.users",
        ["EV-IAM-01", "EV-OTH-01"],
        GatherResult.COLLECTED,
        "global",
        blobs=(blob("users.jsonl"), blob("credential-report.csv", "file", 9_876)),
        calls=CallCounts(calls=5, pages=2),
        items=ItemCounts(returned=60, kept=60, control_total=61, difference=-1),
        redactions=(RedactionCount(rule="field:password", count=3),),
        quarantined=1,
    ),
    receipt(
        "aws.rds.instances",
        ["EV-BKP-01"],
        GatherResult.COLLECTED,
        blobs=(blob("databases.jsonl"),),
        calls=CallCounts(calls=2, pages=1),
        items=ItemCounts(returned=3, kept=3, control_total=3, difference=0),
    ),
    receipt(
        "aws.s3.buckets",
        ["EV-BKP-01", "EV-ENC-01"],
        GatherResult.PARTIAL,
        "global",
        blobs=(blob("buckets.jsonl"),),
        problems=(problem("s3:GetBucketEncryption", "denied", "AccessDenied", 403),),
        calls=CallCounts(calls=9, pages=1, errors=1),
        items=ItemCounts(returned=4, kept=4),
    ),
)


def finding(
    check_: str, kind: str, record: str, result_: FindingResult, region: str = "global", **more: Any
) -> Finding:
    return Finding(
        check=check_,
        requirement=check_.rpartition("-")[0],
        kind=kind,
        account=ACCOUNT,
        region=region,
        record=record,
        result=result_,
        **more,
    )


FINDINGS = (
    finding(
        "EV-ENC-01-C1",
        "aws.s3.buckets",
        "acme-exports",
        FindingResult.FAIL,
        values={"record.encryption.enabled": False, "record.tags": {"owner": "=cmd|' /C calc'!A0"}},
    ),
    finding("EV-ENC-01-C1", "aws.s3.buckets", "acme-logs", FindingResult.PASS),
    finding(
        "EV-ENC-01-C1",
        "aws.s3.buckets",
        "acme-records",
        FindingResult.ERROR,
        reason=Reason(type="call", name="encryption", text="s3:GetBucketEncryption was denied (AccessDenied)"),
    ),
    finding(
        "EV-ENC-01-C1",
        "aws.s3.buckets",
        '=HYPERLINK("https://example.invalid")',
        FindingResult.FAIL,
        values={"record.encryption.enabled": False},
    ),
)
HEADER = Header(
    organisation="Acme Clinic & Sons",
    framework=FRAMEWORK,
    period=PERIOD,
    run_id=RUN,
    slot="monthly/2026-11",
    trigger="schedule",
    case="",
    at=AT,
    simulated=True,
    accounts=(ACCOUNT,),
    regions=(REGION, "us-east-1"),
    generator="evidence-collector 0.1.0",
    catalogue=digest("catalogue"),
    plan=digest("plan"),
    settings=digest("settings"),
    manifest=digest("manifest"),
    findings=digest("findings"),
    lock="GOVERNANCE, 1 day (read back after each put)",
    log=LogPosition(
        origin="evidence.acme.example/acme-clinic",
        tree_size=14,
        root=digest("root").base64,
        checkpoint=f"evidence.acme.example/acme-clinic\n14\n{digest('root').base64}\n\n"
        "\u2014 evidence.acme.example/acme-clinic c2lnbmF0dXJlIG9mIHRoZSB0ZXN0cywgbm90IG9mIGFueSBrZXk=\n",
        key_fingerprints=(str(digest("key")),),
        trust_policy=str(digest("trust policy")),
    ),
)


def manifest(rows: int, results: dict[GatherResult, int]) -> Manifest:
    part = ManifestPart(account=ACCOUNT, digest=digest("part"), size=20_000, rows=rows)
    return Manifest(
        log=LOG,
        run_id=RUN,
        slot="monthly/2026-11",
        period=PERIOD,
        plan=HEADER.plan,
        rows=rows,
        results=results,
        parts=(part,),
    )


def assessment(
    receipts: Sequence[Receipt] = RECEIPTS, findings: Sequence[Finding] = FINDINGS, **changes: Any
) -> Assessment:
    """The sample; `changes` go into its header."""
    results = {gathered: sum(row.result is gathered for row in receipts) for gathered in GatherResult}
    return _assessment(lambda: iter(receipts), lambda: iter(findings), manifest(len(receipts), results), **changes)


def _assessment(
    receipts: Callable[[], Iterator[Receipt]],
    findings: Callable[[], Iterator[Finding]],
    whole: Manifest,
    **changes: Any,
) -> Assessment:
    outcomes = Outcomes(run_id=RUN, at=AT, findings=HEADER.findings, requirements=OUTCOMES)
    return assess(replace(HEADER, **changes), CATALOG, outcomes, whole, receipts, findings)


def sized(units: int, failing: int, regions: int = 100) -> Assessment:
    """Streams of any length, made as they are read."""

    def receipts() -> Iterator[Receipt]:
        like = RECEIPTS[2]
        for number in range(units):
            unit = like.unit.model_copy(
                update={"account": f"{number // regions:012d}", "region": f"region-{number % regions}"}
            )
            own = like.blobs[0].model_copy(update={"digest": digest(f"blob {number}")})
            yield like.model_copy(update={"unit": unit, "requirements": ("EV-LOG-01",), "blobs": (own,)})

    def findings() -> Iterator[Finding]:
        for number in range(failing):
            yield FINDINGS[0].model_copy(update={"record": f"bucket-{number}"})

    return _assessment(receipts, findings, manifest(units, {GatherResult.COLLECTED: units}))
