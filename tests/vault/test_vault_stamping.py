"""Time stamps while a log is written: each checkpoint is dated, and no authority can fail or delay a run."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conftest import Place
from vault_samples import Clock, closing, opening, run_id

from evidence_schema.digest import Digest
from evidence_schema.errors import TimestampsNotInstalled
from evidence_schema.layout import Layout
from evidence_schema.timestamp import PinnedAuthorities, verify_timestamp
from flows.demo.timestamp_authority import TimestampAuthority, timestamp_authority
from flows.vault.errors import TimestampUnavailable
from flows.vault.locks import Lock
from flows.vault.settings import Authority
from flows.vault.stamping import REST, Stamps
from flows.vault.store import Store
from flows.vault.vault import Vault

pytestmark = pytest.mark.sealing

SLOT = "monthly/2026-11"
ONE, TWO = Authority("one", "http://one.example/"), Authority("two", "http://two.example/")
NOTE = b"a checkpoint"


class Simulated:
    """Answers for the authorities in its list; counts who was asked."""

    def __init__(self, *answering: Authority, error: Exception | None = None) -> None:
        self.answering = {authority.url for authority in answering}
        self.error = error or TimestampUnavailable("expected an answer, found none")
        self.asked: list[str] = []

    def __call__(self, url: str, digest: Digest) -> bytes:
        self.asked.append(url)
        if url not in self.answering:
            raise self.error
        return f"{url} {digest}".encode()


@pytest.fixture
def layout(log_name: str) -> Layout:
    return Layout(log_name)


@pytest.fixture
def stamps_of(store: Store, layout: Layout, clock: Clock, lock: Lock) -> Callable[..., Stamps]:
    def make(simulated: Simulated, *authorities: Authority) -> Stamps:
        return Stamps(store, layout, authorities or (ONE, TWO), clock, lambda _: lock, simulated)

    return make


def test_every_authority_is_asked_for_every_checkpoint(
    stamps_of: Callable[..., Stamps], store: Store, layout: Layout
) -> None:
    stamps = stamps_of(Simulated(ONE, TWO))
    assert stamps.stamp(3, lambda: NOTE) == ("one", "two")
    assert list(store.keys(layout.tokens)) == [layout.token(3, "one"), layout.token(3, "two")]
    assert store.read(layout.token(3, "two"), limit=1000) == f"{TWO.url} {Digest.of(NOTE)}".encode()


@pytest.mark.parametrize("error", [TimestampUnavailable("down"), TimestampsNotInstalled("none")])
def test_one_that_does_not_answer_fails_nothing_and_is_left_alone_for_a_while(
    error: Exception, stamps_of: Callable[..., Stamps], clock: Clock
) -> None:
    simulated = Simulated(TWO, error=error)
    stamps = stamps_of(simulated)
    assert stamps.stamp(1, lambda: NOTE) == ("two",)
    assert stamps.stamp(2, lambda: NOTE) == ("two",)
    assert simulated.asked == [ONE.url, TWO.url, TWO.url]

    clock.advance(REST)
    stamps.stamp(3, lambda: NOTE)
    assert simulated.asked[3:] == [ONE.url, TWO.url]


def test_a_repair_asks_only_those_whose_token_over_the_newest_checkpoint_is_missing(
    stamps_of: Callable[..., Stamps],
) -> None:
    stamps_of(Simulated(TWO)).stamp(4, lambda: NOTE)
    later = Simulated(ONE, TWO)
    assert stamps_of(later).repair(4, lambda: NOTE) == ("one",)
    assert later.asked == [ONE.url]
    assert stamps_of(later).repair(4, lambda: NOTE) == ()
    assert stamps_of(later).repair(0, lambda: NOTE) == ()


def test_the_first_token_stands(stamps_of: Callable[..., Stamps], store: Store, layout: Layout) -> None:
    stamps_of(Simulated(ONE), ONE).stamp(1, lambda: NOTE)
    assert stamps_of(Simulated(ONE), ONE).stamp(1, lambda: b"another writer's spelling") == ("one",)
    assert store.read(layout.token(1, "one"), limit=1000) == f"{ONE.url} {Digest.of(NOTE)}".encode()


def test_the_newest_token_is_of_the_most_entries_that_stand_already(stamps_of: Callable[..., Stamps]) -> None:
    stamps = stamps_of(Simulated(ONE), ONE)
    assert stamps.newest(9) is None
    for size in (2, 9, 11):
        stamps.stamp(size, lambda: NOTE)
    replies = Digest.of(f"{ONE.url} {Digest.of(NOTE)}".encode())
    assert (stamps.newest(1), stamps.newest(10)) == (None, replies)


# --- a real authority -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimestampAuthority]:
    if shutil.which("openssl") is None:
        pytest.skip("no program `openssl`: the local time-stamp authority needs it")
    with timestamp_authority(tmp_path_factory.mktemp("authority")) as found:
        yield found


def test_a_log_that_is_written_dates_each_of_its_checkpoints(
    place: Place, another_vault: Callable[..., Vault], authority: TimestampAuthority
) -> None:
    vault = another_vault(authorities=(Authority("simulated", authority.url),))
    vault.runs.open_or_join(SLOT, opening(1))
    vault.runs.close(run_id(1), closing(1))

    pinned = PinnedAuthorities.read(authority.ca_pem)
    for size in (1, 2):
        reply = vault.store.read(vault.layout.token(size, "simulated"), limit=100_000)
        told = verify_timestamp(reply, Digest.of(vault.log.checkpoint(size)), pinned)
        assert abs(told.gen_time - datetime.now(UTC)) < timedelta(minutes=1)
    head = vault.store.head(vault.layout.token(2, "simulated"))
    assert head is not None
    assert (head.custody.retain_until is not None) == place.is_s3, "a token is locked like its checkpoint"


def test_a_writer_asks_late_for_what_one_before_it_could_not_get(
    another_vault: Callable[..., Any], authority: TimestampAuthority
) -> None:
    silent = another_vault(authorities=(Authority("simulated", "http://127.0.0.1:9/"),))
    silent.runs.open_or_join(SLOT, opening(1))
    silent.runs.close(run_id(1), closing(1))
    assert list(silent.store.keys(silent.layout.tokens)) == []

    vault = another_vault(authorities=(Authority("simulated", authority.url),))
    vault.repair()

    assert list(vault.store.keys(vault.layout.tokens)) == [vault.layout.token(2, "simulated")]
