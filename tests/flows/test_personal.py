"""What is personal: kinds, checks, facts; and that a run which gathers it does not start without keys."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from controls.catalog import installed
from controls.models import Check
from evidence_schema.models.names import Trigger
from evidence_schema.models.unit import Period, Selection
from flows.collectors.registry import load_kinds
from flows.errors import UsageError
from flows.settings import load_settings
from flows.steps.founding import Founding, found
from flows.steps.opening import RunRequest, open_run
from flows.steps.personal import personal_checks, personal_facts, personal_kinds
from flows.steps.rotating import found_keys, rotate
from flows.steps.runtime import open_runtime
from flows.vault.errors import KeysKept, NoDataKeys, StoreUnavailable
from flows.vault.vault import utc_now

pytestmark = pytest.mark.sealing

PERIOD = Period(start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2026, 11, 1, tzinfo=UTC))
PERSONAL, OPEN = Selection(requirements=("EV-IAM-01",)), Selection(requirements=("EV-NET-01",))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    found(
        Founding(
            config=tmp_path / "evidence.yaml", organisation="SIMULATED", log="simulated", accounts=("111122223333",),
            regions=("eu-central-1",), vault="vault", endpoint=None, keys=tmp_path / "keys", frameworks=(),
            simulated=True,
        )
    )  # fmt: skip
    return tmp_path / "evidence.yaml"


def opened(config: Path, selection: Selection, number: int = 1):
    request = RunRequest(f"adhoc/{number:012d}", Trigger.AD_HOC, selection, PERIOD)
    return open_run(open_runtime(config), request)


def changed(config: Path, change) -> None:
    settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    change(settings)
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")


def test_a_kind_read_by_a_personal_view_says_so_itself() -> None:
    """Else a run that plans the kind and not the view would keep it in clear."""
    kinds = load_kinds()
    declared = {name for name in kinds if kinds[name].personal}
    views = {name for name in personal_kinds(kinds.values()) - declared if kinds[name].view_of is None}
    assert views == set()
    assert len(declared) > 40


def test_a_kind_asked_about_each_item_of_a_personal_one_is_personal_too() -> None:
    """Its calls name these items. Objects of our own stores have digests for names, whatever the bucket is called."""
    kinds = load_kinds()
    asked = {name for name in kinds if (source := kinds[name].source) and kinds[source].personal}
    assert len(asked) == 4
    assert {name for name in asked if not kinds[name].personal} == {"aws.s3.stored_objects"}


def test_views_of_personal_kinds_are_personal_and_an_organisation_may_add_kinds() -> None:
    kinds = load_kinds()
    assert "aws.kms.key_policies" in personal_kinds(kinds.values())
    assert "aws.ec2.instances" not in personal_kinds(kinds.values())
    assert "aws.ec2.instances" in personal_kinds(kinds.values(), ["aws.ec2.instances", "aws.never.declared"])


def test_a_check_is_personal_by_any_kind_that_it_reads() -> None:
    kinds = frozenset({"aws.iam.users"})

    def check(number: int, **parts: object) -> Check:
        return Check.model_validate({"id": f"EV-IAM-01-C{number}", "text": "t", "mode": "auto", **parts})

    requirement = (
        installed()
        .requirements[0]
        .model_copy(
            update={
                "checks": (
                    check(1, over="aws.iam.users"),
                    check(2, over="aws.s3.buckets"),
                    check(3, over="account", **{"with": {"users": "aws.iam.users"}}),
                    check(4, over="region"),
                )
            }
        )
    )
    catalog = installed().model_copy(update={"requirements": (requirement,)})
    assert personal_checks(catalog, kinds) == {"EV-IAM-01-C1", "EV-IAM-01-C3"}
    known = ["aws.iam.users"]
    assert personal_checks(catalog, kinds, known) == {"EV-IAM-01-C1", "EV-IAM-01-C2", "EV-IAM-01-C3"}, (
        "not known: may be"
    )


def test_a_fact_that_an_open_rule_needs_stays_in_clear() -> None:
    catalog, kinds = installed(), personal_kinds(load_kinds().values())
    checks = personal_checks(catalog, kinds)
    hidden = personal_facts(catalog, checks, catalog.facts)
    assert {"workforce_list", "break_glass_roles"} <= hidden
    assert "data_classification" not in hidden
    needed = {name for item in catalog.requirements for check in item.checks
              if check.rules and check.id not in checks for name in check.needs}  # fmt: skip
    assert not needed & hidden


def test_a_run_with_personal_kinds_does_not_start_without_keys(config: Path) -> None:
    changed(config, lambda settings: settings["vault"].pop("keys"))
    with pytest.raises(NoDataKeys, match=r"vault: \{keys: .*data-keys init"):
        opened(config, PERSONAL)
    assert open_runtime(config).vault.runs.runs() == (), "nothing was opened"
    assert opened(config, OPEN).personal is False


def test_older_settings_get_their_keys_by_a_command(config: Path, tmp_path: Path) -> None:
    changed(config, lambda settings: settings["vault"].pop("keys"))
    added = found_keys(load_settings(config), tmp_path / "new-keys", utc_now())
    changed(config, lambda settings: settings["vault"].update(keys=added))
    assert opened(config, PERSONAL).personal is True


def test_a_lost_place_of_keys_stops_a_run_before_it_starts(config: Path, tmp_path: Path) -> None:
    (tmp_path / "keys" / "data-keys").rmdir()
    with pytest.raises(StoreUnavailable, match="restore it"):
        opened(config, PERSONAL)
    (tmp_path / "keys" / "data-keys").mkdir(mode=0o755)
    (tmp_path / "keys" / "data-keys").chmod(0o755)
    with pytest.raises(KeysKept):
        opened(config, PERSONAL)


def test_facts_that_name_people_are_sealed_apart_and_come_back(config: Path) -> None:
    people = {"value": {"active": ["sim-anna.keller"]}, "approved_by": "hr", "as_of": "2026-11-01T00:00:00Z"}
    regions = {"value": {"regions": ["eu-central-1"]}, "approved_by": "cto", "as_of": "2026-11-01T00:00:00Z"}
    changed(config, lambda settings: settings.update(facts={"workforce_list": people, "approved_regions": regions}))
    run = opened(config, OPEN)
    assert run.state.open.facts is not None
    sealed = [path.read_bytes() for path in (config.parent / "vault").rglob("*") if path.is_file()]
    assert not [data for data in sealed if b"sim-anna.keller" in data]
    assert run.settings.facts["workforce_list"].value == {"active": ["sim-anna.keller"]}
    changed(config, lambda settings: settings["vault"].pop("keys"))
    with pytest.raises(NoDataKeys):
        opened(config, OPEN, 2)


def test_compliance_is_possible_for_personal_kinds(config: Path) -> None:
    lock = {"mode": "COMPLIANCE", "by": "retention class"}
    changed(config, lambda settings: settings["vault"].update(lock=lock))
    run, vault = opened(config, PERSONAL), open_runtime(config).vault
    now = vault.clock()
    assert run.artifact_lock(vault, ("EV-IAM-01",)).until > now
    assert run.lock(vault).until.year == now.year + 6
    by_class = {name: run.artifact_lock(vault, (name,)).until for name in ("EV-LOG-06", "EV-IAM-01", "EV-COL-01")}
    classes = {item.id: item.retention_class for item in run.catalog.requirements}
    ends = {classes[name]: until for name, until in by_class.items()}
    assert ends["extract"] < ends["audit"] < ends["documentation"]
    assert run.artifact_lock(vault, tuple(by_class)).until == max(by_class.values())


def test_a_quarter_ends_and_everything_still_opens(config: Path) -> None:
    fact = {"value": {"active": ["sim-anna.keller"]}, "approved_by": "hr", "as_of": "2026-11-01T00:00:00Z"}
    changed(config, lambda settings: settings.update(facts={"workforce_list": fact}))
    run = opened(config, OPEN)
    runtime = open_runtime(config)
    done = rotate(runtime.located, runtime.vault, datetime(2027, 1, 2, tzinfo=UTC), forget=False)
    assert (done.epoch, done.rewrapped, done.forgotten) == ("2027-q1", 1, ())
    with pytest.raises(UsageError, match="no open run"):
        rotate(runtime.located, open_runtime(config).vault, utc_now(), forget=True)
    again = open_runtime(config).vault
    assert again.artifacts.read(run.state.open.facts, run.run_id, "facts", limit=1 << 20)  # type: ignore[arg-type]
