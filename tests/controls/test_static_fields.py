"""Every field that a rule reads exists where it is read: in botocore's output shape, or in what a derivation yields."""

from __future__ import annotations

from typing import Any

import pytest
from answers import kinds
from examples import AUTOMATIC, DERIVED, EXAMPLES

from controls.catalog import installed
from controls.fields import ANYTHING, OWN, Fit, KindFields, Paths, Shape, fit_of
from controls.models import Check
from controls.reading import PLACES
from controls.syntax import tree_of
from evidence_schema.records import DERIVATIONS
from evidence_schema.records.fields import ADDED_TO_DECLARED, FIELDS_OF
from flows.collectors.aws.session import AwsSessions
from flows.collectors.aws.settings import AwsSettings
from flows.collectors.aws.shapes import kind_fields, members_of, plain_shape, step_into, wrong_names

CHECKS = {**AUTOMATIC, **{check.id: check for item in installed().requirements for check in item.checks if check.rules}}
READ = {
    kind
    for check in CHECKS.values()
    for kind in (*check.over, *(item.kind for item in check.with_.values()))
    if kind not in PLACES
}
SESSIONS = AwsSessions({}, AwsSettings())
NOT_IN_A_SAMPLE = {
    "log_files": {"BySource", "Bytes", "Error", "First", "InPeriod", "Last", "Sha256", "VersionId"},
    "scalable_targets": {"CreationTime", "PredictedCapacity", "RoleARN", "ScalableTargetARN"},
    "credential_report": {
        "password_next_rotation", "access_key_1_last_used_region", "access_key_1_last_used_service",
        "access_key_2_last_used_region", "access_key_2_last_used_service",
        "cert_1_active", "cert_1_last_rotated", "cert_2_active", "cert_2_last_rotated",
    },
}  # fmt: skip
"""Fields that a derivation can yield and that no record of our samples has, since no rule reads them."""


@pytest.fixture(scope="module")
def fields() -> dict[str, KindFields]:
    """Service by service, so that each model is loaded once."""
    return {kind: kind_fields(declaration, SESSIONS) for kind, declaration in kinds().items() if kind in READ}


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_every_name_that_a_rule_reads_exists_however_deep(check: Check, fields: dict[str, KindFields]) -> None:
    assert fit_of(check, fields).unfit == ()


def test_most_names_are_told_by_a_shape(fields: dict[str, KindFields]) -> None:
    """Of a kind without a shape nothing could be wrong: there is none, and few paths lead below what is known."""
    assert all(isinstance(item.shape, dict) for item in fields.values())
    fits = [fit_of(check, fields) for check in CHECKS.values()]
    assert sum(fit.told for fit in fits) > 3000
    assert sum(bool(fit.untold) for fit in fits) <= 15


# --- what derivations yield -------------------------------------------------------------------------------------------


def test_every_derivation_says_which_fields_it_yields() -> None:
    assert DERIVATIONS.keys() == {"declared"} | FIELDS_OF.keys() | ADDED_TO_DECLARED.keys()


@pytest.mark.parametrize("kind", DERIVED)
def test_the_fields_of_a_derivation_are_those_of_its_records(kind: str) -> None:
    derivation = kinds()[kind].derive
    found = {name for record in DERIVED[kind] for name in record.fields}
    if derivation in FIELDS_OF:
        assert found == set(FIELDS_OF[derivation]) - NOT_IN_A_SAMPLE.get(derivation, set())
    else:
        shape = kind_fields(kinds()[kind], SESSIONS).shape
        assert isinstance(shape, dict)
        assert found <= shape.keys()
        assert found >= set(ADDED_TO_DECLARED[derivation])


def test_the_samples_of_the_derivations_are_those_of_the_kinds() -> None:
    derived = {kind for kind, item in kinds().items() if item.derive != "declared"}
    assert derived & READ <= DERIVED.keys() <= derived
    assert all(record.kind == kind for kind, records in DERIVED.items() for record in records)
    assert EXAMPLES


# --- a misspelt name would be seen ------------------------------------------------------------------------------------


def seen(rule: str) -> Paths:
    plans, vaults = (kind_fields(kinds()[name], SESSIONS).shape for name in ("aws.backup.plans", "aws.backup.vaults"))
    paths = Paths({"record": plans, "vaults": [vaults]})
    paths.walk(tree_of(rule))
    return paths


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ("record.plan.Rulez.size() == 0", ["record.plan.Rulez"]),
        ("record.plan.Rules.exists(rule, rule.Name == 'x')", ["record.plan.Rules[].Name"]),
        (
            "record.plan.Rules.exists(rule, rule.CopyActions.exists(copy, copy.Lifecycle.DeleteAfter > 1))",
            ["record.plan.Rules[].CopyActions[].Lifecycle.DeleteAfter"],
        ),
        ("record.plan.Rules[0].RuleNam == 'x'", ["record.plan.Rules[].RuleNam"]),
        (
            "record.plan.Rules.map(r, r.Lifecycle).exists(l, l.DeleteAfter > 1)",
            ["record.plan.Rules[].Lifecycle...[].DeleteAfter"],
        ),
        (
            "vaults.filter(v, v.Locked).exists(vault, vault.access_policy.Policy.Statement.exists(s, s.Efect))",
            ["vaults[].access_policy.Policy.Statement[].Efect"],
        ),
        ("record.plan.BackupPlanName.first == 'x'", ["record.plan.BackupPlanName.first"]),
        ("record.plan.Rules.exists(rule, rule.RuleName == 'x' && rule.Lifecycle.DeleteAfterDays > 1)", []),
    ],
)
def test_a_misspelt_path_would_be_seen(rule: str, wrong: list[str]) -> None:
    paths = seen(rule)
    assert [f"{holder}.{name}" for holder, name, _ in paths.wrong] == wrong
    assert paths.told


def fit(rule: str, kinds_: dict[str, KindFields] | None = None, **more: Any) -> Fit:
    check = Check.model_validate(
        {"id": "EV-NET-01-C9", "text": "t", "mode": "auto", "over": "aws.a.one", "assert": rule} | more
    )
    return fit_of(
        check, kinds_ or {"aws.a.one": KindFields({"Name": "string"}), "aws.a.two": KindFields({"Size": "long"})}
    )


@pytest.mark.parametrize(
    ("rule", "more", "step", "told"),
    [
        ("record.Nam == 'x'", {}, "assert", "expected a field of aws.a.one, found record.Nam; did you mean Name?"),
        (
            "record.Name.x == 1",
            {},
            "assert",
            "expected record.Name to have members, found record.Name.x of a plain value",
        ),
        ("true", {"when": "record.Nam == 'x'"}, "when", "found record.Nam"),
        (
            "record.Name == 'x'",
            {"over": ["aws.a.one", "aws.a.two"]},
            "assert",
            "expected every kind of `over` to have Name, found that aws.a.two has not; ask has(record.Name) first",
        ),
        (
            "has(record.Nam)",
            {"over": ["aws.a.one", "aws.a.two"]},
            "assert",
            "expected a field of aws.a.one or aws.a.two, found record.Nam; did you mean Name?",
        ),
        (
            "two.exists(t, t.Sise > 1)",
            {"with": {"two": "aws.a.two"}},
            "assert",
            "expected a member of two[], found two[].Sise",
        ),
        (
            "record.Name == 'x'",
            {"over": "account"},
            "assert",
            "expected a field of a place (`over: account`, `over: region`)",
        ),
        (
            "record.Name == 'x'",
            {"with": {"two": "aws.a.two"}},
            "with",
            "found two, which none reads; read it, or take it away",
        ),
        ("record.Name == 'x'", {"params": {"days": 1}}, "params", "found days, which none reads"),
        ("record.Name == 'x'", {"needs": ["roles"]}, "needs", "found roles, which none reads"),
    ],
)
def test_what_does_not_fit_is_told_with_its_part(rule: str, more: dict[str, Any], step: str, told: str) -> None:
    (unfit,) = fit(rule, **more).unfit
    assert unfit.step[0] == step
    assert unfit.text.startswith("EV-NET-01-C9: ")
    assert told in unfit.text


def test_what_only_one_of_several_kinds_has_may_be_asked_for() -> None:
    over = ["aws.a.one", "aws.a.two"]
    assert fit("has(record.Name) && record.Name == 'x' || has(record.Size)", over=over).unfit == ()


def test_no_default_answers_in_the_place_of_aws() -> None:
    given = {"aws.a.one": KindFields({"Name": "string", "On": "boolean"}, {"Name": "none", "On": False})}
    (unfit,) = fit("has(record.Name) || has(record.On)", given).unfit
    assert "expected has(record.Name) of a field that may be left out" in unfit.text


def test_rows_have_what_every_record_has() -> None:
    rule = " && ".join(f"two.exists(t, t.{name} == 'x')" for name in OWN)
    assert fit(f"record.Name == 'x' && {rule}", **{"with": {"two": "aws.a.two"}}).unfit == ()


def test_below_what_nobody_knows_nothing_is_called_wrong_and_it_is_said() -> None:
    found = fit("record.Tags.Owner == 'x'", {"aws.a.one": KindFields({"Tags": ANYTHING})})
    assert (found.unfit, found.told, found.untold) == ((), 1, ("record.Tags.Owner",))


# --- shapes -----------------------------------------------------------------------------------------------------------


def test_a_shape_that_holds_itself_ends() -> None:
    output = SESSIONS.model("wafv2").operation_model("GetWebACL").output_shape
    shape: Shape = plain_shape(output)
    assert "AndStatement" in set(members_of(shape))
    assert step_into(plain_shape(output, 1), "WebACL.Anything") is ANYTHING


@pytest.mark.parametrize(
    ("fields", "pointer", "told"),
    [
        (
            {"default": {"PubliclyAccessibel": False}},
            ("default", "PubliclyAccessibel"),
            "did you mean PubliclyAccessible",
        ),
        ({"policies": ["MasterUserSecret.Polcy"]}, ("policies", 0), "found no 'Polcy' of 'MasterUserSecret.Polcy'"),
        (
            {"redact": [{"operation": "DescribeDBInstances", "field": "MasterUserPassord"}]},
            ("redact", 0),
            "'MasterUserPassord'",
        ),
        (
            {"redact": [{"operation": "DescribeDBInstanses", "field": "MasterUsername"}]},
            ("redact", 0),
            "'DescribeDBInstanses'",
        ),
    ],
)
def test_names_beside_the_calls_of_a_kind_exist_in_its_answers(
    fields: dict[str, Any], pointer: tuple[Any, ...], told: str
) -> None:
    declaration = kinds()["aws.rds.instances"]
    changed = type(declaration).model_validate(declaration.to_json() | {"default": {}} | fields)
    ((where, text),) = wrong_names(changed, SESSIONS)
    assert where == pointer
    assert told in text
