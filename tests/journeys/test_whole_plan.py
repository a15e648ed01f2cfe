"""The whole catalogue on the emulated account: every kind answers, every check is seen to pass and to fail."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable

import pytest
from people import NAMES, named_in
from worlds import Founder, Gathered, Organisation, collected_here

from controls.catalog import installed
from controls.models import Check
from evidence_schema.models.names import FindingResult, GatherResult, Mode
from evidence_schema.models.unit import Selection
from flows.demo.access_log import Access
from flows.demo.facts import supplied_facts
from flows.demo.world import World
from flows.steps.opening import load_run

pytestmark = pytest.mark.journey

AUTOMATIC = [
    check for item in installed().requirements if item.kinds for check in item.checks if check.mode is Mode.AUTO
]
EMPTY: dict[str, str] = {}
"""Kinds of which the emulated account holds nothing, with the reason."""
ONE_SIDED = {
    **dict.fromkeys(("EV-IAM-02-C1", "EV-IAM-02-C2"), "an account has one password policy"),
    **dict.fromkeys(("EV-IAM-02-C3", "EV-IAM-02-C4"), "an account has one root user"),
    "EV-BKP-02-C1": "AWS lists the jobs of 30 days: most occasions of last month cannot be told",
    "EV-BKP-02-C2": "each plan made a recovery point within its objective",
    "EV-CHG-06-C2": "an account is in one organisation",
    "EV-DAT-07-C3": "one trail watches all regions",
    "EV-ENC-08-C5": "it says what the collector itself did: it never reads a secret",
    "EV-LOG-06-C3": "no event of root has a ticket",
}
"""Checks of which the emulated account shows one side only, with the reason."""
UNSEEN = {"EV-ENC-07-C5": "moto does not say which machines may run enclaves"}
"""Checks that judge nothing there, with the reason; their examples do."""
AGAIN = {"s3:GetObject": "some log files are read again for the digest chain, apart from what it is held against"}
"""Operations that are rightly called twice with the same parameters, with the reason."""


@pytest.fixture(scope="module")
def place(whole_organisation: Founder, tmp_path_factory: pytest.TempPathFactory) -> Organisation:
    """With the simulated organisation's facts, lists of people among them."""
    found = whole_organisation(tmp_path_factory.mktemp("whole"))
    found.change_settings(lambda settings: settings.update(facts=supplied_facts()))
    return found


@pytest.fixture(scope="module")
def whole(place: Organisation, whole_world: World) -> tuple[Gathered, tuple[Access, ...]]:
    """The month of everything, in both regions."""
    whole_world.clear_accesses()
    return collected_here(place, Selection()), whole_world.accesses()


def test_every_unit_is_gathered(whole: tuple[Gathered, tuple[Access, ...]]) -> None:
    gathered, _ = whole
    lost = {str(unit): row.reason for unit, row in gathered.receipts.items() if not row.result.is_complete}
    assert lost == {}


def test_nothing_is_cut_but_what_is_declared(whole: tuple[Gathered, tuple[Access, ...]]) -> None:
    """No secret is planted there: whatever another rule would cut, it would cut wrongly."""
    gathered, _ = whole
    cut = {(row.unit.kind, count.rule) for row in gathered.receipts.values() for count in row.redactions}
    assert {item for item in cut if not item[1].startswith("field:")} == set()
    assert sum(row.quarantined for row in gathered.receipts.values()) == 0


def test_every_kind_holds_something_somewhere(whole: tuple[Gathered, tuple[Access, ...]]) -> None:
    gathered, _ = whole
    kinds = {unit.kind for unit in gathered.receipts}
    filled = {unit.kind for unit, row in gathered.receipts.items() if row.result is GatherResult.COLLECTED}
    assert kinds - filled == EMPTY.keys()


def test_every_record_has_an_id_of_its_own(whole: tuple[Gathered, tuple[Access, ...]]) -> None:
    gathered, _ = whole
    ids = Counter((record.kind, record.account, record.region, record.id) for record in gathered.records())
    assert [key for key, count in ids.items() if count > 1] == []


@pytest.mark.parametrize("check", AUTOMATIC, ids=lambda check: check.id)
def test_every_check_is_seen_to_pass_and_to_fail(check: Check, whole: tuple[Gathered, tuple[Access, ...]]) -> None:
    gathered, _ = whole
    if check.id in UNSEEN:
        assert not any(finding.result is not FindingResult.NOT_APPLICABLE
                       for finding in gathered.findings if finding.check == check.id)  # fmt: skip
        return
    seen = {finding.result for finding in gathered.findings if finding.check == check.id}
    both = {FindingResult.PASS, FindingResult.FAIL}
    if check.id in ONE_SIDED or set(check.over) <= {"account", "region"}:
        assert seen & both, "judged at least once"
    else:
        assert both <= seen


def test_no_call_that_succeeded_is_made_again(whole: tuple[Gathered, tuple[Access, ...]]) -> None:
    _, accesses = whole
    calls = Counter(
        (f"{access.service}:{access.operation}", access.region, access.parameters_sha256)
        for access in accesses
        if access.status < 400
    )
    again = {name for (name, _, _), count in calls.items() if count > 1}
    assert again == AGAIN.keys()


def test_no_artifact_of_a_personal_kind_is_stored_in_clear(
    whole: tuple[Gathered, tuple[Access, ...]], figure: Callable[[str], None]
) -> None:
    gathered, _ = whole
    personal = load_run(gathered.vault, gathered.state).personal_kinds
    rows = [row for row in gathered.receipts.values() if row.unit.kind in personal]
    blobs = [blob for row in rows for blob in row.blobs]
    in_clear = [blob for blob in blobs if blob.encryption is None]
    others = [blob for row in gathered.receipts.values() if row.unit.kind not in personal for blob in row.blobs]
    figure(f"artifacts of personal kinds: {len(blobs)}, stored unencrypted: {len(in_clear)}; others: {len(others)}")
    assert len(blobs) > 20
    assert in_clear == []
    assert all(blob.encryption is None for blob in others)


def test_no_object_of_the_vault_names_a_person_of_the_account(
    place: Organisation, whole: tuple[Gathered, tuple[Access, ...]], figure: Callable[[str], None]
) -> None:
    gathered, _ = whole
    done = place.evidence("workbook", "--folder", "workbooks")
    assert done.returncode == 0, done.stderr
    workbooks = named_in({path.name: path.read_bytes() for path in (place.folder / "workbooks").glob("*.xlsx")})
    assert len(workbooks) == 3, "what was delivered shows the names: the scan sees through a zip"
    named = named_in(place.contents())
    told = {record.kind for record in gathered.records() for name in NAMES if name in json.dumps(record.fields)}
    objects = len(place.contents())
    figure(
        f"objects of the vault: {objects}, names of people: {len(NAMES)}, objects that hold one in clear: {len(named)}"
    )
    assert len(told) > 5
    assert named == {}
