"""What is read out of databases' logs and out of data events: who and what, never the words or the objects."""

from __future__ import annotations

import pytest

from flows.collectors.aws.modules.data_access import OTHERS, DataAccess
from flows.collectors.aws.modules.database_statements import log_of, principal_of, verb_of

POSTGRES = "2026-10-05 10:00:00 UTC:10.0.0.1(5432):admin@clinic:[123]:LOG:  AUDIT: SESSION,1,1,ROLE,GRANT,,,"


@pytest.mark.parametrize(
    ("message", "verb", "who"),
    [
        (POSTGRES + '"grant select on visits to staff"', "GRANT", "admin"),
        ("20261005 10:00:00,ip-10-0-0-1,root,10.0.0.5,12,345,QUERY,clinic,'CREATE  USER x',0", "CREATE USER", "root"),
        ("1759658400000000,host,root,10.0.0.5,12,3,QUERY,db,'drop role x',0", "DROP ROLE", "root"),
        (
            "'2026-10-05T10:00:00Z UTC [ db=dev user=ann pid=1 userid=2 xid=3 ]' LOG: alter table t",
            "ALTER TABLE",
            "ann",
        ),
        ("something else: CREATE OR REPLACE FUNCTION f()", "CREATE OR REPLACE FUNCTION", "(unknown)"),
        ("2026-10-05 10:00:00 UTC:10.0.0.1(5432):admin@clinic:[123]:LOG:  connection: granted", "", "admin"),
        ("select alter_ego from t where created = 1", "", "(unknown)"),
    ],
)
def test_verb_and_user_of_a_line(message: str, verb: str, who: str) -> None:
    assert (verb_of(message), principal_of(message)) == (verb, who)


def test_only_audit_logs_of_databases_are_searched() -> None:
    found = log_of("/aws/rds/instance/patients/postgresql")
    assert found is not None
    assert (found.holder, found.database, found.name) == ("rds/instance", "patients", "postgresql")
    for group in ("/aws/rds/instance/patients/slowquery", "/aws/lambda/patients", "/aws/rds/instance/a/b/audit"):
        assert log_of(group) is None


def data_event(**fields: object) -> dict[str, object]:
    issuer = {"arn": "arn:aws:iam::1:role/app"}
    resources = [
        {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::patients/jane-doe.pdf"},
        {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::patients"},
    ]
    shared = {"eventCategory": "Data", "readOnly": True, "eventSource": "s3.amazonaws.com", "resources": resources}
    who = {"arn": "arn:aws:sts::1:assumed-role/app/x", "sessionContext": {"sessionIssuer": issuer}}
    return shared | {"eventTime": "2026-10-05T10:00:00Z", "userIdentity": who} | fields


def test_reads_are_counted_by_store_and_name_no_object() -> None:
    access = DataAccess()
    for event in (data_event(), data_event(), data_event(readOnly=False), data_event(eventCategory="Management")):
        access.take(event)
    access.take(data_event(resources="hostile"))
    lines = list(access.lines())
    assert [(line["store"], line["reads"]) for line in lines] == [(OTHERS, 1), ("patients", 2)]
    assert {line["principal"] for line in lines} == {"arn:aws:iam::1:role/app"}
    assert "jane" not in str(lines)
