"""Examples of keys, secrets, data services and workloads."""

from __future__ import annotations

import json
from typing import Any

from answers import ACCOUNT, REGION, Body, Told, listed
from exampling import Records, derived, example, place, without

from evidence_schema.models.transcript import Record

NEW, OLD = "2026-10-25T00:00:00Z", "2026-01-01T00:00:00Z"


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def here(kind: str = "region") -> Record:
    return place(kind, REGION, REGION)


# --- keys -----------------------------------------------------------------------------------------------------------

KEY = "11111111-2222-3333-4444-555555555555"
KEY_ARN = arn("kms", f"key/{KEY}")
ROOT_ARN = f"arn:aws:iam::{ACCOUNT}:root"
ADMIN, APP = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("key-admin", "app"))
DETAIL = {
    "KeyId": KEY, "Arn": KEY_ARN, "KeyManager": "CUSTOMER", "KeyState": "Enabled", "KeySpec": "SYMMETRIC_DEFAULT",
    "Origin": "AWS_KMS", "Enabled": True, "MultiRegion": False,
}  # fmt: skip


def allows(who: Any, *actions: str, **more: Any) -> Body:
    return {"Effect": "Allow", "Principal": who, "Action": list(actions), "Resource": "*", **more}


ROOT = allows({"AWS": ROOT_ARN}, "kms:*")
ADMINISTERS = allows({"AWS": ADMIN}, "kms:Put*", "kms:ScheduleKeyDeletion")
USES = allows({"AWS": APP}, "kms:Decrypt", "kms:GenerateDataKey*")


def key_told(*statements: Body, rotates: bool | None = True, id_: str = KEY, **detail: Any) -> Told:
    """A key as ListKeys and what is asked for each tell it; `rotates=None`: its kind of key has no rotation."""
    told = Told("aws.kms.keys").list({"KeyId": id_, "KeyArn": arn("kms", f"key/{id_}")})
    told.each("detail", {"KeyMetadata": DETAIL | {"KeyId": id_} | detail}, id_)
    if rotates is None:
        told.absent("rotation", "UnsupportedOperationException", id_)
    else:
        told.each("rotation", {"KeyRotationEnabled": rotates}, id_)
    policy = {"Version": "2012-10-17", "Statement": list(statements) or [ROOT]}
    told.each("policy", {"Policy": json.dumps(policy), "PolicyName": "default"}, id_)
    return told.each("grants", {"items": []}, id_)


def key(*statements: Body, rotates: bool | None = True, **detail: Any) -> Record:
    return key_told(*statements, rotates=rotates, **detail).records()[0]


def key_policy(*statements: Body, **detail: Any) -> Record:
    return key_told(*statements, **detail).records("aws.kms.key_policies")[0]


def aliases(name: str = "alias/app", target: str = KEY) -> Records:
    return listed("aws.kms.aliases", {"AliasName": name, "TargetKeyId": target})


example("EV-ENC-07-C1", "pass", key())
example("EV-ENC-07-C1", "fail", key(rotates=False))
REPLICA = {"MultiRegionConfiguration": {"MultiRegionKeyType": "REPLICA"}, "MultiRegion": True}
for other in (
    {"KeyManager": "AWS"}, {"KeyState": "Disabled"}, {"KeyState": "PendingDeletion"}, {"KeySpec": "RSA_2048"},
    {"Origin": "EXTERNAL"}, REPLICA,
):  # fmt: skip
    example("EV-ENC-07-C1", "not_applicable", key(rotates=None, **other), str(other))
PRIMARY = {"MultiRegionConfiguration": {"MultiRegionKeyType": "PRIMARY"}, "MultiRegion": True}
example("EV-ENC-07-C1", "fail", key(rotates=False, **PRIMARY), "the primary is what rotates")
example("EV-ENC-07-C1", "lacks_field", key(rotates=None), "no answer about a key that can rotate")

PENDING = {"KeyState": "PendingDeletion", "DeletionDate": "2026-11-20T00:00:00Z"}
OTHER_ARN = KEY_ARN.replace("1111", "9999")


def secret_told(arn_: str = arn("secretsmanager", "secret:app-1"), **fields: Any) -> Told:
    item = {"ARN": arn_, "Name": "app", "CreatedDate": OLD, "LastChangedDate": NEW, "LastAccessedDate": NEW} | fields
    item = {name: value for name, value in item.items() if value is not None}
    return Told("aws.secretsmanager.secrets").list(item).each("detail", item, arn_)


def secret(**fields: Any) -> Record:
    return secret_told(**fields).records()[0]


def table(**fields: Any) -> Record:
    told = Told("aws.dynamodb.tables").list("visits")
    return told.each("table", {"Table": {"TableName": "visits", **fields}}, "visits").records()[0]


def kms_table(key_arn: str) -> Record:
    return table(SSEDescription={"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key_arn})


QUEUE = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/orders"


def queue(**attributes: str) -> Record:
    return Told("aws.sqs.queues").list(QUEUE).each("attributes", {"Attributes": attributes}, QUEUE).records()[0]


def naming(key_arn: str) -> dict[str, Records]:
    """One resource of each inventory, all under one key."""
    return {
        "aliases": aliases(target=OTHER_ARN.rpartition("/")[2]),
        "volumes": listed("aws.ec2.volumes", {"VolumeId": "vol-1", "Encrypted": True, "KmsKeyId": key_arn}),
        "disk_snapshots": listed("aws.ec2.snapshots", {"SnapshotId": "snap-1", "Encrypted": True, "KmsKeyId": key_arn}),
        "databases": listed("aws.rds.instances", {"DBInstanceIdentifier": "db", "KmsKeyId": key_arn}),
        "clusters": listed("aws.rds.clusters", {"DBClusterIdentifier": "cluster", "KmsKeyId": key_arn}),
        "database_snapshots": listed("aws.rds.snapshots", {"DBSnapshotIdentifier": "snap", "KmsKeyId": key_arn}),
        "tables": (kms_table(key_arn),),
        "file_systems": listed("aws.efs.file_systems", {"FileSystemId": "fs-1", "KmsKeyId": key_arn}),
        "warehouses": listed("aws.redshift.clusters", {"ClusterIdentifier": "dwh", "KmsKeyId": key_arn}),
        "secrets": (secret(KmsKeyId=key_arn),),
        "queues": (queue(KmsMasterKeyId=key_arn),),
    }


UNDER_ANOTHER, UNDER_THIS = naming(OTHER_ARN), naming(KEY_ARN)
example("EV-ENC-07-C2", "pass", key(**PENDING), lists=UNDER_ANOTHER)
example("EV-ENC-07-C2", "pass", key(**PENDING), "nothing is there", lists={})
for inventory in UNDER_THIS.keys() - {"aliases"}:
    lists = UNDER_ANOTHER | {inventory: UNDER_THIS[inventory]}
    example("EV-ENC-07-C2", "fail", key(**PENDING), f"named by {inventory}", lists=lists)
for inventory, named in (
    ("secrets", (secret(KmsKeyId="alias/app"),)),
    ("queues", (queue(KmsMasterKeyId=arn("kms", "alias/app")),)),
    ("queues", (queue(KmsMasterKeyId=KEY),)),
):
    lists = {"aliases": aliases(), inventory: named}
    example("EV-ENC-07-C2", "fail", key(**PENDING), "by its alias or id", lists=lists)
example("EV-ENC-07-C2", "not_applicable", key(), lists=UNDER_THIS)
example("EV-ENC-07-C2", "lacks_field", without(key(**PENDING), "detail"), lists=UNDER_ANOTHER)

EVERYONE = allows("*", "kms:Decrypt")
ONLY_HERE = {"StringEquals": {"kms:CallerAccount": ACCOUNT, "kms:ViaService": f"s3.{REGION}.amazonaws.com"}}
example("EV-ENC-07-C3", "pass", key(ROOT, USES))
example("EV-ENC-07-C3", "pass", key(ROOT, allows({"AWS": "*"}, "kms:Decrypt", Condition=ONLY_HERE)))
example("EV-ENC-07-C3", "pass", key(ROOT, EVERYONE | {"Effect": "Deny"}), "what is refused to all is no grant")
example("EV-ENC-07-C3", "fail", key(ROOT, EVERYONE))
example("EV-ENC-07-C3", "fail", key(ROOT, allows({"AWS": [APP, "*"]}, "kms:Decrypt")))
for condition in (
    {"StringNotEquals": {"kms:CallerAccount": ACCOUNT}}, {"StringLike": {"aws:PrincipalArn": "*"}},
    {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}},
):  # fmt: skip
    example("EV-ENC-07-C3", "fail", key(allows("*", "kms:Decrypt", Condition=condition)), str(condition))
BUT_ONE = {"Effect": "Allow", "NotPrincipal": {"AWS": APP}, "Action": "kms:*", "Resource": "*"}
example("EV-ENC-07-C3", "fail", key(BUT_ONE), "everyone but one")
example("EV-ENC-07-C3", "not_applicable", key(EVERYONE, KeyManager="AWS"))
example("EV-ENC-07-C3", "lacks_field", without(key(), "policy"))

example("EV-ENC-07-C4", "pass", key_policy(ROOT, ADMINISTERS, USES))
example("EV-ENC-07-C4", "fail", key_policy(ROOT, allows({"AWS": APP}, "kms:*")), "a principal beside the root")
example("EV-ENC-07-C4", "fail", key_policy(ROOT, ADMINISTERS, allows({"AWS": ADMIN}, "kms:De*")), "two statements")
example("EV-ENC-07-C4", "fail", key_policy(allows({"AWS": APP}, "KMS:*")), "names of actions know no case")
NOT_ACTION = {"Effect": "Allow", "Principal": {"AWS": APP}, "NotAction": "kms:Sign", "Resource": "*"}
example("EV-ENC-07-C4", "fail", key_policy(NOT_ACTION), "all actions but one")
OUTSIDE = allows({"AWS": "arn:aws:iam::999999999999:root"}, "kms:*")
example("EV-ENC-07-C4", "fail", key_policy(ROOT, OUTSIDE), "the root of another account is no default")
example("EV-ENC-07-C4", "not_applicable", key_policy(ROOT), "IAM decides")
example("EV-ENC-07-C4", "not_applicable", key_policy(ROOT, USES, KeyManager="AWS"))
example("EV-ENC-07-C4", "lacks_field", without(key_policy(ROOT, USES), "AdministersAndUses"))
derived("aws.kms.key_policies", (key_policy(ROOT, USES),))


def instance(enclaves: bool) -> Records:
    return listed("aws.ec2.instances", {"InstanceId": "i-1", "EnclaveOptions": {"Enabled": enclaves}})


MEASURED = {"StringEqualsIgnoreCase": {"kms:RecipientAttestation:ImageSha384": "ab"}}
BOUND = allows({"AWS": APP}, "kms:Decrypt", Condition=MEASURED)
OF_ENCLAVES = {"production_scope": {"enclave_keys": [KEY]}}
attested = {"instances": instance(True), "keys": (key_policy(ADMINISTERS, BOUND),)}
example("EV-ENC-07-C5", "pass", here(), lists=attested, facts=OF_ENCLAVES)
for statements, why in (
    ((ROOT, BOUND), "IAM policies may allow others"),
    ((BOUND, USES), "another statement without a measurement"),
    ((allows({"AWS": APP}, "kms:*"),), "all actions"),
    ((allows({"AWS": APP}, "kms:Decrypt", Condition={"StringEqualsIfExists": MEASURED["StringEqualsIgnoreCase"]}),),
     "who brings no measurement passes"),
):  # fmt: skip
    lists = attested | {"keys": (key_policy(*statements),)}
    example("EV-ENC-07-C5", "fail", here(), why, lists=lists, facts=OF_ENCLAVES)
example("EV-ENC-07-C5", "not_applicable", here(), lists=attested | {"instances": instance(False)}, facts=OF_ENCLAVES)
example(
    "EV-ENC-07-C5", "cannot_tell", here(), "no key is named",
    lists=attested, facts={"production_scope": {"enclave_keys": ["another"]}},
)  # fmt: skip
lacking = without(key_policy(BOUND), "DecryptsUnattested")
example("EV-ENC-07-C5", "lacks_field", here(), lists=attested | {"keys": (lacking,)}, facts=OF_ENCLAVES)


# --- secrets --------------------------------------------------------------------------------------------------------

ROTATES = {"RotationEnabled": True}
SECRET = secret().id
ACCEPTED = {"key_rotation_exceptions": {"accepted": {SECRET: "2026-11-01"}}}
RUN_OUT = {"key_rotation_exceptions": {"accepted": {SECRET: "2026-10-31"}}}
NONE_ACCEPTED: dict[str, Any] = {"key_rotation_exceptions": {"accepted": {}}}
example("EV-ENC-08-C1", "pass", secret(**ROTATES), facts=NONE_ACCEPTED)
example("EV-ENC-08-C1", "pass", secret(**ROTATES, LastChangedDate=OLD), facts=NONE_ACCEPTED)
example("EV-ENC-08-C1", "pass", secret(), "accepted to the end of the day", facts=ACCEPTED, excused=True)
example("EV-ENC-08-C1", "fail", secret(), "the acceptance ran out", facts=RUN_OUT)
example("EV-ENC-08-C1", "fail", secret(), facts=NONE_ACCEPTED)
example("EV-ENC-08-C1", "fail", secret(LastChangedDate=OLD), "accepted, but not changed", facts=ACCEPTED)
example("EV-ENC-08-C1", "fail", secret(PrimaryRegion=REGION), "the primary", facts=NONE_ACCEPTED)
example("EV-ENC-08-C1", "not_applicable", secret(PrimaryRegion="us-east-1"), "a replica", facts=NONE_ACCEPTED)
example("EV-ENC-08-C1", "not_applicable", secret(DeletedDate=NEW), facts=NONE_ACCEPTED)
example("EV-ENC-08-C1", "lacks_field", secret(LastChangedDate=None), facts=NONE_ACCEPTED)

CLASSES: dict[str, Any] = {
    "data_classification": {
        "resources": {SECRET: "internal"}, "customer_key_classes": ["phi"], "customer_managed_keys": [KEY_ARN],
    }
}  # fmt: skip
UNCLASSIFIED = {"data_classification": {**CLASSES["data_classification"], "resources": {}}}
example("EV-ENC-08-C2", "pass", secret(KmsKeyId=KEY_ARN), facts=UNCLASSIFIED)
example("EV-ENC-08-C2", "fail", secret(), "no key named: the one of AWS", facts=UNCLASSIFIED)
example("EV-ENC-08-C2", "fail", secret(KmsKeyId="alias/aws/secretsmanager"), facts=UNCLASSIFIED)
example("EV-ENC-08-C2", "not_applicable", secret(), "a class that asks for none", facts=CLASSES)
example("EV-ENC-08-C2", "lacks_field", without(secret(), "detail"), facts=UNCLASSIFIED)

example("EV-ENC-08-C3", "pass", secret(LastAccessedDate="2026-08-02T06:00:00Z"), "the day, up to its end")
example("EV-ENC-08-C3", "pass", secret(LastAccessedDate=None, CreatedDate=NEW), "never read, but new")
example("EV-ENC-08-C3", "fail", secret(LastAccessedDate="2026-08-01T00:00:00Z"))
example("EV-ENC-08-C3", "fail", secret(LastAccessedDate=None), "never read")
example("EV-ENC-08-C3", "not_applicable", secret(LastAccessedDate=OLD, DeletedDate=NEW))
example("EV-ENC-08-C3", "lacks_field", secret(LastAccessedDate=None, CreatedDate=None))

SECRET_ANSWERS = secret_told().records("aws.secretsmanager.answers")[0]
PARAMETERS = Told("aws.ssm.parameters").list({"Name": "/app/url", "Type": "String"})
PARAMETER_ANSWERS = PARAMETERS.records("aws.ssm.parameter_answers")[0]
for found in (SECRET_ANSWERS, PARAMETER_ANSWERS):
    derived(found.kind, (found,))
    example("EV-ENC-08-C5", "pass", found)
    for more, why in (
        ({"Operations": [*found.fields["Operations"], "secretsmanager:GetSecretValue"]}, "a question for a value"),
        ({"Fields": [*found.fields["Fields"], "SecretString"]}, "a value came"),
    ):
        example("EV-ENC-08-C5", "fail", found.model_copy(update={"fields": found.fields | more}), why)
    example("EV-ENC-08-C5", "lacks_field", without(found, "Operations"))


# --- encryption of other services at rest ---------------------------------------------------------------------------


def told(kind: str, item: Any, step: str, answer: Body, id_: str) -> Record:
    """A record of a kind that asks one thing for each item."""
    return Told(kind).list(item).each(step, answer, id_).records()[0]


def cache(**fields: Any) -> Record:
    return listed("aws.elasticache.replication_groups", {"ReplicationGroupId": "cache", **fields})[0]


def dax(**fields: Any) -> Record:
    return listed("aws.dax.clusters", {"ClusterName": "dax", "ClusterArn": arn("dax", "cache/dax"), **fields})[0]


def files(**fields: Any) -> Record:
    return listed("aws.efs.file_systems", {"FileSystemId": "fs-1", **fields})[0]


def warehouse(**fields: Any) -> Record:
    return listed("aws.redshift.clusters", {"ClusterIdentifier": "dwh", **fields})[0]


def domain(**fields: Any) -> Record:
    found = Told("aws.opensearch.domains").list({"DomainName": "notes"})
    answer = {"DomainStatusList": [{"DomainName": "notes", **fields}]}
    found.call("DescribeDomains", "batch", answer, "notes")
    return found.records()[0]


def stream(**fields: Any) -> Record:
    return told("aws.kinesis.streams", "vitals", "summary", {"StreamDescriptionSummary": fields}, "vitals")


TOPIC = arn("sns", "alerts")


def topic(**attributes: str) -> Record:
    return told("aws.sns.topics", {"TopicArn": TOPIC}, "attributes", {"Attributes": attributes}, TOPIC)


def notebook(**fields: Any) -> Record:
    item = {"NotebookInstanceName": "trial"}
    return told("aws.sagemaker.notebook_instances", item, "notebook", item | fields, "trial")


def endpoint_config(**fields: Any) -> Record:
    item = {"EndpointConfigName": "model"}
    return told("aws.sagemaker.endpoint_configs", item, "endpoint_config", item | fields, "model")


def kubernetes(**fields: Any) -> Record:
    return told("aws.eks.clusters", "apps", "cluster", {"cluster": {"name": "apps", **fields}}, "apps")


def under_key(key_arn: str) -> Body:
    return {"encryptionConfig": [{"resources": ["secrets"], "provider": {"keyArn": key_arn}}]}


GLUE_ON = {
    "S3Encryption": [{"S3EncryptionMode": "SSE-KMS"}],
    "CloudWatchEncryption": {"CloudWatchEncryptionMode": "SSE-KMS"},
    "JobBookmarksEncryption": {"JobBookmarksEncryptionMode": "CSE-KMS"},
}


def glue(**encryption: Any) -> Record:
    item = {"Name": "jobs", "EncryptionConfiguration": encryption}
    return listed("aws.glue.security_configurations", item)[0]


CACHED = {"stageName": "live", "cacheClusterEnabled": True}


def api(*stages: Body) -> Record:
    return told("aws.apigateway.rest_apis", {"id": "a1"}, "stages", {"item": list(stages)}, "a1")


def cached(**method: bool) -> Body:
    return CACHED | {"methodSettings": {"*/*": method}}


def workgroup(**configuration: Any) -> Record:
    answer = {"WorkGroup": {"Name": "primary", "Configuration": configuration}}
    return told("aws.athena.workgroups", {"Name": "primary"}, "detail", answer, "primary")


def results(key_arn: str) -> Body:
    encryption = {"EncryptionOption": "SSE_KMS", "KmsKey": key_arn}
    return {"ResultConfiguration": {"EncryptionConfiguration": encryption}}


SCOPE: dict[str, Any] = {"production_scope": {"accounts": [ACCOUNT], "excluded": []}}


def excluding(*ids: str) -> dict[str, Any]:
    return {"production_scope": {"accounts": [ACCOUNT], "excluded": list(ids)}}


ON_AND_OFF = (
    (dax(SSEDescription={"Status": "ENABLED"}), dax(SSEDescription={"Status": "DISABLED"})),
    (files(Encrypted=True), files(Encrypted=False)),
    (warehouse(Encrypted=True), warehouse()),
    (domain(EncryptionAtRestOptions={"Enabled": True}), domain(EncryptionAtRestOptions={"Enabled": False})),
    (cache(AtRestEncryptionEnabled=True), cache()),
    (stream(EncryptionType="KMS", KeyId=KEY_ARN), stream(EncryptionType="NONE")),
    (topic(KmsMasterKeyId="alias/aws/sns"), topic()),
    (queue(KmsMasterKeyId="alias/aws/sqs"), queue(SqsManagedSseEnabled="false")),
    (queue(SqsManagedSseEnabled="true"), queue(KmsMasterKeyId="")),
    (notebook(KmsKeyId=KEY), notebook()),
    (endpoint_config(KmsKeyId=KEY), endpoint_config()),
    (kubernetes(**under_key(KEY_ARN)), kubernetes()),
    (glue(**GLUE_ON), glue(**(GLUE_ON | {"S3Encryption": []}))),
    (glue(**GLUE_ON), glue(**(GLUE_ON | {"S3Encryption": [{"S3EncryptionMode": "DISABLED"}]}))),
    (glue(**GLUE_ON), glue(**(GLUE_ON | {"JobBookmarksEncryption": {"JobBookmarksEncryptionMode": "DISABLED"}}))),
    (
        api(cached(cachingEnabled=True, cacheDataEncrypted=True)),
        api(cached(cachingEnabled=True, cacheDataEncrypted=False)),
    ),
    (api(cached(cachingEnabled=False, cacheDataEncrypted=False)), api(CACHED)),
    (workgroup(**results(KEY_ARN)), workgroup(ResultConfiguration={"OutputLocation": "s3://results"})),
    (workgroup(ManagedQueryResultsConfiguration={"Enabled": True}), workgroup()),
)
for on, off in ON_AND_OFF:
    example("EV-ENC-04-C1", "pass", on, facts=SCOPE)
    example("EV-ENC-04-C1", "fail", off, facts=SCOPE)
example("EV-ENC-04-C1", "pass", cache(), "outside the scope", facts=excluding("cache"), excused=True)
elsewhere = {"production_scope": {"accounts": [], "excluded": []}}
example("EV-ENC-04-C1", "pass", cache(), "an account outside the scope", facts=elsewhere, excused=True)
example("EV-ENC-04-C1", "not_applicable", api({"stageName": "live", "cacheClusterEnabled": False}), facts=SCOPE)
example("EV-ENC-04-C1", "not_applicable", api(), "no stage", facts=SCOPE)

KEYS = {"data_classification": {"resources": {}, "customer_key_classes": ["phi"], "customer_managed_keys": [KEY_ARN]}}
INTERNAL: dict[str, Any] = {"data_classification": {**KEYS["data_classification"], "resources": {"cache": "internal"}}}


def fsx(**fields: Any) -> Record:
    return listed("aws.fsx.file_systems", {"FileSystemId": "fs-2", "FileSystemType": "ONTAP", **fields})[0]


for key_arn, case in ((KEY_ARN, "pass"), (OTHER_ARN, "fail")):
    at_rest = {"Enabled": True, "KmsKeyId": key_arn}
    for found in (
        kms_table(key_arn), files(Encrypted=True, KmsKeyId=key_arn), fsx(KmsKeyId=key_arn),
        warehouse(Encrypted=True, KmsKeyId=key_arn), domain(EncryptionAtRestOptions=at_rest),
        cache(AtRestEncryptionEnabled=True, KmsKeyId=key_arn), stream(EncryptionType="KMS", KeyId=key_arn),
        topic(KmsMasterKeyId=key_arn), queue(KmsMasterKeyId=key_arn), notebook(KmsKeyId=key_arn),
        endpoint_config(KmsKeyId=key_arn), kubernetes(**under_key(key_arn)), workgroup(**results(key_arn)),
    ):  # fmt: skip
        example("EV-ENC-04-C2", case, found, facts=KEYS)  # type: ignore[arg-type] # one of the two
for found in (table(), queue(SqsManagedSseEnabled="true"), fsx(), cache(), workgroup(), kubernetes()):
    example("EV-ENC-04-C2", "fail", found, "a key of AWS's own", facts=KEYS)
example("EV-ENC-04-C2", "not_applicable", cache(), facts=INTERNAL)

for base, view, member in (
    ("aws.resourcegroupstaggingapi.resources", "aws.resourcegroupstaggingapi.services", "ResourceARN"),
    ("aws.resource_explorer_2.untagged", "aws.resource_explorer_2.services", "Arn"),
):
    found_services = {
        name: Told(base).list({member: text}).records(view)[0]
        for name, text in (("kept", arn("sqs", "orders")), ("unknown", arn("memorydb", "cluster/c")), ("odd", "no arn"))
    }
    derived(view, (found_services["kept"],))
    example("EV-ENC-04-C3", "pass", found_services["kept"])
    example("EV-ENC-04-C3", "fail", found_services["unknown"])
    example("EV-ENC-04-C3", "fail", found_services["odd"], "what cannot be named is listed too")
    example("EV-ENC-04-C3", "lacks_field", without(found_services["kept"], "Service"))


# --- encryption in transit to data services -------------------------------------------------------------------------


def parameter_group(kind: str, name: str, group: str, **values: str) -> Records:
    """A group of a kind under the member that names it, with its parameters."""
    items = [{"ParameterName": setting, "ParameterValue": value} for setting, value in values.items()]
    items.append({"ParameterName": "without_a_value"})
    return Told(kind).list({name: group}).each("parameters", {"items": items}, group).records()


FORCED, FREE = {"rds.force_ssl": "1"}, {"rds.force_ssl": "0", "require_secure_transport": "OFF"}


def groups(values: Body, warehouse_ssl: str = "true") -> dict[str, Records]:
    values = {name: str(value) for name, value in values.items()}
    return {
        "groups": parameter_group("aws.rds.parameter_groups", "DBParameterGroupName", "own", **values),
        "cluster_groups": parameter_group(
            "aws.rds.cluster_parameter_groups", "DBClusterParameterGroupName", "own", **values
        ),
        "warehouse_groups": parameter_group(
            "aws.redshift.parameter_groups", "ParameterGroupName", "own", require_ssl=warehouse_ssl
        ),
    }


def database(engine: str = "postgres", group: str = "own", **fields: Any) -> Record:
    item = {"DBInstanceIdentifier": "db", "Engine": engine, "DBParameterGroups": [{"DBParameterGroupName": group}]}
    return listed("aws.rds.instances", item | fields)[0]


def cluster(engine: str = "aurora-postgresql") -> Record:
    item = {"DBClusterIdentifier": "cluster", "Engine": engine, "DBClusterParameterGroup": "own"}
    return listed("aws.rds.clusters", item)[0]


dwh = warehouse(ClusterParameterGroups=[{"ParameterGroupName": "own"}])
for found in (database(), database("sqlserver-se"), cluster(), dwh):
    example("EV-ENC-06-C1", "pass", found, lists=groups(FORCED), facts=SCOPE)
    example("EV-ENC-06-C1", "fail", found, lists=groups(FREE, "false"), facts=SCOPE)
    example("EV-ENC-06-C1", "pass", found, lists=groups(FREE, "false"), facts=excluding(found.id), excused=True)
MYSQL = groups({"require_secure_transport": "ON"})
example("EV-ENC-06-C1", "pass", database("mysql"), lists=MYSQL, facts=SCOPE)
example("EV-ENC-06-C1", "fail", database(group="default.postgres14"), "another group", lists=MYSQL, facts=SCOPE)
for engine in ("oracle-ee", "custom-sqlserver-ee", "db2-se"):
    example("EV-ENC-06-C1", "cannot_tell", database(engine), lists=groups(FORCED), facts=SCOPE)
member_of = database("aurora-postgresql", DBClusterIdentifier="cluster")
example("EV-ENC-06-C1", "not_applicable", member_of, "judged by its cluster", lists=groups(FREE), facts=SCOPE)
lacking = groups(FORCED) | {"groups": tuple(without(item, "parameters") for item in groups(FORCED)["groups"])}
example("EV-ENC-06-C1", "lacks_field", database(), lists=lacking, facts=SCOPE)

HTTPS, NODES = {"DomainEndpointOptions": {"EnforceHTTPS": True}}, {"NodeToNodeEncryptionOptions": {"Enabled": True}}
example("EV-ENC-06-C2", "pass", domain(**HTTPS, **NODES))
example("EV-ENC-06-C2", "fail", domain(**HTTPS))
example("EV-ENC-06-C2", "fail", domain(**NODES))
example("EV-ENC-06-C2", "fail", domain(**NODES, DomainEndpointOptions={"EnforceHTTPS": False}))
example("EV-ENC-06-C2", "lacks_field", without(domain(**HTTPS, **NODES), "domain"))

KAFKA = arn("kafka", "cluster/events/1")


def kafka(client: str = "TLS", inside: bool = True) -> Record:
    transit = {"ClientBroker": client, "InCluster": inside}
    answer = {"ClusterArn": KAFKA, "Provisioned": {"EncryptionInfo": {"EncryptionInTransit": transit}}}
    return told("aws.kafka.clusters", {"ClusterArn": KAFKA}, "cluster", {"ClusterInfo": answer}, KAFKA)


def serverless_kafka() -> Record:
    answer = {"ClusterInfo": {"ClusterArn": KAFKA, "Serverless": {"VpcConfigs": []}}}
    return told("aws.kafka.clusters", {"ClusterArn": KAFKA}, "cluster", answer, KAFKA)


def connector(type_: str) -> Record:
    item = {"connectorArn": arn("kafkaconnect", "c"), "kafkaClusterEncryptionInTransit": {"encryptionType": type_}}
    return listed("aws.kafkaconnect.connectors", item)[0]


def migration(engine: str, **fields: Any) -> Record:
    item = {"EndpointArn": arn("dms", "endpoint:e"), "EngineName": engine, "SslMode": "none", **fields}
    return listed("aws.dms.endpoints", item)[0]


def server(*protocols: str) -> Record:
    answer = {"Server": {"Arn": arn("transfer", "server/s-1"), "ServerId": "s-1", "Protocols": list(protocols)}}
    return told(
        "aws.transfer.servers", {"Arn": arn("transfer", "server/s-1"), "ServerId": "s-1"}, "server", answer, "s-1"
    )


def emr(text: str) -> Record:
    answer = {"Name": "emr", "SecurityConfiguration": text}
    return told("aws.emr.security_configurations", {"Name": "emr"}, "content", answer, "emr")


TLS_AND_CLEAR = (
    (cache(TransitEncryptionEnabled=True), cache()),
    (
        cache(TransitEncryptionEnabled=True, TransitEncryptionMode="required"),
        cache(TransitEncryptionEnabled=True, TransitEncryptionMode="preferred"),
    ),
    (dax(ClusterEndpointEncryptionType="TLS"), dax(ClusterEndpointEncryptionType="NONE")),
    (kafka(), kafka("TLS_PLAINTEXT")),
    (serverless_kafka(), kafka(inside=False)),
    (connector("TLS"), connector("PLAINTEXT")),
    (migration("postgres", SslMode="require"), migration("postgres")),
    (
        migration("kafka", KafkaSettings={"SecurityProtocol": "ssl-encryption"}),
        migration("kafka", KafkaSettings={"SecurityProtocol": "plaintext"}),
    ),
    (
        migration("redis", RedisSettings={"SslSecurityProtocol": "ssl-encryption"}),
        migration("redis", RedisSettings={"SslSecurityProtocol": "plaintext"}),
    ),
    (server("SFTP", "FTPS"), server("SFTP", "FTP")),
    (
        emr('{"EncryptionConfiguration": {"EnableInTransitEncryption" : true}}'),
        emr('{"EncryptionConfiguration": {"EnableInTransitEncryption": false}}'),
    ),
)
for tls, clear in TLS_AND_CLEAR:
    example("EV-ENC-06-C3", "pass", tls, facts=SCOPE)
    example("EV-ENC-06-C3", "fail", clear, facts=SCOPE)
example("EV-ENC-06-C3", "pass", cache(), facts=excluding("cache"), excused=True)
example("EV-ENC-06-C3", "not_applicable", migration("s3"), facts=SCOPE)


# --- containers, functions and builds -------------------------------------------------------------------------------

TASK = arn("ecs", "task-definition/portal:1")


def task(*containers: Body, **fields: Any) -> Record:
    answer = {"taskDefinition": {"containerDefinitions": list(containers), **fields}}
    return told("aws.ecs.task_definitions", TASK, "task_definition", answer, TASK)


SAFE = {"name": "web", "readonlyRootFilesystem": True, "privileged": False}
WINDOWS = {"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}
example("EV-VUL-08-C1", "pass", task(SAFE, networkMode="awsvpc"))
example("EV-VUL-08-C1", "pass", task(SAFE | {"user": "1000:1000"}, networkMode="host"))
example("EV-VUL-08-C1", "pass", task({"name": "web"}, **WINDOWS), "Windows has no read-only root")
example("EV-VUL-08-C1", "fail", task(SAFE, SAFE | {"privileged": True}))
example("EV-VUL-08-C1", "fail", task(SAFE, {"name": "side"}), "a root file system that can be written")
for user in ({}, {"user": "root"}, {"user": "0"}, {"user": "0:0"}, {"user": "root:root"}, {"user": ""}):
    example("EV-VUL-08-C1", "fail", task(SAFE | user, networkMode="host"), f"root on the host: {user}")
example("EV-VUL-08-C1", "lacks_field", without(task(SAFE), "task_definition"))

ALL_LOGS = {
    "clusterLogging": [{"types": ["api", "audit"], "enabled": True}, {"types": ["authenticator"], "enabled": True}]
}
OFFICE = "192.0.2.0/24"
ACCESS = {"authorised_networks": {"cluster_access": [OFFICE]}}


def reached(*cidrs: str) -> Body:
    return {"resourcesVpcConfig": {"endpointPublicAccess": bool(cidrs), "publicAccessCidrs": list(cidrs)}}


example("EV-VUL-08-C2", "pass", kubernetes(**reached(), logging=ALL_LOGS), facts=ACCESS)
example("EV-VUL-08-C2", "pass", kubernetes(**reached(OFFICE), logging=ALL_LOGS), facts=ACCESS)
example("EV-VUL-08-C2", "fail", kubernetes(**reached(OFFICE, "203.0.113.0/24"), logging=ALL_LOGS), facts=ACCESS)
example("EV-VUL-08-C2", "fail", kubernetes(**reached("0.0.0.0/0"), logging=ALL_LOGS), facts=ACCESS)
example("EV-VUL-08-C2", "fail", kubernetes(**reached()), "no logs", facts=ACCESS)
OFF = {"clusterLogging": [{"types": ["api", "audit", "authenticator"], "enabled": False}]}
example("EV-VUL-08-C2", "fail", kubernetes(**reached(), logging=OFF), facts=ACCESS)
example("EV-VUL-08-C2", "lacks_field", kubernetes(logging=ALL_LOGS), facts=ACCESS)


def repository(mutability: str, scans: bool | None) -> Record:
    item = {"repositoryName": "portal", "imageTagMutability": mutability}
    scanning = {} if scans is None else {"imageScanningConfiguration": {"scanOnPush": scans}}
    return listed("aws.ecr.repositories", item | scanning)[0]


example("EV-VUL-08-C3", "pass", repository("IMMUTABLE", scans=True))
example("EV-VUL-08-C3", "fail", repository("IMMUTABLE", scans=False))
example("EV-VUL-08-C3", "fail", repository("IMMUTABLE", scans=None))
example("EV-VUL-08-C3", "fail", repository("MUTABLE", scans=True))
example("EV-VUL-08-C3", "fail", repository("IMMUTABLE_WITH_EXCLUSION", scans=True))
example("EV-VUL-08-C3", "lacks_field", without(repository("IMMUTABLE", scans=True), "imageTagMutability"))


def function(runtime: str | None, **fields: Any) -> Record:
    item = {"FunctionName": "reminders", **fields}
    answer = item if runtime is None else item | {"Runtime": runtime}
    return told("aws.lambda.functions", item, "configuration", answer, "reminders")


RUNTIMES = {"supported_versions": {"lambda_runtimes": ["python3.13"]}}
example("EV-VUL-08-C4", "pass", function("python3.13", PackageType="Zip"), facts=RUNTIMES)
example("EV-VUL-08-C4", "fail", function("python3.7"), facts=RUNTIMES)
example("EV-VUL-08-C4", "not_applicable", function(None, PackageType="Image"), facts=RUNTIMES)
example("EV-VUL-08-C4", "lacks_field", function(None, PackageType="Zip"), facts=RUNTIMES)

CUT = "[redacted:field:codebuild:batchgetprojects.environmentvariables]"
HELD = CUT.replace("]", ":holds:named]")
CONNECTION = arn("codeconnections", "connection/c-1")
BUILD_SOURCES = {"authorised_connections": {"build_sources": [CONNECTION]}}


def git(connection: str | None = CONNECTION, **fields: Any) -> Body:
    auth = {} if connection is None else {"auth": {"type": "CODECONNECTIONS", "resource": connection}}
    return {"type": "GITHUB", **auth, **fields}


def build(source: Body, variable: str = CUT, **fields: Any) -> Record:
    project = {"name": "portal", "source": source, **fields}
    project["environment"] = {"environmentVariables": [{"name": "MODE", "value": variable, "type": CUT}]}
    found = Told("aws.codebuild.projects").list("portal")
    found.call("BatchGetProjects", "batch", {"projects": [project]}, "portal")
    return found.records()[0]


example("EV-VUL-08-C5", "pass", build(git()), facts=BUILD_SOURCES)
example("EV-VUL-08-C5", "pass", build({"type": "S3"}), facts=BUILD_SOURCES)
example("EV-VUL-08-C5", "pass", build(git(), secondarySources=[{"type": "CODECOMMIT"}]), facts=BUILD_SOURCES)
for found, why in (
    (build(git(), HELD), "a variable held a secret"),
    (build(git(buildspec=HELD)), "the build commands held a secret"),
    (build(git(CONNECTION + "9")), "another connection"),
    (build(git(None)), "no connection named"),
    (build(git(), secondarySources=[git(None)]), "a second source without one"),
):
    example("EV-VUL-08-C5", "fail", found, why, facts=BUILD_SOURCES)
example("EV-VUL-08-C5", "lacks_field", without(build(git()), "project"), facts=BUILD_SOURCES)
