"""Examine an installation: every part is looked at, whatever another one says.

Nothing is written, but an object of some bytes that proves the lock of a bucket.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from controls.errors import ControlsError
from evidence_schema import signing_key
from evidence_schema.digest import Digest
from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.models.names import Directness, LockMode
from evidence_schema.models.schedule import Schedule
from evidence_schema.note import VerifierKey
from evidence_schema.timestamp import PinnedAuthorities, verify_timestamp
from flows.collectors.errors import CollectorError
from flows.collectors.registry import Kinds, load_kinds
from flows.errors import FlowsError
from flows.planning import PlannedRun
from flows.settings import Located, load_settings
from flows.steps.judging import receipts_of
from flows.steps.rules import catalog_of
from flows.steps.runtime import (
    data_keys_of,
    pinned_policy,
    requester_of,
    signer_of,
    vault_credentials,
    vault_settings,
)
from flows.steps.scheduling import standing
from flows.steps.selecting import planned_for
from flows.vault.errors import NotLocked, StoreDenied, TimestampUnavailable
from flows.vault.key_encryption import quarter_of
from flows.vault.keys import check_signs
from flows.vault.locks import CLASSES, LockPolicy, class_end
from flows.vault.timestamps import ask
from flows.vault.vault import Vault, assemble, open_store, utc_now

USD_PER_GB_MONTH = 0.023
"""S3 Standard, first 50 TB, us-east-1: a list price, for an order of magnitude; requests come on top."""
RUNS_A_YEAR = 12
KNOWN = (FlowsError, ControlsError, EvidenceSchemaError, CollectorError)


@dataclass(frozen=True)
class Examined:
    """A part and its state."""

    part: str
    state: Literal["ready", "warns", "fails"]
    text: str


def examine(config: Path) -> list[Examined]:
    """Every part of the installation that the settings name; without settings nothing else can be looked at."""
    located = load_settings(config)
    parts: list[tuple[str, Callable[[Located], Iterator[Examined]]]] = [
        ("signing key", _key),
        ("pseudonym key", _pseudonyms),
        ("trust policy", _policy),
        ("vault", _vault),
        ("time stamps", _timestamps),
        ("anchors", _anchors),
        ("schedules", _schedules),
        ("data keys", _data_keys),
        ("lock", _lock),
        ("catalogue", _catalogue),
        ("roles", _roles),
        ("AWS", _accounts),
        ("permissions", _permissions),
    ]
    found = [Examined("settings", "ready", str(config))]
    for part, look in parts:
        try:
            found += look(located)
        except KNOWN as error:
            found.append(Examined(part, "fails", str(error)))
    return found


def _key(located: Located) -> Iterator[Examined]:
    """It signs random bytes, and the signature holds by the key that the policy pins, where it pins this one."""
    signer, policy = signer_of(located), pinned_policy(located)
    pinned = [VerifierKey.parse(key.vkey).public_key for key in policy.keys] if policy else []
    ours = next((raw for raw in pinned if raw == signer.public_key), None)
    check_signs(signer, ours)
    sort = signing_key.sort_of(signer.public_key)
    where = "in AWS KMS" if located.settings.keys.log.startswith("awskms:") else "in a file"
    yield Examined("signing key", "ready", f"{sort} {where}, key id {signer.key_id}: it signs")


def _pseudonyms(located: Located) -> Iterator[Examined]:
    requester_of(located)
    yield Examined("pseudonym key", "ready", "names in the log are keyed pseudonyms")


def _policy(located: Located) -> Iterator[Examined]:
    policy = pinned_policy(located)
    if policy is None:
        path = located.path(located.settings.trust_policy)
        hint = "restore it, or ask the auditor for the pinned one"
        yield Examined("trust policy", "fails", f"expected {path}, found none; {hint}")
        return
    ours = signer_of(located).public_key
    pinned = [key for key in policy.keys if VerifierKey.parse(key.vkey).public_key == ours]
    if any(key.until is None for key in pinned):
        yield Examined("trust policy", "ready", f"fingerprint {policy.fingerprint}")
    elif pinned:
        found = f"expected our signing key for what comes, found it until entry {pinned[-1].until} only"
        yield Examined("trust policy", "fails", f"{found}; name the key that follows as keys.log")
    else:
        hint = "run with the key that it names"
        yield Examined("trust policy", "fails", f"expected our signing key in it, found another; {hint}")


def _vault(located: Located) -> Iterator[Examined]:
    store = open_store(vault_settings(located), credentials=vault_credentials())
    store.check_ready()
    facts, lock = store.describe(), located.settings.vault.lock
    if facts.locks:
        length = "by retention class" if lock.by == "retention class" else f"for {lock.days} day(s)"
        yield Examined("vault", "ready", f"{facts.url}: locks, {lock.mode} {length}")
        yield _lock_proof(located)
    else:
        yield Examined("vault", "warns", f"{facts.url}: does not lock: for trials only")


def _lock_proof(located: Located) -> Examined:
    """One object of the probe's own, locked for some minutes: a configuration is a promise, this is what is done."""
    from flows.vault.lock_probe import open_and_prove  # noqa: PLC0415 (boto3: a folder needs none)

    try:
        proof = open_and_prove(vault_settings(located), vault_credentials(), utc_now())
    except NotLocked as error:
        return Examined("lock proven", "warns" if located.settings.vault.trial else "fails", str(error))
    except StoreDenied as error:
        hint = "allow PutObject and PutObjectRetention below probe/ (docs/bucket.md)"
        return Examined("lock proven", "warns", f"{error}; {hint}")
    by = "its lock" if proof.by_lock else "lock or policy (the store does not say which)"
    text = f"{proof.key} kept {proof.lock}; a second put and the deletion of its version were refused, the latter by "
    return Examined("lock proven", "ready", text + by)


def _timestamps(located: Located) -> Iterator[Examined]:
    """Each authority is asked for a token over nothing in particular, and held against the pinned roots."""
    policy = pinned_policy(located)
    trusted = policy.timestamps if policy else None
    pinned = {one.id: PinnedAuthorities.read(one.roots.encode()) for one in trusted.authorities} if trusted else {}
    if not located.settings.timestamps:
        yield Examined("time stamps", "warns", "no authority: nobody but the writer says when; see `evidence init`")
    for authority in located.settings.timestamps:
        part = f"time stamps of {authority.id}"
        if authority.id not in pinned:
            yield Examined(
                part, "fails", "expected its roots in the trust policy, found none: its tokens prove nothing"
            )
            continue
        digest = Digest.of(secrets.token_bytes(32))
        try:
            told = verify_timestamp(ask(authority.url, digest), digest, pinned[authority.id])
        except TimestampUnavailable as error:  # a run goes on without
            yield Examined(part, "warns", str(error))
        else:
            yield Examined(
                part, "ready", f"{told.authority}, {abs(told.gen_time - utc_now()).seconds} s from our clock"
            )


def _anchors(located: Located) -> Iterator[Examined]:
    """Each is given the newest checkpoint once more: that it has one already is what we hope to hear."""
    settings = vault_settings(located)
    if not settings.anchors:
        hint = "dropped newest runs show by age only, unless somebody keeps a checkpoint; see docs/anchors.md"
        yield Examined("anchors", "warns", f"none: {hint}")
        return
    vault = assemble(open_store(settings, credentials=vault_credentials()), settings)
    size = vault.newest_checkpoint()
    if not size:
        yield Examined("anchors", "ready", "not asked: the log has no checkpoint yet")
    for found in vault.anchors.look(size):
        state: Literal["ready", "warns"] = "warns" if found.state == "missing" else "ready"
        yield Examined(f"anchor {found.id}", state, f"{found.url} {found.text}")


def _schedules(located: Located) -> Iterator[Examined]:
    """What was promised: in the settings, and in the log."""
    settings = vault_settings(located)
    vault = assemble(open_store(settings, credentials=vault_credentials()), settings)
    promised = [Schedule(**dict(schedule)) for schedule in located.settings.schedules]
    logged = standing(vault)
    for name in sorted(logged.keys() - {schedule.id for schedule in promised}):
        hint = "it stays in force: name it again, or end it with cadence none and who decided"
        yield Examined(f"schedule {name}", "warns", f"in the log and not in the settings: {hint}")
    for schedule in promised:
        known = logged.get(schedule.id) == schedule
        told = "as in the log" if known else "not in the log yet: the next run or heartbeat writes it"
        yield Examined(f"schedule {schedule.id}", "ready", f"{schedule.cadence}, {told}")
    if not promised and not logged:
        yield Examined("schedules", "warns", "none: a missed month shows by age only; state `schedules`")


def _data_keys(located: Located) -> Iterator[Examined]:
    """Can personal artifacts be encrypted now, and erased later? And is the key encryption key of this quarter?"""
    keys = data_keys_of(located)
    if keys is None:
        hint = "a run that gathers personal kinds does not start; `evidence data-keys init FOLDER` makes what it needs"
        yield Examined("data keys", "warns", f"vault.keys is not configured: {hint}")
        return
    keys.check_ready()
    epoch = keys.kek.epoch
    found = f"{keys.place.describe()}, wrapped under {epoch}"
    if epoch.startswith(("arn:", quarter_of(utc_now()))):
        yield Examined("data keys", "ready", found)
    else:
        hint = "an earlier quarter's: for old backups to die, run `evidence data-keys rotate --forget`"
        yield Examined("data keys", "warns", f"{found}, {hint}")


def _lock(located: Located) -> Iterator[Examined]:
    """What COMPLIANCE means, in dates and money, before (and after) somebody turns it on: nobody can take it back."""
    settings = vault_settings(located)
    store = open_store(settings, credentials=vault_credentials())
    if not store.describe().locks:
        return
    now, mode = utc_now(), settings.lock_mode
    policy = LockPolicy(mode, settings.lock_days, settings.lock_by, settings.lock_audit_years)
    dates = ", ".join(f"{name} {class_end(policy, name, now, now):%Y-%m-%d}" for name in CLASSES)
    text = (
        f"evidence written today in COMPLIANCE by retention class could be deleted by nobody before: {dates}; "
        f"{_cost(assemble(store, settings), now)}"
    )
    if mode is LockMode.COMPLIANCE:
        yield Examined("lock", "ready", f"COMPLIANCE is on: {text}")
    else:
        hint = "for evidence in earnest set vault.lock: {mode: COMPLIANCE, by: retention class}"
        yield Examined("lock", "ready", f"a rehearsal, {settings.lock_days} day(s) in GOVERNANCE; {hint}; {text}")


def _cost(vault: Vault, now: datetime) -> str:
    """Of what twelve runs like the newest one keep, all until the longest class ends: an estimate, and a high one."""
    closed = [state.close for state in vault.runs.runs() if state.close is not None]
    if not closed:
        return "what it costs shows after the first run"
    size = sum(blob.size for row in receipts_of(vault, closed[-1]) for blob in row.blobs)
    months = (class_end(LockPolicy(), "documentation", now, now) - now).days / 30.4
    cost = size / 1e9 * USD_PER_GB_MONTH * months * RUNS_A_YEAR
    return (
        f"the newest run kept {size / 1e6:.1f} MB of artifacts: {RUNS_A_YEAR} such runs, all held for {months:.0f} "
        f"months at {USD_PER_GB_MONTH} USD a GB and month, come to some {cost:.2f} USD"
    )


def _catalogue(located: Located) -> Iterator[Examined]:
    kinds = load_kinds()
    catalog = catalog_of(located, kinds)
    checks = sum(len(item.checks) for item in catalog.requirements)
    counts = f"{len(catalog.requirements)} requirements, {checks} checks, {len(kinds)} kinds"
    yield Examined("catalogue", "ready", counts)
    needed = {fact for item in catalog.requirements for check in item.checks for fact in check.needs}
    for fact in sorted(needed - located.settings.facts.keys()):
        yield Examined(f"fact {fact}", "warns", f"not supplied: {catalog.facts[fact]}")


def _roles(located: Located) -> Iterator[Examined]:
    profile = located.settings.profile
    missing = [name for name in located.settings.frameworks if profile is None or not profile.states(name)]
    if missing:
        hint = "every control of it stays in scope; state `profile` in the settings"
        yield Examined("roles", "warns", f"not stated for {', '.join(missing)}: {hint}")
    elif profile is not None:
        yield Examined("roles", "ready", f"approved by {profile.approved_by}, {profile.as_of:%Y-%m-%d}")


def _accounts(located: Located) -> Iterator[Examined]:
    from flows.steps.sources import principals  # noqa: PLC0415 (boto3 is slow to import, and only this part needs it)

    for account, principal in principals(located.settings, load_kinds(), utc_now):
        if isinstance(principal, CollectorError):
            yield Examined(f"account {account}", "fails", str(principal))
        else:
            yield Examined(f"account {account}", "ready", principal)


def _permissions(located: Located) -> Iterator[Examined]:
    """What would go uncollected, by the account's own simulator, and which controls that concerns."""
    from flows.steps.sources import denied  # noqa: PLC0415 (as above)

    kinds = load_kinds()
    planned, _ = planned_for(located, kinds)
    for account, found in denied(located.settings, kinds, planned.plan.actions, utc_now):
        part = f"permissions in {account}"
        if isinstance(found, CollectorError):
            yield Examined(part, "warns", str(found))
        elif found:
            yield Examined(part, "warns", _uncollected(planned, kinds, set(found)))
        else:
            yield Examined(part, "ready", f"all {len(planned.plan.actions)} actions of the plan are allowed")


def _uncollected(planned: PlannedRun, kinds: Kinds, denied: set[str]) -> str:
    """Denied actions, the requirements whose kinds need them, and the controls that these speak to directly."""
    lost = [item for item in planned.requirements if denied.intersection(kinds.actions_of(item.kinds))]
    controls = {
        control
        for item in lost
        for framework in planned.plan.frameworks
        for control, how in item.mappings.get(framework, {}).items()
        if how is Directness.DIRECT
    }
    names = ", ".join(item.id for item in lost)
    return (
        f"denied: {', '.join(sorted(denied))}; not collected completely: {names}; controls that it is direct evidence "
        f"of: {', '.join(sorted(controls)) or 'none'}"
    )
