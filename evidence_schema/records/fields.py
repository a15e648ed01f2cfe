"""The names of the fields that a derivation of its own makes. Botocore has no shape of them: what a rule reads of such
a kind is checked by name, and not below it.
"""

from __future__ import annotations

from types import MappingProxyType

_NAMES = {
    "credential_report": (
        "user arn user_creation_time is_root password_enabled password_last_used password_last_changed "
        "password_next_rotation mfa_active access_key_1_active access_key_1_last_rotated access_key_1_last_used_date "
        "access_key_1_last_used_region access_key_1_last_used_service access_key_2_active access_key_2_last_rotated "
        "access_key_2_last_used_date access_key_2_last_used_region access_key_2_last_used_service cert_1_active "
        "cert_1_last_rotated cert_2_active cert_2_last_rotated CallTime ReportGeneratedTime"
    ),
    "access_keys": "Arn CallTime Created Credential LastUsed LastUsedOrCreated NeverUsed ReportGeneratedTime User",
    "log_files": "BySource Bytes Day Error Events First InPeriod Key Last Sha256 VersionId",
    "log_days": "AccessChanges Day Events Files Privileged PrivilegedKept RootEvents SignIns",
    "sign_in_days": "Day Failed Hidden Principal SourceAddress",
    "sign_ins": "EventId EventName EventSource EventTime MFAUsed Principal ReadOnly Region SourceAddress UserType",
    "root_events": "ErrorCode EventId EventName EventSource EventTime Principal ReadOnly Region SourceAddress",
    "privileged_events": "ErrorCode EventId EventName EventSource EventTime Principal ReadOnly Region SourceAddress",
    "access_changes": (
        "Actor EventId EventName EventSource EventTime Grant Principal ReadOnly Region SourceAddress Target ToItself"
    ),
    "data_reads": "Day Principal Reads Store",
    "data_read_days": "Day Principal Reads",
    "lake_events": (
        "Actor CountedAs ErrorCode EventId EventName EventSource EventTime MFAUsed Principal ReadOnly Region "
        "SignInResult SourceAddress Store UserType"
    ),
    "lake_days": "AccessChanges Day MultiRegion RootEvents SignIns Store Whole",
    "trail_days": "Day Events",
    "digests": "Chained End First Key PreviousEnd Signed Start",
    "digest_days": "Chained Day Digests Signed Whole",
    "digest_samples": "Key Listed Matches Sampled",
    "data_event_selectors": (
        "Exact HomeRegion IsLogging MultiRegion Narrowed Prefixes ReadWriteType ResourceType Trail Whole"
    ),
    "alarm_topics": "Events LogGroups Topic Words",
    "database_logs": "Database Holder Log LogGroup Statements",
    "privileged_statements": "At Database LogGroup Principal Verb",
    "backup_occasions": (
        "Approximate ByTag CompleteBy Due InJobHistory IntervalHours Patterns Plan PlanId Resources "
        "RetentionDays Rule RuleId Schedule ScheduledAt Selections Timezone Vault WindowEnd"
    ),
    "stored_objects": (
        "Bucket ClaimedSha256 Key LastModified Listed Log Mode Old OldListed RetainUntilDate Sha256 VersionId"
    ),
    "stored_months": "Bucket End Log Month Runs",
    "scalable_targets": (
        "CreationTime PredictedCapacity RoleARN ScalableTargetARN MaxCapacity MinCapacity ResourceId "
        "ScalableDimension ServiceNamespace SuspendedState"
    ),
    "metric_statistics": "Days Dimensions Highest Lowest Mean MetricName Namespace Resource Statistic",
    "iam_principals": "Arn AttachedPolicies ByIdentityCenter InlinePolicies Members Name Path ServiceLinked Type",
    "iam_policies": "AttachmentCount Holders Name PermissionsBoundaryUsageCount Policy Reaches Type Wildcards",
    "iam_trusts": "Anyone Arn OtherAccounts Path Principals RequiresMfa Role",
    "guardrails": "AtRoot Denies Name Regions Targets",
    "service_last_accessed": "Granted ServicesUsed Used",
    "sso_assignments": "AccountId PermissionSetArn PrincipalId PrincipalType",
    "group_memberships": "GroupId GroupName UserId",
    "app_clients": "AccessTokenMinutes ClientName IdTokenMinutes PoolId PoolName RefreshTokenMinutes",
    "role_sessions": (
        "EventId EventName EventSource EventTime Principal ReadOnly Region RoleArn SessionName SourceAddress"
    ),
    "change_events": "Actor Deployment EventId EventName EventSource EventTime Principal ReadOnly Region SourceAddress",
    "config_changes": "CapturedAt RelatedEvents ResourceId ResourceName ResourceType Status",
    "routing": "Main Peerings Subnets ToInternet TransitGateways VpcId",
    "worn_groups": "GroupId InstanceId Public",
    "counted_regions": "Resources",
    "searches": "Complete Found",
    "session_preferences": (
        "Bucket BucketEncrypted IdleMinutes KmsKeyId LogGroup LogGroupEncrypted LongestMinutes Saved"
    ),
    "key_policies": "AdministersAndUses DecryptsUnattested KeyManager KeyState OnlyAccountRoot Statements",
    "answers": "Fields Operations",
    "services_found": "Resources Service",
}
FIELDS_OF: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {derivation: tuple(names.split()) for derivation, names in _NAMES.items()}
)
"""Names of fields, by the derivation's name."""
ADDED_TO_DECLARED: MappingProxyType[str, tuple[str, ...]] = MappingProxyType({"permission_sets": ("SessionSeconds",)})
"""Of derivations that yield the records as they are declared, with something added."""
POLICIES_IN: MappingProxyType[str, tuple[str, ...]] = MappingProxyType({"iam_policies": ("Policy",)})
"""Fields that hold a policy document, parsed; by the derivation's name."""
