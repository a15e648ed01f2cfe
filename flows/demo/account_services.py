"""Keys, parameters, tables, queues, images and functions of the emulated account: some as they should be, some not."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from flows.demo.filling import HOME_REGION, SIMULATED, Filler, tag_list

_MAP_TAGS = dict(SIMULATED)


def fill_services(filler: Filler, region: str, key_arn: str) -> None:
    """What the region holds of each service; `key_arn` is the key that encrypts most of it."""
    _fill_keys(filler, region, key_arn)
    _fill_parameters(filler, region)
    _fill_data(filler, region, key_arn)
    _fill_workloads(filler, region, key_arn)


def _fill_keys(filler: Filler, region: str, key_arn: str) -> None:
    kms = filler.client("kms", region)
    kms.create_alias(AliasName="alias/simulated-main", TargetKeyId=key_arn)
    if region != HOME_REGION:
        return  # moto makes an RSA key for each: a few are enough
    kms.enable_key_rotation(KeyId=key_arn)
    with filler.days_ago(200):
        for name, policy in _policies(filler.account).items():
            _add_key(kms, f"SIMULATED {name}", Policy=json.dumps(policy))
        _add_key(kms, "SIMULATED signing", KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        left_over = _add_key(kms, "SIMULATED left over")
        in_use = _add_key(kms, "SIMULATED deleted while in use")
    kms.create_alias(AliasName="alias/simulated-in-use", TargetKeyId=in_use)
    filler.client("sqs", region).create_queue(
        QueueName="simulated-under-a-deleted-key", Attributes={"KmsMasterKeyId": "alias/simulated-in-use"}
    )
    for key in (left_over, in_use):
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=30)


def _add_key(kms: Any, description: str, **settings: Any) -> str:
    tags = [{"TagKey": name, "TagValue": value} for name, value in SIMULATED.items()]
    return str(kms.create_key(Description=description, Tags=tags, **settings)["KeyMetadata"]["KeyId"])


def _policies(account: str) -> dict[str, Any]:
    root = _allow(f"arn:aws:iam::{account}:root", "kms:*")
    admin, app = (f"arn:aws:iam::{account}:role/simulated-{name}" for name in ("key-admin", "app"))
    return {
        "separated duties": _policy(
            root, _allow(admin, "kms:Put*", "kms:ScheduleKeyDeletion"), _allow(app, "kms:Decrypt")
        ),
        "one role for all": _policy(root, _allow(app, "kms:*")),
        "open to everyone": _policy(root, _allow("*", "kms:Decrypt")),
    }


def _policy(*statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(who: str, *actions: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"AWS": who}, "Action": list(actions), "Resource": "*"}


def _fill_parameters(filler: Filler, region: str) -> None:
    ssm = filler.client("ssm", region)
    for suffix in filler.copies():
        for name, type_ in (("license", "SecureString"), ("banner-text", "String")):
            ssm.put_parameter(Name=f"/simulated/{name}{suffix}", Value="simulated", Type=type_, Tags=tag_list())


def _fill_data(filler: Filler, region: str, key_arn: str) -> None:
    dynamodb = filler.client("dynamodb", region)
    kms_encryption = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key_arn}
    settings_of = {"visits": {"SSESpecification": kms_encryption}, "sessions": {}}
    for name, settings in ((f"{name}{suffix}", own) for suffix in filler.copies() for name, own in settings_of.items()):
        dynamodb.create_table(
            TableName=f"simulated-{name}",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            Tags=tag_list(),
            **settings,
        )
    dynamodb.update_continuous_backups(
        TableName="simulated-visits", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    dynamodb.update_time_to_live(
        TableName="simulated-sessions", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
    )
    sqs = filler.client("sqs", region)
    queues = {
        "orders": {"KmsMasterKeyId": key_arn},
        "mails": {"SqsManagedSseEnabled": "true"},
        "in-clear": {"SqsManagedSseEnabled": "false"},
    }
    for name, attributes in ((f"{name}{suffix}", own) for suffix in filler.copies() for name, own in queues.items()):
        sqs.create_queue(QueueName=f"simulated-{name}", Attributes=attributes, tags=_MAP_TAGS)
    kinesis = filler.client("kinesis", region)
    for name in ("vital-signs", "clicks-in-clear"):
        kinesis.create_stream(StreamName=f"simulated-{name}", ShardCount=1)
    kinesis.start_stream_encryption(StreamName="simulated-vital-signs", EncryptionType="KMS", KeyId=key_arn)
    efs = filler.client("efs", region)
    own_key: dict[str, Any] = {"Encrypted": True, "KmsKeyId": key_arn, "Backup": True}
    for name, encryption in (("letters", own_key), ("scans-in-clear", {"Encrypted": False})):
        efs.create_file_system(CreationToken=f"simulated-{name}", Tags=tag_list(Name=name), **encryption)


def _fill_workloads(filler: Filler, region: str, key_arn: str) -> None:
    ecr = filler.client("ecr", region)
    for name, mutable, scans in (("portal", "IMMUTABLE", True), ("trial", "MUTABLE", False)):
        ecr.create_repository(
            repositoryName=f"simulated-{name}",
            imageTagMutability=mutable,
            imageScanningConfiguration={"scanOnPush": scans},
            encryptionConfiguration={"encryptionType": "KMS", "kmsKey": key_arn},
            tags=tag_list(),
        )
    role = filler.client("iam")
    trust = _policy({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})
    name = f"simulated-functions-{region}"
    made = role.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust), Tags=tag_list())["Role"]["Arn"]
    functions = filler.client("lambda", region)
    runtimes = {"reminders": "python3.13", "old-import": "python3.7"}
    for name, runtime in ((f"{name}{suffix}", own) for suffix in filler.copies() for name, own in runtimes.items()):
        functions.create_function(
            FunctionName=f"simulated-{name}",
            Runtime=runtime,
            Role=made,
            Handler="main.handle",
            Code={"ZipFile": _empty_program()},
            Environment={"Variables": {"MODE": "simulated"}},
            Tags=_MAP_TAGS,
        )


def _empty_program() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("main.py"), "def handle(event, context):\n    return 'simulated'\n")
    return buffer.getvalue()
