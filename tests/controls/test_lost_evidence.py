"""Denied or partial data never yields pass: of every automatic requirement, over every way in which a unit can end.

Real judging over the examples of every check, gathered in one or two places; hypothesis draws how each unit ended. What
is complete is decided here from the words of DESIGN section 2, never by asking the code that is on trial.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
from examples import EXAMPLES
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from scenes import AUTOMATED, LOST, PLACES, Judged, Scene, automatic, became, compiled_once, scenes, staged
from small_world import views

from controls import judging
from controls.catalog import installed
from controls.checks import CompiledCheck
from controls.judging import WHOLE_UNIT, Judgement
from controls.models import Check, EvidenceRequirement
from controls.outcome import MOST_REASONS, Tally
from controls.rules import reads
from evidence_schema.models.finding import CheckResult, Finding
from evidence_schema.models.names import FindingResult, GatherResult, Outcome
from evidence_schema.models.transcript import Record
from evidence_schema.models.unit import Unit

UNKNOWN = (Outcome.EXCEPTION, Outcome.NOT_COLLECTED)
"""All that may be said of what is not wholly known: what is known of it is bad, or it was not collected."""
NO_PLACE = ("account", "region")
Claim = Callable[[Scene], None]


@pytest.fixture(scope="module", autouse=True)
def rules_are_compiled_once() -> Iterator[None]:
    with mock.patch.object(judging, "CompiledCheck", compiled_once):
        yield


# --- what a check reads, and what of it is lost ---------------------------------------------------------------------


def over_units(scene: Scene, check: Check) -> dict[Unit, set[str]]:
    """The units whose records a check judges, with the kinds or views that it reads them as."""
    found: dict[Unit, set[str]] = {}
    for kind in check.over:
        for unit in scene.units_of(kind):
            found.setdefault(unit, set()).add(kind)
    return found


def list_units(scene: Scene, check: Check, name: str, account: str, region: str) -> list[Unit]:
    """The units of which a list is made, for a record of that place."""
    wanted = check.with_[name]
    return [
        unit
        for unit in scene.units_of(wanted.kind)
        if unit.account == account and (wanted.within == "account" or unit.region == region)
    ]


def lost_of_list(scene: Scene, check: Check, name: str, account: str, region: str) -> list[Unit]:
    """Beside a record, a service that says it is not enabled in the record's own region has not answered."""
    beside = check.with_[name].within == "region" and not set(NO_PLACE) & set(check.over)
    return [
        unit
        for unit in list_units(scene, check, name, account, region)
        if scene.answers[unit].is_lost or (beside and scene.answers[unit].result == "unavailable")
    ]


def lost_units(scene: Scene, check: Check) -> set[Unit]:
    """Everything that a check may read and that is not wholly known."""
    listed = {unit for companion in check.with_.values() for unit in scene.units_of(companion.kind)}
    return {unit for unit in {*over_units(scene, check), *listed} if scene.answers[unit].is_lost}


def record_of(scene: Scene, finding: Finding) -> Record | None:
    """The record that was judged; None for an account or a region."""
    for unit in scene.units_of(finding.kind):
        if (unit.account, unit.region) == (finding.account, finding.region):
            found = [row for row in scene.answers[unit].rows.get(finding.kind, ()) if row.id == finding.record]
            return found[0]
    assert finding.kind.startswith("scope.")
    return None


def results_of(found: Judged) -> dict[str, CheckResult]:
    return {item.check: item for item in found.outcome.checks}


def of_check(found: Judged, check: Check) -> list[Finding]:
    return [finding for finding in found.findings if finding.check == check.id]


# --- the claims -----------------------------------------------------------------------------------------------------


def nothing_lost_is_a_pass(scene: Scene) -> None:
    found = scene.judged()
    for check in automatic(scene.requirement):
        for finding in of_check(found, check):
            if finding.result is FindingResult.PASS:
                assert unknown_to(scene, check, finding) == [], finding


def unknown_to(scene: Scene, check: Check, finding: Finding) -> list[str]:
    """What a rule read to say pass, without its being known. `unless` is read only where the rest does not hold."""
    needed = reads(*(text for part, text in check.rules.items() if part != "unless"), lists=check.with_)
    every = reads(*check.rules.values(), lists=check.with_)
    excuses = unknown_of(scene, check, finding, every) if check.unless else []
    if excuses and not unknown_of(scene, check, finding, needed):
        without = replace(scene, requirement=without_excuse(scene, check)).judged()
        (same,) = (item for item in of_check(without, check) if item.sort_key == finding.sort_key)
        return [] if same.result is FindingResult.PASS else excuses
    return unknown_of(scene, check, finding, needed)


def without_excuse(scene: Scene, check: Check) -> Any:
    checks = tuple(item.model_copy(update={"unless": None}) if item is check else item for item in
                   scene.requirement.checks)  # fmt: skip
    return scene.requirement.model_copy(update={"checks": checks})


def unknown_of(scene: Scene, check: Check, finding: Finding, read: Any) -> list[str]:
    found = []
    record = record_of(scene, finding)
    if record is not None:
        (unit,) = (u for u in scene.units_of(finding.kind) if (u.account, u.region) == (record.account, record.region))
        result = scene.answers[unit].result
        found += [f"{unit} ended {result}"] if result is None or result.value in ("denied", "failed") else []
        found += [f"{name} of {record.id}" for name in read.record & record.gaps.keys()]
    for name, names in read.rows.items():
        units = list_units(scene, check, name, finding.account, finding.region)
        consented = check.with_[name].kind not in scene.not_asked
        found += [f"{name} was not planned"] if consented and not units else []
        found += [f"list {name}: {unit}" for unit in lost_of_list(scene, check, name, finding.account, finding.region)]
        rows = [row for unit in units for row in scene.answers[unit].rows.get(check.with_[name].kind, ())]
        found += [f"{gap} of {row.id} in {name}" for row in rows for gap in names & row.gaps.keys()]
    return found


def what_is_not_complete_is_an_exception_or_not_collected(scene: Scene) -> None:
    found = scene.judged()
    results = results_of(found)
    lost = {unit for check in automatic(scene.requirement) for unit in lost_units(scene, check)}
    if lost:
        assert found.outcome.outcome in UNKNOWN, f"{found.outcome.outcome} with {lost}"
    for check in automatic(scene.requirement):
        fails = any(finding.result is FindingResult.FAIL for finding in of_check(found, check))
        assert (results[check.id].outcome is Outcome.EXCEPTION) == fails
        if any(scene.answers[unit].is_lost for unit in over_units(scene, check)):
            assert results[check.id].outcome in UNKNOWN
        unanswered = [item for item in of_check(found, check) if item.reason and item.reason.type in ("unit", "call")]
        assert not unanswered or results[check.id].outcome in UNKNOWN
    failed = {finding.result for finding in found.findings} & {FindingResult.FAIL}
    assert (found.outcome.outcome is Outcome.EXCEPTION) == bool(failed)


def what_was_lost_is_told_with_its_unit_and_reason(scene: Scene) -> None:
    found = scene.judged()
    for check in automatic(scene.requirement):
        told = {(item.kind, item.account, item.region): item for item in of_check(found, check)
                if item.record == WHOLE_UNIT}  # fmt: skip
        for unit, kinds_read in over_units(scene, check).items():
            for kind in kinds_read:
                finding = told.pop((kind, unit.account, unit.region), None)
                assert (finding is not None) == scene.answers[unit].is_lost, unit
                if finding is not None:
                    assert_tells_of(finding, unit, scene)
        assert not told, "of a unit that is complete, or that the check does not read"
        assert_every_record_is_judged(scene, check, of_check(found, check))
        for finding in of_check(found, check):
            if finding.reason is not None and finding.reason.type == "fact":
                every = reads(*check.rules.values(), lists=check.with_)
                assert unknown_of(scene, check, finding, every) == [], "a list that a person may supply comes last"
            assert (finding.reason is not None) == (finding.result is FindingResult.ERROR)
            if finding.record != WHOLE_UNIT and finding.reason is not None and finding.reason.type == "unit":
                named = [unit for unit in unknown_units(scene, check, finding) if str(unit) in finding.reason.text]
                assert named, finding.reason
                assert_tells_of(finding, named[0], scene)
        said = results_of(found)[check.id].reasons
        texts = {item.reason.text for item in of_check(found, check) if item.reason}
        assert len(said) == MOST_REASONS or texts <= set(said)
    for unit in {unit for check in automatic(scene.requirement) for unit in lost_units(scene, check)}:
        shown = next((kind for kind in found.outcome.coverage if kind.kind == unit.kind), None)
        assert shown is not None, f"{unit.kind} is not counted"
        result = scene.answers[unit].result
        assert sum(shown.results.values()) < shown.expected if result is None else shown.results[result] >= 1
        crowded = len(found.outcome.reasons) == MOST_REASONS
        assert crowded or any(reason.startswith(f"{unit.kind}: ") for reason in found.outcome.reasons)


def assert_every_record_is_judged(scene: Scene, check: Check, findings: list[Finding]) -> None:
    """What did come of a unit that was lost is still looked at."""
    judged_ones = {(item.kind, item.account, item.region, item.record) for item in findings}
    for unit, kinds_read in over_units(scene, check).items():
        for kind in kinds_read:
            for row in scene.answers[unit].rows.get(kind, ()):
                assert (kind, unit.account, unit.region, row.id) in judged_ones


def unknown_units(scene: Scene, check: Check, finding: Finding) -> list[Unit]:
    """The units of which a finding's record, or the lists beside it, are not wholly known."""
    own = [unit for unit in scene.units_of(finding.kind) if (unit.account, unit.region) == finding.sort_key[1:3]]
    lists = [lost_of_list(scene, check, name, finding.account, finding.region) for name in check.with_]
    return [unit for unit in own if scene.answers[unit].is_lost] + [unit for units in lists for unit in units]


def assert_tells_of(finding: Finding, unit: Unit, scene: Scene) -> None:
    """Which unit, how it ended, and the source's own word on why."""
    answer = scene.answers[unit]
    assert finding.result is FindingResult.ERROR
    assert finding.reason is not None
    assert finding.reason.type == "unit"
    assert views().get(finding.reason.name, finding.reason.name) == unit.kind
    assert str(unit) in finding.reason.text
    assert ("no receipt" if answer.result is None else answer.result.value) in finding.reason.text
    assert answer.why in finding.reason.text


def nothing_looks_better(before: Scene, after: Scene, unit: Unit) -> None:
    """`unit` ended worse. What was known may become unknown, and says so; all else is as it was."""
    was, now = before.judged(), after.judged()
    found = {finding.sort_key: finding for finding in now.findings}
    gone = {key[:4] for key in found if key[4] == WHOLE_UNIT}
    for finding in was.findings:
        same = found.pop(finding.sort_key, None)
        if same is None:
            assert finding.sort_key[:4] in gone, f"{finding.sort_key} vanished without a word"
        else:
            assert same.result in (finding.result, FindingResult.ERROR), f"{finding.result} became {same.result}"
    assert all(key[4] == WHOLE_UNIT for key in found), "a record out of nowhere"
    assert_no_better(was.outcome.outcome, now.outcome.outcome, list(now.findings))
    results = results_of(was)
    for check in automatic(after.requirement):
        outcome, later = results[check.id].outcome, results_of(now)[check.id].outcome
        assert_no_better(outcome, later, of_check(now, check))
        if unit not in {*over_units(after, check), *listed_by(after, check)}:
            assert later is outcome


def listed_by(scene: Scene, check: Check) -> set[Unit]:
    return {unit for companion in check.with_.values() for unit in scene.units_of(companion.kind)}


def assert_no_better(was: Outcome | None, now: Outcome | None, findings: list[Finding]) -> None:
    """No weaker outcome; only an exception whose every record is lost becomes not collected."""
    assert was is not None
    assert now is not None
    fails = any(finding.result is FindingResult.FAIL for finding in findings)
    assert (now is Outcome.EXCEPTION) == fails, "an exception found in other records stays one"
    assert now.strength <= was.strength or (was is Outcome.EXCEPTION and now is Outcome.NOT_COLLECTED)


CLAIMS: tuple[Claim, ...] = (
    nothing_lost_is_a_pass,
    what_is_not_complete_is_an_exception_or_not_collected,
    what_was_lost_is_told_with_its_unit_and_reason,
)


def worsened(data: st.DataObject, scene: Scene) -> None:
    """One unit that had answered: then partial, then lost."""
    answering = [unit for unit, answer in scene.answers.items() if not answer.is_lost]
    if not answering:
        return
    unit = data.draw(st.sampled_from(answering))
    seed, how = data.draw(st.integers(0, 59)), data.draw(st.sampled_from(LOST))
    half = scene.answer(unit, became(scene.requirement.id, scene.answers[unit], "partial", seed))
    nothing_looks_better(scene, half, unit)
    nothing_looks_better(half, half.answer(unit, became(scene.requirement.id, half.answers[unit], how, seed)), unit)


# --- the tests ------------------------------------------------------------------------------------------------------

each_requirement = pytest.mark.parametrize("id_", AUTOMATED)
EXAMPLES_EACH, THOROUGH_EACH = 8, 100
"""Drawn for a requirement and a claim: in the unit suite, and by hand."""


def tried(claim: Claim, id_: str, examples: int, **how: Any) -> None:
    """Raises AssertionError where the claim does not hold of a scene of the requirement."""

    @settings(max_examples=examples, suppress_health_check=[*HealthCheck], **how)
    @given(scenes(id_))
    def holds(scene: Scene) -> None:
        claim(scene)

    holds()


def tried_by_worsening(id_: str, examples: int, **how: Any) -> None:
    @settings(max_examples=examples, suppress_health_check=[*HealthCheck], **how)
    @given(scenes(id_), st.data())
    def holds(scene: Scene, data: st.DataObject) -> None:
        worsened(data, scene)

    holds()


@each_requirement
def test_nothing_that_was_lost_is_read_into_a_pass(id_: str) -> None:
    tried(nothing_lost_is_a_pass, id_, EXAMPLES_EACH)


@each_requirement
def test_a_requirement_that_is_not_wholly_gathered_is_an_exception_or_not_collected(id_: str) -> None:
    tried(what_is_not_complete_is_an_exception_or_not_collected, id_, EXAMPLES_EACH)


@each_requirement
def test_every_check_that_lost_data_says_which_unit_and_why(id_: str) -> None:
    tried(what_was_lost_is_told_with_its_unit_and_reason, id_, EXAMPLES_EACH)


@each_requirement
def test_a_unit_that_ends_worse_makes_nothing_look_better(id_: str) -> None:
    tried_by_worsening(id_, EXAMPLES_EACH)


@pytest.mark.thorough
@each_requirement
def test_all_of_it_holds_of_many_more_scenes(id_: str) -> None:
    for claim in CLAIMS:
        tried(claim, id_, THOROUGH_EACH)
    tried_by_worsening(id_, THOROUGH_EACH)


# --- the tests are worth something ----------------------------------------------------------------------------------


def is_complete_in(*results: str) -> Any:
    return property(lambda self: self.value in ("collected", "empty", "unavailable", *results))


def without_gaps(self: CompiledCheck, record: Record, scope: Any, judge: Any = CompiledCheck.judge) -> Finding:
    found: Finding = judge(self, record.model_copy(update={"gaps": {}}), scope)
    return found


def without_records(self: Judgement, *asked: Any, of: Any = Judgement._of_unit) -> Iterator[Any]:
    items = list(of(self, *asked))
    return iter([item for item in items if isinstance(item, Finding)] or items)


def without_unit_errors(self: Judgement, *asked: Any, of: Any = Judgement._of_unit) -> Iterator[Any]:
    return (item for item in of(self, *asked) if not isinstance(item, Finding))


def any_unit_will_do(self: Judgement, *asked: Any, why: Any = Judgement._companion_reason) -> Any:
    receipts = self._evidence.receipts
    others = [receipts.get(unit) for unit in self._evidence.units_of(asked[1].kind) if receipts.get(asked[2])]
    return None if any(other and other.result == "collected" for other in others) else why(self, *asked)


def nothing_is_missing(self: Judgement, *asked: Any, why: Any = Judgement._companion_reason) -> Any:
    return None if self._evidence.receipts.get(asked[2]) else why(self, *asked)


def without_a_name(self: Judgement, *asked: Any, why: Any = Judgement._unit_reason) -> Any:
    found = why(self, *asked)
    return found and found.model_copy(update={"text": "some unit was not collected"})


def errors_outweigh_failures(check: Check, tally: Tally, *more: Any, of: Any = judging.check_result) -> CheckResult:
    found: CheckResult = of(check, tally, *more)
    return found.model_copy(update={"outcome": Outcome.NOT_COLLECTED}) if found.errors else found


def of_no_view(self: Judgement, requirement: Any, of: Any = Judgement._expected_kinds) -> list[str]:
    return [kind for kind in of(self, requirement) if kind in requirement.kinds]


MUTANTS: dict[str, tuple[Any, str, Any]] = {
    "partial is complete": (GatherResult, "is_complete", is_complete_in("partial")),
    "denied is complete": (GatherResult, "is_complete", is_complete_in("denied")),
    "failed is complete": (GatherResult, "is_complete", is_complete_in("failed")),
    "the gaps of a record are dropped": (CompiledCheck, "judge", without_gaps),
    "what came of a lost unit is not judged": (Judgement, "_of_unit", without_records),
    "a lost unit is not told": (Judgement, "_of_unit", without_unit_errors),
    "a lost list is what came of it": (Judgement, "_companion_reason", nothing_is_missing),
    "one unit of a list is enough": (Judgement, "_companion_reason", any_unit_will_do),
    "beside a record, not enabled is none": (
        Judgement, "_companion_reason", lambda self, _, wanted, unit: self._unit_reason(wanted.kind, unit)
    ),
    "what broke off acquits": (judging._Item, "judged", lambda self, rule, scope: rule.judge(self.record, scope)),
    "a reason names no unit": (Judgement, "_unit_reason", without_a_name),
    "an error outweighs a failure": (judging, "check_result", errors_outweigh_failures),
    "a missing fact hides what was lost": (CompiledCheck, "_refuse_gaps_of_any_rule", lambda *_: None),
    "a view has no unit": (Judgement, "_expected_kinds", of_no_view),
    "no unit is counted": (Judgement, "_expected_kinds", lambda *_: []),
}  # fmt: skip
"""Mistakes that somebody could make in judging: what is patched, and by what."""


TELLING = ("EV-AVL-01", "EV-BKP-03", "EV-ENC-02", "EV-IAM-03")
"""Requirements in whose scenes the mistakes show at once; the others are tried where they do not."""


@pytest.mark.parametrize("mistake", MUTANTS)
def test_a_mistake_in_judging_would_be_caught(mistake: str) -> None:
    """In the unit suite's own scenes: the first requirement that shows it ends the search."""
    with mock.patch.object(*MUTANTS[mistake]), pytest.raises(AssertionError):
        everything_tried()


def everything_tried() -> None:
    quickly: dict[str, Any] = {"phases": [Phase.generate], "report_multiple_bugs": False}
    for id_ in (*TELLING, *AUTOMATED):
        for claim in CLAIMS:
            tried(claim, id_, EXAMPLES_EACH, **quickly)
        tried_by_worsening(id_, EXAMPLES_EACH, **quickly)


@pytest.mark.parametrize("requirement", installed().requirements, ids=lambda item: item.id)
def test_of_what_nothing_gathers_nothing_good_is_said(requirement: EvidenceRequirement) -> None:
    """Also of the requirements that no connector serves yet: their rules have no records, which is no answer."""
    found = Scene(requirement, PLACES[0], {}, {}).judged()
    assert found.outcome.outcome in (Outcome.NOT_COLLECTED, Outcome.NEEDS_REVIEW)


def test_they_are_all_the_requirements_that_aws_answers() -> None:
    assert len(AUTOMATED) == 58
    assert sum(len(automatic(item)) for item in AUTOMATED.values()) == 193


@each_requirement
def test_each_check_passes_and_fails_in_some_scene_that_is_wholly_gathered(id_: str) -> None:
    for check in automatic(AUTOMATED[id_]):
        only = AUTOMATED[id_].model_copy(update={"checks": (check,)})
        for result in (FindingResult.PASS, FindingResult.FAIL):
            told = [item for item in EXAMPLES[check.id] if item.case == result.value]
            scenes_of_it = (replace(staged(id_, PLACES[0], [(check, item)]), requirement=only) for item in told)
            assert any(finding.result is result for scene in scenes_of_it for finding in scene.judged().findings)
