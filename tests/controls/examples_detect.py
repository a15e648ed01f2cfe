"""Examples of detective services: configuration rules, threat detection, benchmarks, vulnerabilities, malware."""

from __future__ import annotations

from typing import Any

from answers import ACCOUNT, REGION, Body, Told, listed
from examples_first import event, extract
from exampling import Records, derived, example, place, without

from evidence_schema.models.transcript import Record

HOME, OTHER = REGION, "eu-central-1"
here = place("region", HOME, HOME)
NO_TICKET = {"finding_tickets": {"tickets": []}}


def ticket(*ids: str) -> Body:
    return {"finding_tickets": {"tickets": list(ids)}}


# --- configuration rules --------------------------------------------------------------------------------------------

ALL_TYPES = {"allSupported": True, "includeGlobalResourceTypes": True, "resourceTypes": []}
NOT_GLOBAL = ALL_TYPES | {"includeGlobalResourceTypes": False}
SOME = {"allSupported": False, "includeGlobalResourceTypes": False, "resourceTypes": ["AWS::EC2::Instance"]}
ALL_BUT = SOME | {
    "resourceTypes": [],
    "exclusionByResourceTypes": {"resourceTypes": ["AWS::IAM::User", "AWS::S3::Bucket"]},
    "recordingStrategy": {"useOnly": "EXCLUSION_BY_RESOURCE_TYPES"},
}
ALL_BUT_BUCKETS = ALL_BUT | {"exclusionByResourceTypes": {"resourceTypes": ["AWS::S3::Bucket"]}}
RECORDING = {"name": "default", "recording": True, "lastStatus": "SUCCESS"}
WANTED_TYPES = {"recorded_resource_types": {"types": ["AWS::EC2::Instance", "AWS::IAM::User"]}}


def recorder(group: Body, status: Body | None = None, region: str = HOME) -> Records:
    told = Told("aws.config.recorders", region)
    told.list({"name": "default", "roleARN": f"arn:aws:iam::{ACCOUNT}:role/config", "recordingGroup": group})
    told.each("status", {"ConfigurationRecordersStatus": [RECORDING if status is None else status]}, "default")
    return told.records()


def recorded(home: Body, elsewhere: Body | None = NOT_GLOBAL, status: Body | None = None) -> dict[str, Records]:
    """What the region of the record and the account's other region record."""
    own = recorder(home, status)
    return {"recorders": own, "everywhere": own + (recorder(elsewhere, region=OTHER) if elsewhere else ())}


for lists, why in (
    (recorded(ALL_TYPES), "all types, with the global ones"),
    (recorded(ALL_TYPES, elsewhere=None), "one region"),
    (recorded(NOT_GLOBAL, elsewhere=ALL_TYPES), "the global types are recorded elsewhere"),
    (recorded(SOME | {"resourceTypes": ["AWS::EC2::Instance", "AWS::IAM::User"]}), "these types only"),
    (recorded(ALL_BUT_BUCKETS), "all but one that nobody asks for"),
    (recorded(ALL_BUT, elsewhere=ALL_BUT_BUCKETS), "all but the global ones, which are recorded elsewhere"),
    (recorded(ALL_TYPES, status=RECORDING | {"lastStatus": "Success"}), "as the service's model spells it"),
):
    example("EV-MON-01-C1", "pass", here, why, lists=lists, facts=WANTED_TYPES)
for lists, why in (
    ({"recorders": (), "everywhere": ()}, "no recorder"),
    ({"recorders": (), "everywhere": recorder(ALL_TYPES, region=OTHER)}, "only elsewhere"),
    (recorded(ALL_TYPES, status=RECORDING | {"recording": False}), "switched off"),
    (recorded(ALL_TYPES, status=RECORDING | {"lastStatus": "Failure"}), "cannot deliver"),
    (recorded(ALL_TYPES, status={"name": "default", "recording": True}), "never delivered"),
    (recorded(NOT_GLOBAL), "global types nowhere"),
    (recorded(ALL_TYPES, elsewhere=ALL_TYPES), "global types twice"),
    (recorded(ALL_TYPES, elsewhere=ALL_BUT_BUCKETS), "global types twice, once as what is not left out"),
):
    example("EV-MON-01-C1", "fail", here, why, lists=lists)
for group, elsewhere, wanted in (
    (SOME, ALL_TYPES, ["AWS::RDS::DBInstance"]),
    (ALL_TYPES, NOT_GLOBAL, ["AWS::IAM::Group", "AWS::S3::Bucket"]),
    (ALL_BUT_BUCKETS, NOT_GLOBAL, ["AWS::S3::Bucket"]),
    (SOME | {"resourceTypes": ["AWS::IAM::User"]}, NOT_GLOBAL, ["AWS::IAM::Role"]),
):
    case: Any = "pass" if group is ALL_TYPES else "fail"
    lists, facts = recorded(group, elsewhere), {"recorded_resource_types": {"types": wanted}}
    example("EV-MON-01-C1", case, here, f"{wanted} are wanted", lists=lists, facts=facts)
lacking = recorder(ALL_TYPES, {"name": "default", "lastStatus": "SUCCESS"})
example("EV-MON-01-C1", "lacks_field", here, lists={"recorders": lacking, "everywhere": lacking}, facts=WANTED_TYPES)

ADOPTED = {
    "adopted_rules": {
        "config_rules": ["encrypted-volumes"],
        "detection_features": ["S3_DATA_EVENTS", "EBS_MALWARE_PROTECTION"],
        "standards": ["cis-aws-foundations-benchmark/v/3.0.0"],
    }
}
RULE_NAME = "encrypted-volumes"


def rule(name: str = RULE_NAME, evaluated: str | None = "2026-10-31T06:00:00Z", statuses: int = 1) -> Records:
    told = Told("aws.config.rules").list(
        {"ConfigRuleName": name, "Source": {"Owner": "AWS", "SourceIdentifier": "ENCRYPTED_VOLUMES"}}
    )
    status = {"ConfigRuleName": name} | ({"LastSuccessfulEvaluationTime": evaluated} if evaluated else {})
    return told.each("evaluation_status", {"items": [status] * statuses}, name).records()


example("EV-MON-01-C2", "pass", here, lists={"rules": rule()}, facts=ADOPTED)
example(
    "EV-MON-01-C2", "pass", here, "of a conformance pack, 48 hours to the second",
    lists={"rules": rule("other") + rule(f"{RULE_NAME}-conformance-pack-ab12", "2026-10-30T06:00:00Z")}, facts=ADOPTED,
)  # fmt: skip
example("EV-MON-01-C2", "fail", here, "no rule at all", lists={"rules": ()})
for found, why in (
    (rule("other"), "another rule"),
    (rule("encrypted-volumes-of-my-own"), "a longer name"),
    (rule(evaluated="2026-10-30T05:59:59Z"), "too long ago"),
    (rule(evaluated=None), "never evaluated"),
    (rule(statuses=0), "nothing is told of its evaluation"),
):
    example("EV-MON-01-C2", "fail", here, why, lists={"rules": found}, facts=ADOPTED)
example(
    "EV-MON-01-C2", "lacks_field", here,
    lists={"rules": tuple(without(item, "ConfigRuleName") for item in rule())}, facts=ADOPTED,
)  # fmt: skip


def evaluation(result: str = "COMPLIANT", resource: str = "vol-1") -> Record:
    qualifier = {"ConfigRuleName": RULE_NAME, "ResourceType": "AWS::EC2::Volume", "ResourceId": resource}
    item = {"EvaluationResultIdentifier": {"EvaluationResultQualifier": qualifier}, "ComplianceType": result}
    return Told("aws.config.evaluations").list(item, source=RULE_NAME).records()[0]


example("EV-MON-01-C3", "pass", evaluation(), facts=NO_TICKET)
example("EV-MON-01-C3", "pass", evaluation("NOT_APPLICABLE"), facts=NO_TICKET)
bad = evaluation("NON_COMPLIANT")
example("EV-MON-01-C3", "pass", bad, "a ticket", facts=ticket(f"{RULE_NAME}/vol-1"), excused=True)
example("EV-MON-01-C3", "fail", bad, "a ticket for another rule", facts=ticket("vol-1", "other/vol-1"))
example("EV-MON-01-C3", "fail", bad, facts=NO_TICKET)
example("EV-MON-01-C3", "fail", evaluation("INSUFFICIENT_DATA"), "not known to be compliant", facts=NO_TICKET)
example("EV-MON-01-C3", "lacks_field", without(bad, "ComplianceType"), facts=NO_TICKET)


# --- threat detection -----------------------------------------------------------------------------------------------

DETECTOR = "d1d2d3d4"
MEMBER = {"AccountId": "444455556666", "MasterId": ACCOUNT, "Email": "m@example.com", "UpdatedAt": "x"}


def feature(name: str, status: str = "ENABLED") -> Body:
    return {"Name": name, "Status": status}


FEATURES = (feature("S3_DATA_EVENTS"), feature("EBS_MALWARE_PROTECTION"))


def detector(
    status: str = "ENABLED", features: tuple[Body, ...] | None = FEATURES, members: tuple[str, ...] = ()
) -> Records:
    told = Told("aws.guardduty.detectors").list(DETECTOR)
    named = {} if features is None else {"Features": list(features)}
    told.each("detail", {"ServiceRole": "r", "Status": status} | named, DETECTOR)
    told.each("members", {"items": [MEMBER | {"RelationshipStatus": state} for state in members]}, DETECTOR)
    return told.records()


example("EV-MON-03-C1", "pass", here, lists={"detectors": detector()})
example("EV-MON-03-C1", "pass", here, "members too", lists={"detectors": detector(members=("Enabled", "Enabled"))})
example("EV-MON-03-C1", "fail", here, "no detector", lists={"detectors": ()})
example("EV-MON-03-C1", "fail", here, "suspended", lists={"detectors": detector("DISABLED")})
example("EV-MON-03-C1", "fail", here, "a member is not", lists={"detectors": detector(members=("Enabled", "Disabled"))})
example("EV-MON-03-C1", "lacks_field", here, lists={"detectors": tuple(without(item, "detail") for item in detector())})

example("EV-MON-03-C2", "pass", detector()[0], facts=ADOPTED)
example("EV-MON-03-C2", "fail", detector("DISABLED")[0])
for features, why in (
    ((feature("S3_DATA_EVENTS"),), "one is missing"),
    ((feature("S3_DATA_EVENTS"), feature("EBS_MALWARE_PROTECTION", "DISABLED")), "one is off"),
    (None, "none is told"),
):
    example("EV-MON-03-C2", "fail", detector(features=features)[0], why, facts=ADOPTED)
example("EV-MON-03-C2", "lacks_field", without(detector()[0], "detail"), facts=ADOPTED)


def threat(
    severity: str = "8.0", created: str = "2026-10-20T06:00:00.000Z", archived: bool = False,
    type_: str = "UnauthorizedAccess:EC2/SSHBruteForce",
) -> Record:  # fmt: skip
    told = Told("aws.guardduty.findings").list("f-1", source=DETECTOR)
    finding = {
        "Id": "f-1", "Arn": "a", "AccountId": ACCOUNT, "Region": REGION, "SchemaVersion": "2.0", "Type": type_,
        "Severity": severity, "CreatedAt": created, "UpdatedAt": created, "Resource": {"ResourceType": "Instance"},
        "Service": {"Archived": archived, "Count": 1},
    }  # fmt: skip
    told.call("GetFindings", "batch", {"Findings": [finding]}, "f-1")
    return told.records()[0]


RECENT = "2026-10-25T06:00:00.000Z"
example("EV-MON-03-C3", "pass", threat(created=RECENT), "open for seven days to the second", facts=NO_TICKET)
example("EV-MON-03-C3", "pass", threat("6.9"), "medium", facts=NO_TICKET)
example("EV-MON-03-C3", "pass", threat("5", archived=True), "medium, archived", facts=NO_TICKET)
example("EV-MON-03-C3", "pass", threat(archived=True), "archived with a reason", facts=ticket("f-1"), excused=True)
example("EV-MON-03-C3", "fail", threat(archived=True), "archived without a reason", facts=NO_TICKET)
example("EV-MON-03-C3", "fail", threat(), "open too long", facts=ticket("f-1"))
example("EV-MON-03-C3", "fail", threat("7"), "seven is high")
example("EV-MON-03-C3", "lacks_field", without(threat(), "finding"), facts=NO_TICKET)


# --- benchmarks -----------------------------------------------------------------------------------------------------

HUB = f"arn:aws:securityhub:{REGION}:{ACCOUNT}:hub/default"
CIS = f"arn:aws:securityhub:{REGION}::standards/cis-aws-foundations-benchmark/v/3.0.0"
hubs = listed("aws.securityhub.hub", {"HubArn": HUB, "AutoEnableControls": True})


def standard(arn: str = CIS, status: str = "READY") -> Records:
    item = {"StandardsSubscriptionArn": "s", "StandardsArn": arn, "StandardsInput": {}, "StandardsStatus": status}
    return listed("aws.securityhub.standards", item)


example("EV-MON-04-C1", "pass", here, lists={"hubs": hubs, "standards": standard()}, facts=ADOPTED)
example("EV-MON-04-C1", "fail", here, "off", lists={"hubs": (), "standards": ()})
for found, why in (
    ((), "no standard"),
    (standard(status="INCOMPLETE"), "not ready"),
    (standard(CIS.replace("3.0.0", "1.4.0")), "another version"),
):
    example("EV-MON-04-C1", "fail", here, why, lists={"hubs": hubs, "standards": found}, facts=ADOPTED)
example(
    "EV-MON-04-C1", "lacks_field", here,
    lists={"hubs": hubs, "standards": tuple(without(item, "StandardsArn") for item in standard())}, facts=ADOPTED,
)  # fmt: skip


def control(first: str | None = "2026-10-20T06:00:00Z", status: str = "FAILED", **fields: Any) -> Record:
    item = {
        "Id": "arn:control/1", "SchemaVersion": "2018-10-08", "ProductArn": "p", "GeneratorId": "g",
        "AwsAccountId": ACCOUNT, "Title": "t", "Description": "d", "CreatedAt": "2026-09-01T06:00:00Z",
        "UpdatedAt": "2026-10-31T06:00:00Z", "Severity": {"Label": "CRITICAL"}, "Compliance": {"Status": status},
        "Workflow": {"Status": "NEW"}, "Resources": [{"Type": "AwsAccount", "Id": "x"}],
    } | ({"FirstObservedAt": first} if first else {}) | fields  # fmt: skip
    return listed("aws.securityhub.findings", item)[0]


SUPPRESSED = {"Workflow": {"Status": "SUPPRESSED"}}
NOTE = {"Note": {"Text": "accepted by the board", "UpdatedBy": "x", "UpdatedAt": "2026-10-01T00:00:00Z"}}
example("EV-MON-04-C3", "pass", control(), facts=NO_TICKET)
example("EV-MON-04-C3", "pass", control("2026-10-02T06:00:00Z"), "30 days to the second", facts=NO_TICKET)
example("EV-MON-04-C3", "pass", control("2026-01-01T06:00:00Z", **SUPPRESSED, **NOTE), facts=NO_TICKET)
example("EV-MON-04-C3", "pass", control(**SUPPRESSED), "a ticket", facts=ticket("arn:control/1"), excused=True)
example("EV-MON-04-C3", "fail", control(**SUPPRESSED), "suppressed without a word", facts=NO_TICKET)
example("EV-MON-04-C3", "fail", control(**SUPPRESSED, Note=NOTE["Note"] | {"Text": ""}), facts=NO_TICKET)
example("EV-MON-04-C3", "fail", control("2026-10-02T05:59:59Z", **NOTE), "open too long", facts=ticket("arn:control/1"))
example("EV-MON-04-C3", "fail", control(None), "since it was made")
example("EV-MON-04-C3", "not_applicable", control("2026-01-01T06:00:00Z", status="PASSED"))
example("EV-MON-04-C3", "not_applicable", control("2026-01-01T06:00:00Z", Severity={"Label": "HIGH"}))
example("EV-MON-04-C3", "lacks_field", without(control(), "Severity"), facts=NO_TICKET)


# --- vulnerabilities ------------------------------------------------------------------------------------------------

ON, OFF = {"status": "ENABLED"}, {"status": "DISABLED"}
SCANNED = {"ec2": ON, "ecr": ON, "lambda": ON}


def scanning(state: Body = ON, **resources: Body) -> Records:
    item = {"accountId": ACCOUNT, "state": state, "resourceState": SCANNED | resources}
    return listed("aws.inspector2.account_status", item)


def covered(active: int, inactive: int) -> Records:
    def one(number: int, code: str) -> Body:
        return {
            "resourceId": f"i-{number}", "resourceType": "AWS_EC2_INSTANCE", "accountId": ACCOUNT, "scanType": "CODE",
            "scanStatus": {"statusCode": code, "reason": "SUCCESSFUL"},
        }  # fmt: skip

    codes = ["ACTIVE"] * active + ["INACTIVE"] * inactive
    return listed("aws.inspector2.coverage", *(one(number, code) for number, code in enumerate(codes)))


def watched(states: Records, resources: Records) -> dict[str, Records]:
    return {"states": states, "resources": resources}


example("EV-VUL-03-C1", "pass", here, lists=watched(scanning(), covered(19, 1)))
example("EV-VUL-03-C1", "pass", here, "nothing to scan", lists=watched(scanning(), ()))
example("EV-VUL-03-C1", "fail", here, "nothing is told", lists=watched((), covered(1, 0)))
example("EV-VUL-03-C1", "fail", here, "off", lists=watched(scanning(OFF), ()))
for resource in ("ec2", "ecr", "lambda"):
    example("EV-VUL-03-C1", "fail", here, f"{resource} is off", lists=watched(scanning(**{resource: OFF}), ()))
example("EV-VUL-03-C1", "fail", here, "94 of 100", lists=watched(scanning(), covered(94, 6)))
without_functions = tuple(
    item.model_copy(update={"fields": item.fields | {"resourceState": {"ec2": ON, "ecr": ON}}}) for item in scanning()
)
example("EV-VUL-03-C1", "fail", here, "functions are not told of", lists=watched(without_functions, ()))
example("EV-VUL-03-C1", "lacks_field", here, lists=watched(tuple(without(item, "state") for item in scanning()), ()))

DAYS: Body = {"critical_days": 15, "high_days": 30}
FIX = DAYS | {"finding_tickets": {"tickets": ["arn:finding/1"]}}
FINDING = {
    "findingArn": "arn:finding/1", "awsAccountId": ACCOUNT, "type": "PACKAGE_VULNERABILITY", "description": "d",
    "remediation": {}, "severity": "CRITICAL", "status": "ACTIVE", "resources": [{"type": "OTHER", "id": "i"}],
    "firstObservedAt": "2026-10-20T06:00:00Z", "lastObservedAt": "2026-10-31T06:00:00Z",
}  # fmt: skip


def vulnerability(**fields: Any) -> Record:
    return listed("aws.inspector2.findings", FINDING | fields)[0]


def accepted(until: str) -> Body:
    return DAYS | {"finding_tickets": {"tickets": [], "accepted_until": {"arn:finding/1": until}}}


LONG_AGO = {"firstObservedAt": "2026-08-01T06:00:00Z"}
CLOSED = {"status": "CLOSED", "updatedAt": "2026-10-30T06:00:00Z"}
example("EV-VUL-03-C2", "pass", vulnerability(), facts=FIX)
example("EV-VUL-03-C2", "pass", vulnerability(firstObservedAt="2026-10-17T06:00:00Z"), "15 days", facts=FIX)
example(
    "EV-VUL-03-C2", "pass", vulnerability(severity="HIGH", firstObservedAt="2026-10-02T06:00:00Z"), "30 days", facts=FIX
)
example("EV-VUL-03-C2", "pass", vulnerability(**CLOSED, firstObservedAt="2026-10-15T06:00:00Z"), "in time", facts=FIX)
example("EV-VUL-03-C2", "pass", vulnerability(**LONG_AGO), "accepted", facts=accepted("2026-11-02"), excused=True)
example(
    "EV-VUL-03-C2", "pass", vulnerability(**LONG_AGO, status="SUPPRESSED"), "suppressed and accepted",
    facts=accepted("2027-01-31"), excused=True,
)  # fmt: skip
for fields, why in (
    ({"firstObservedAt": "2026-10-17T05:59:59Z"}, "critical"),
    ({"severity": "HIGH", "firstObservedAt": "2026-10-02T05:59:59Z"}, "high"),
    (CLOSED | {"firstObservedAt": "2026-10-15T05:59:59Z"}, "closed too late"),
    ({"status": "CLOSED", **LONG_AGO}, "closed when it was last seen"),
    (LONG_AGO | {"status": "SUPPRESSED"}, "suppressed, and only a ticket"),
):
    example("EV-VUL-03-C2", "fail", vulnerability(**fields), why, facts=FIX)
example("EV-VUL-03-C2", "fail", vulnerability(**LONG_AGO), "accepted no longer", facts=accepted("2026-11-01"))
example("EV-VUL-03-C2", "not_applicable", vulnerability(**LONG_AGO, severity="MEDIUM"), facts=FIX)
example("EV-VUL-03-C2", "lacks_field", without(vulnerability(), "firstObservedAt"), facts=FIX)

example("EV-VUL-03-C3", "pass", vulnerability(**CLOSED))
example("EV-VUL-03-C3", "fail", vulnerability(status="CLOSED"), "nobody knows when it was closed")
example("EV-VUL-03-C3", "fail", without(vulnerability(**CLOSED), "firstObservedAt"), "nobody knows when it was seen")
example("EV-VUL-03-C3", "fail", vulnerability(**CLOSED | {"updatedAt": "2026-10-01T06:00:00Z"}), "closed before seen")
example("EV-VUL-03-C3", "not_applicable", vulnerability())
example("EV-VUL-03-C3", "lacks_field", without(vulnerability(**CLOSED), "status"))


# --- malware --------------------------------------------------------------------------------------------------------


def plan(bucket: str = "uploads", status: str = "ACTIVE", prefixes: list[str] | None = None) -> Records:
    protected = {"BucketName": bucket} | ({} if prefixes is None else {"ObjectPrefixes": prefixes})
    told = Told("aws.guardduty.malware_protection_plans").list({"MalwareProtectionPlanId": f"plan-{bucket}"})
    detail = {"Arn": "a", "Status": status, "ProtectedResource": {"S3Bucket": protected}}
    return told.each("detail", detail, f"plan-{bucket}").records()


UPLOADS = {"upload_buckets": {"buckets": ["uploads"]}}
example("EV-VUL-07-C2", "pass", place(), lists={"plans": plan("other") + plan()}, facts=UPLOADS)
example("EV-VUL-07-C2", "pass", place(), "all prefixes", lists={"plans": plan(prefixes=[])}, facts=UPLOADS)
for plans, why in (((), "no plan"), (plan("other"), "another bucket"), (plan(status="ERROR"), "it does not work")):
    example("EV-VUL-07-C2", "fail", place(), why, lists={"plans": plans}, facts=UPLOADS)
example("EV-VUL-07-C2", "cannot_tell", place(), "a part", lists={"plans": plan(prefixes=["in/"])}, facts=UPLOADS)
example("EV-VUL-07-C2", "pass", place(), "no uploads", lists={"plans": ()}, facts={"upload_buckets": {"buckets": []}})
example(
    "EV-VUL-07-C2", "lacks_field", place(), lists={"plans": tuple(without(item, "detail") for item in plan())},
    facts=UPLOADS,
)  # fmt: skip


def scan(result: str | None = "CLEAN", status: str = "COMPLETED") -> Record:
    item = {"ScanId": "scan-1", "DetectorId": DETECTOR, "ScanStatus": status}
    item |= {} if result is None else {"ScanResultDetails": {"ScanResult": result}}
    return Told("aws.guardduty.malware_scans").list(item, source=DETECTOR).records()[0]


MALICIOUS = "Object:S3/MaliciousFile"
example("EV-VUL-07-C3", "pass", scan(), facts=NO_TICKET)
example("EV-VUL-07-C3", "pass", scan(None, "RUNNING"), "no result yet", facts=NO_TICKET)
example("EV-VUL-07-C3", "pass", scan("INFECTED"), "a ticket", facts=ticket("scan-1"), excused=True)
example("EV-VUL-07-C3", "fail", scan("INFECTED"), facts=NO_TICKET)
example("EV-VUL-07-C3", "pass", threat(), "another threat", facts=NO_TICKET)
example("EV-VUL-07-C3", "pass", threat(type_=MALICIOUS), "a ticket", facts=ticket("f-1"), excused=True)
example("EV-VUL-07-C3", "fail", threat(type_=MALICIOUS), facts=NO_TICKET)
example("EV-VUL-07-C3", "fail", without(threat(), "finding"), "its details were not told", facts=NO_TICKET)


# --- the provider's reports and agreements --------------------------------------------------------------------------

AUDIT = {"audit_period": {"first": "2025-11-01", "last": "2026-10-31"}}
SOC_2 = "Service Organization Controls (SOC) 2 Report - Current"


def report(name: str, start: str | None, end: str | None) -> Records:
    told = Told("aws.artifact.reports").list({"id": f"report-{name}", "name": name, "state": "PUBLISHED"})
    times = {"periodStart": start, "periodEnd": end}
    detail = {"id": f"report-{name}", "name": name} | {key: f"{day}T00:00:00Z" for key, day in times.items() if day}
    return told.each("detail", {"reportDetails": detail}, f"report-{name}").records()


EARLY = report(SOC_2, "2025-04-01", "2026-03-31")
LETTER = report("SOC Continued Operations Letter", "2026-04-01", "2026-10-31")
for reports, why in (
    (report(SOC_2, "2025-11-01", "2026-10-31"), "to the day"),
    (report("SOC 1 Report", "2020-01-01", "2020-12-31") + report("AWS SOC 2 Report", "2025-10-01", "2026-12-31"), ""),
    (EARLY + LETTER, "with a bridge letter"),
):
    example("EV-VEN-03-C1", "pass", place(), why, lists={"reports": reports}, facts=AUDIT)
example("EV-VEN-03-C1", "fail", place(), "no report", lists={"reports": ()})
example("EV-VEN-03-C1", "fail", place(), "another report", lists={"reports": report("ISO 27001", "2025-01-01", None)})
for reports, why in (
    (EARLY, "it ends too early"),
    (report(SOC_2, "2025-11-02", "2026-10-31"), "it begins too late"),
    (report(SOC_2, None, None), "its period is not told"),
    (EARLY + report("Bridge letter", "2026-04-01", "2026-10-30"), "the letter ends too early"),
    (report(SOC_2, "2024-04-01", "2025-03-31") + LETTER, "a year that nobody reports on"),
):
    example("EV-VEN-03-C1", "fail", place(), why, lists={"reports": reports}, facts=AUDIT)
example(
    "EV-VEN-03-C1", "lacks_field", place(), lists={"reports": tuple(without(item, "detail") for item in EARLY)},
    facts=AUDIT,
)  # fmt: skip

ADDENDUM, TERMS = "AWS Business Associate Addendum", "AWS GDPR Data Processing Addendum"


def agreement(name: str, state: str = "ACTIVE") -> Records:
    item = {"id": f"agreement-{name}", "name": name, "state": state, "awsAccountId": ACCOUNT, "type": "DEFAULT"}
    return listed("aws.artifact.agreements", item)


example("EV-VEN-03-C2", "pass", place(), lists={"agreements": agreement(ADDENDUM) + agreement(TERMS)})
for agreements, why in (
    ((), "none"),
    (agreement(TERMS), "no business associate addendum"),
    (agreement(ADDENDUM, "CUSTOMER_TERMINATED") + agreement(TERMS), "it was ended"),
    (agreement(ADDENDUM) + agreement(TERMS, "AWS_TERMINATED"), "the terms were ended"),
):
    example("EV-VEN-03-C2", "fail", place(), why, lists={"agreements": agreements})
example("EV-VEN-03-C2", "cannot_tell", place(), "part of the service terms", lists={"agreements": agreement(ADDENDUM)})
example(
    "EV-VEN-03-C2", "lacks_field", place(),
    lists={"agreements": tuple(without(item, "state") for item in agreement(ADDENDUM) + agreement(TERMS))},
)  # fmt: skip


# --- patches and maintenance ----------------------------------------------------------------------------------------


def machine(state: str = "running") -> Record:
    return listed("aws.ec2.instances", {"InstanceId": "i-1", "State": {"Name": state, "Code": 16}})[0]


def patch(
    state: str = "INSTALLED", severity: str = "Critical", installed: str = "2026-10-20T06:00:00Z", name: str = "KB1"
) -> Body:
    return {
        "Title": "t", "KBId": name, "Classification": "Security", "Severity": severity, "State": state,
        "InstalledTime": installed,
    }  # fmt: skip


def patches(
    *found: Body, scanned: str | None = "2026-10-30T06:00:00Z", operation: str = "Scan", machine_id: str = "i-1"
) -> Records:
    told = Told("aws.ssm.patch_states")
    state = {
        "InstanceId": machine_id, "PatchGroup": "", "BaselineId": "pb-1", "OperationStartTime": scanned,
        "OperationEndTime": scanned, "Operation": operation,
    }  # fmt: skip
    told.each("state", {"items": [state] if scanned else []}, machine_id)
    return told.each("patches", {"items": list(found)}, machine_id).records()


example("EV-VUL-02-C1", "pass", machine(), lists={"machines": patches(machine_id="i-2") + patches()})
example("EV-VUL-02-C1", "pass", machine(), "7 days", lists={"machines": patches(scanned="2026-10-25T06:00:00Z")})
example("EV-VUL-02-C1", "fail", machine(), "not managed", lists={"machines": patches(machine_id="i-2")})
example("EV-VUL-02-C1", "fail", machine(), "never scanned", lists={"machines": patches(scanned=None)})
example("EV-VUL-02-C1", "fail", machine(), "long ago", lists={"machines": patches(scanned="2026-10-25T05:59:59Z")})
example("EV-VUL-02-C1", "not_applicable", machine("stopped"), lists={"machines": ()})
example("EV-VUL-02-C1", "lacks_field", without(machine(), "State"), lists={"machines": patches()})

MISSING = {"state": "MISSING", "installed": "1970-01-01T00:00:00Z", "name": "KB2"}
LONG_INSTALLED = patch(installed="2026-10-02T05:59:59Z")
example("EV-VUL-02-C2", "pass", patches(patch(), patch(severity="Low", **MISSING))[0])
example("EV-VUL-02-C2", "pass", patches()[0], "nothing to patch")
example("EV-VUL-02-C2", "fail", patches(scanned=None)[0], "never scanned")
for severity in ("Critical", "Important"):
    example("EV-VUL-02-C2", "fail", patches(LONG_INSTALLED, patch(severity=severity, **MISSING))[0])
example("EV-VUL-02-C2", "fail", patches(patch(**MISSING | {"state": "Failed"}))[0], "failed, and nothing else")
example("EV-VUL-02-C2", "cannot_tell", patches(patch(), patch(**MISSING))[0], "it may be new")
example("EV-VUL-02-C2", "lacks_field", without(patches()[0], "patches"))

DATABASE_ARN = f"arn:aws:rds:{REGION}:{ACCOUNT}:db:patients"


def waiting(**dates: str) -> Record:
    item = {
        "ResourceIdentifier": DATABASE_ARN,
        "PendingMaintenanceActionDetails": [{"Action": "system-update"} | dates],
    }
    return listed("aws.rds.pending_maintenance", item)[0]


def platform(value: str | None) -> Record:
    told = Told("aws.elasticbeanstalk.environments").list({"EnvironmentId": "e-1", "EnvironmentName": "intake"})
    named = {"Namespace": "aws:elasticbeanstalk:managedactions", "OptionName": "ManagedActionsEnabled"}
    options = [{"Namespace": "aws:other", "OptionName": "ManagedActionsEnabled", "Value": "true"}]
    options += [] if value is None else [named | {"Value": value}]
    settings = {"ConfigurationSettings": [{"EnvironmentName": "intake", "OptionSettings": options}]}
    return told.each("configuration", settings, "e-1").records()[0]


def warehouse(**fields: Any) -> Record:
    told = Told("aws.redshift.clusters").list({"ClusterIdentifier": "w"} | fields)
    return told.each("logging", {"LoggingEnabled": True}, "w").records()[0]


def database(**fields: Any) -> Record:
    return listed("aws.rds.instances", {"DBInstanceIdentifier": "patients"} | fields)[0]


example("EV-VUL-02-C3", "pass", database(AutoMinorVersionUpgrade=True))
example("EV-VUL-02-C3", "fail", database(AutoMinorVersionUpgrade=False))
example("EV-VUL-02-C3", "fail", database(), "it does not say")
example("EV-VUL-02-C3", "pass", warehouse(AllowVersionUpgrade=True))
example("EV-VUL-02-C3", "fail", warehouse(AllowVersionUpgrade=False))
example("EV-VUL-02-C3", "pass", platform("true"))
example("EV-VUL-02-C3", "fail", platform("false"))
example("EV-VUL-02-C3", "fail", platform(None), "another option of this name")
example("EV-VUL-02-C3", "pass", waiting(), "optional")
example("EV-VUL-02-C3", "pass", waiting(AutoAppliedAfterDate="2026-10-25T06:00:00Z"), "a week, to the second")
example("EV-VUL-02-C3", "pass", waiting(ForcedApplyDate="2026-11-08T06:00:00Z"), "to come")
example("EV-VUL-02-C3", "fail", waiting(AutoAppliedAfterDate="2026-10-25T05:59:59Z"), "overdue")
example("EV-VUL-02-C3", "fail", waiting(ForcedApplyDate="2026-10-31T06:00:00Z"), "overdue")


def association(status: str) -> Record:
    item = {"ComplianceType": "Association", "ResourceId": "i-1", "Id": "a-1", "Status": status}
    return Told("aws.ssm.association_compliance").list(item, source="i-1").records()[0]


example("EV-VUL-02-C4", "pass", association("COMPLIANT"))
example("EV-VUL-02-C4", "fail", association("NON_COMPLIANT"))
example("EV-VUL-02-C4", "lacks_field", without(association("COMPLIANT"), "Status"))


# --- deployments and changes ----------------------------------------------------------------------------------------

PIPELINE = f"arn:aws:iam::{ACCOUNT}:user/pipeline"
NOW, BEFORE, LATER = "2026-11-01T06:00:00Z", "2026-10-31T06:00:00Z", "2026-11-02T06:00:00Z"


def execution(
    id_: str = "run-1", status: str = "Succeeded", started: str = NOW, revisions: int = 1, name: str = "clinic"
) -> Record:
    item = {"pipelineExecutionId": id_, "status": status, "startTime": started}
    item |= {"sourceRevisions": [{"actionName": "Source", "revisionId": "0a1b"}] * revisions} if revisions else {}
    return Told("aws.codepipeline.executions").list(item, source=name).records()[0]


def deployment(id_: str = "d-1", status: str = "Succeeded", created: str = NOW, **fields: Any) -> Record:
    info = {
        "deploymentId": id_, "applicationName": "intake", "deploymentGroupName": "production", "status": status,
        "createTime": created, "revision": {"revisionType": "GitHub"},
    } | fields  # fmt: skip
    told = Told("aws.codedeploy.deployments").list(id_)
    told.each("detail", {"deploymentInfo": {k: v for k, v in info.items() if v is not None}}, id_)
    return told.records()[0]


def change(name: str = "UpdateService", source: str = "ecs", who: str = PIPELINE, **fields: Any) -> Records:
    made = event(
        name, eventSource=f"{source}.amazonaws.com", readOnly=False, eventType="AwsApiCall",
        userIdentity={"type": "IAMUser", "arn": who, "userName": who.rpartition("/")[2]}, **fields,
    )  # fmt: skip
    line = {"type": "event", "reasons": ["change"], "event": made}
    return extract(line, view="aws.cloudtrail.change_events")


derived("aws.cloudtrail.change_events", change())
CHANGED = {"change_tickets": {"tickets": ["run-1", "d-1", "id-UpdateService"]}}
NOT_CHANGED = {"change_tickets": {"tickets": []}}
call_by_hand = change(who=f"arn:aws:iam::{ACCOUNT}:user/ben")[0]
for done, unnamed in (
    (execution(), execution(revisions=0)),
    (deployment(), deployment(revision=None)),
):
    example("EV-CHG-03-C1", "pass", done, facts=CHANGED)
    example("EV-CHG-03-C1", "fail", done, "no approved change", facts=NOT_CHANGED)
    example("EV-CHG-03-C1", "fail", unnamed, "it does not say what it deployed")
example("EV-CHG-03-C1", "pass", change()[0], facts=CHANGED)
example("EV-CHG-03-C1", "fail", call_by_hand, facts=NOT_CHANGED)
example("EV-CHG-03-C1", "not_applicable", change("PutBucketTagging", "s3")[0], "no deployment", facts=NOT_CHANGED)
example("EV-CHG-03-C1", "not_applicable", execution(started=BEFORE), "before the period", facts=NOT_CHANGED)

ROLES = {"pipeline_roles": {"roles": [PIPELINE]}}
example("EV-CHG-03-C2", "pass", change()[0], facts=ROLES)
example("EV-CHG-03-C2", "fail", call_by_hand, "by a person", facts=ROLES)
example("EV-CHG-03-C2", "not_applicable", change("PutBucketTagging", "s3")[0], facts=ROLES)
example("EV-CHG-03-C2", "lacks_field", without(change()[0], "Actor"), facts=ROLES)


def around(executions: Records = (), deployments: Records = ()) -> dict[str, Records]:
    return {"executions": executions, "deployments": deployments}


failed_run, failed = execution(status="Failed"), deployment(status="Failed")
fixed_run, fixed = execution("run-2", started=LATER), deployment("d-2", created=LATER)
example("EV-CHG-03-C3", "pass", execution(), lists=around(), facts=NO_TICKET)
example("EV-CHG-03-C3", "pass", failed_run, "a later one", lists=around((failed_run, fixed_run)), facts=NO_TICKET)
example("EV-CHG-03-C3", "pass", failed_run, "a ticket", lists=around(), facts=ticket("run-1"), excused=True)
for others, why in (
    ((), "nothing later"),
    ((execution("run-2", started=BEFORE),), "before it"),
    ((execution("run-2", started=LATER, status="Failed"),), "it failed too"),
    ((execution("run-2", started=LATER, name="other"),), "another pipeline"),
):
    example("EV-CHG-03-C3", "fail", failed_run, why, lists=around(others), facts=NO_TICKET)
example("EV-CHG-03-C3", "fail", without(failed_run, "status"), "it does not say", lists=around(), facts=NO_TICKET)
example("EV-CHG-03-C3", "pass", deployment(), lists=around(), facts=NO_TICKET)
example("EV-CHG-03-C3", "pass", failed, "a later one", lists=around(deployments=(failed, fixed)), facts=NO_TICKET)
rolled_back = deployment(status="Failed", rollbackInfo={"rollbackDeploymentId": "d-3"})
example("EV-CHG-03-C3", "pass", rolled_back, lists=around(), facts=NO_TICKET)
example("EV-CHG-03-C3", "pass", failed, "a ticket", lists=around(), facts=ticket("d-1"), excused=True)
for others, why in (
    ((), "nothing later"),
    ((deployment("d-2", created=BEFORE),), "before it"),
    ((deployment("d-2", created=LATER, deploymentGroupName="test"),), "another group"),
    ((deployment("d-2", created=LATER, status="Failed"),), "it failed too"),
):
    example("EV-CHG-03-C3", "fail", failed, why, lists=around(deployments=others), facts=NO_TICKET)
not_rolled = deployment(status="Failed", rollbackInfo={"rollbackMessage": "no earlier revision"})
example("EV-CHG-03-C3", "fail", not_rolled, "could not be", lists=around(), facts=NO_TICKET)
example("EV-CHG-03-C3", "lacks_field", failed_run, lists=around((without(fixed_run, "status"),)), facts=NO_TICKET)

SCOPE = {"production_scope": {"accounts": [ACCOUNT]}}
example("EV-MON-02-C1", "pass", change("PutBucketTagging", "s3")[0], facts=CHANGED | ROLES | SCOPE)
example("EV-MON-02-C1", "pass", call_by_hand, "a ticket", facts=CHANGED | ROLES | SCOPE, excused=True)
example("EV-MON-02-C1", "fail", call_by_hand, facts=NOT_CHANGED | ROLES | SCOPE)
example(
    "EV-MON-02-C1", "not_applicable", call_by_hand, "another account",
    facts=NOT_CHANGED | ROLES | {"production_scope": {"accounts": ["444455556666"]}},
)  # fmt: skip
example("EV-MON-02-C1", "lacks_field", without(call_by_hand, "Actor"), facts=CHANGED | ROLES | SCOPE)


def stack(drift: str | None) -> Record:
    item = {"StackId": "stack-1", "StackName": "network", "CreationTime": BEFORE, "StackStatus": "UPDATE_COMPLETE"}
    item |= {"DriftInformation": {"StackDriftStatus": drift}} if drift else {}
    return Told("aws.cloudformation.stacks").list(item).each("drifts", {"items": []}, "stack-1").records()[0]


example("EV-MON-02-C2", "pass", stack("IN_SYNC"), facts=NO_TICKET)
example("EV-MON-02-C2", "pass", stack("DRIFTED"), "a ticket", facts=ticket("stack-1"), excused=True)
example("EV-MON-02-C2", "fail", stack("DRIFTED"), facts=NO_TICKET)
for told_drift in ("NOT_CHECKED", "UNKNOWN", None):
    example("EV-MON-02-C2", "cannot_tell", stack(told_drift), "never detected", facts=NO_TICKET)


def since(started: str | None, recording: bool = True) -> dict[str, Records]:
    status = RECORDING | {"recording": recording} | ({"lastStartTime": started} if started else {})
    return {"recorders": recorder(ALL_TYPES, status)}


example("EV-MON-02-C3", "pass", here, lists=since(BEFORE))
example("EV-MON-02-C3", "pass", here, "to the second", lists=since(NOW))
example("EV-MON-02-C3", "fail", here, "started again within the period", lists=since(LATER))
example("EV-MON-02-C3", "fail", here, "stopped", lists=since(BEFORE, recording=False))
example("EV-MON-02-C3", "fail", here, "nobody knows since when", lists=since(None))
example("EV-MON-02-C3", "fail", here, "no recorder", lists={"recorders": ()})
example(
    "EV-MON-02-C3", "lacks_field", here,
    lists={"recorders": tuple(without(item, "status") for item in recorder(ALL_TYPES))},
)  # fmt: skip
