"""Time-stamp tokens: what a local authority signs is believed, as by `openssl`; nothing else is."""

from __future__ import annotations

import builtins
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from forged_tokens import SHA512, Info, forged, openssl_accepts, reply_of
from hypothesis import given
from hypothesis import strategies as st

from evidence_schema import der
from evidence_schema.digest import Digest
from evidence_schema.errors import (
    BadAuthority,
    BadTimestamp,
    MalformedTimestamp,
    TimestampNotGranted,
    TimestampOfOther,
    TimestampsNotInstalled,
    UntrustedTimestamp,
)
from evidence_schema.timestamp import (
    MAX_REPLY_BYTES,
    PinnedAuthorities,
    Timestamp,
    TimestampRequest,
    check_answers,
    verify_timestamp,
)
from flows.demo.timestamp_authority import POLICY, Certified, TimestampAuthority, certify

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="no program `openssl`: the local time-stamp authority needs it"
)

DATA = b"clinic.example/evidence\n12\nroot of the log\n"
DIGEST = Digest.of(DATA)
STAMPING = (ExtendedKeyUsageOID.TIME_STAMPING,)
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TimestampAuthority:
    return TimestampAuthority.found(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def chained(tmp_path_factory: pytest.TempPathFactory) -> TimestampAuthority:
    return TimestampAuthority.found(tmp_path_factory.mktemp("chained"), chain=True)


@pytest.fixture(scope="module")
def root() -> Certified:
    return certify("SIMULATED root", is_authority=True)


def pinned(*certified: Certified) -> PinnedAuthorities:
    return PinnedAuthorities.read(b"".join(one.pem for one in certified))


def asked(authority: TimestampAuthority, digest: Digest = DIGEST) -> tuple[TimestampRequest, bytes]:
    request = TimestampRequest.new(digest)
    return request, authority.reply(request.encode())


def judged(folder: Path, reply: bytes, root: Certified) -> tuple[str, bool]:
    """Our verdict in a word, and openssl's."""
    believed = openssl_accepts(folder, reply, DATA, root.pem)
    try:
        verify_timestamp(reply, DIGEST, pinned(root))
    except BadTimestamp as error:
        return type(error).__name__, believed
    return "holds", believed


def test_a_token_tells_when_what_and_by_whom(authority: TimestampAuthority) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    request, reply = asked(authority)
    stamp = verify_timestamp(reply, DIGEST, pinned(authority.root), request.nonce)
    assert before <= stamp.gen_time <= datetime.now(UTC)
    assert stamp.gen_time.tzinfo is UTC
    assert stamp.digest == DIGEST
    assert stamp.policy == POLICY
    assert stamp.serial > 1
    assert stamp.authority == "CN=SIMULATED time-stamp authority"
    assert stamp.nonce == request.nonce
    check_answers(reply, request)
    later = verify_timestamp(asked(authority)[1], DIGEST, pinned(authority.root))
    assert later.serial == stamp.serial + 1


def test_openssl_verifies_the_same_token_over_the_same_file(authority: TimestampAuthority, tmp_path: Path) -> None:
    _, reply = asked(authority)
    assert openssl_accepts(tmp_path, reply, DATA, authority.ca_pem)
    assert not openssl_accepts(tmp_path, reply, DATA + b"\n", authority.ca_pem)


def test_a_reply_with_its_chain_in_openssls_order_is_believed(chained: TimestampAuthority, tmp_path: Path) -> None:
    """The order that DER does not know: the library alone refuses these bytes."""
    from rfc3161_client import decode_timestamp_response

    _, reply = asked(chained)
    with pytest.raises(ValueError, match="InvalidSetOrdering"):
        decode_timestamp_response(reply)
    assert judged(tmp_path, reply, chained.root) == ("holds", True)


def test_a_reply_without_the_intermediate_certificate_is_believed_where_it_is_pinned(
    root: Certified, tmp_path: Path
) -> None:
    intermediate = certify("SIMULATED intermediate", root, is_authority=True)
    signer = certify("SIMULATED authority", intermediate, usages=STAMPING)
    reply = forged(tmp_path, Info.at(DIGEST, NOW), signer)
    assert judged(tmp_path, reply, root)[0] == "UntrustedTimestamp"
    assert verify_timestamp(reply, DIGEST, pinned(root, intermediate)).gen_time == NOW
    stranger = certify("SIMULATED stranger", is_authority=True)
    with pytest.raises(UntrustedTimestamp, match="issuer"):  # an intermediate certificate vouches for nobody by itself
        verify_timestamp(reply, DIGEST, pinned(stranger, intermediate))


def test_a_token_of_another_file_or_request_is_refused(authority: TimestampAuthority) -> None:
    request, reply = asked(authority)
    with pytest.raises(TimestampOfOther, match=str(DIGEST)):
        verify_timestamp(reply, Digest.of(b"another"), pinned(authority.root))
    with pytest.raises(TimestampOfOther, match="nonce"):
        verify_timestamp(reply, DIGEST, pinned(authority.root), request.nonce + 1)
    for other in (TimestampRequest(DIGEST, request.nonce + 1), TimestampRequest(Digest.of(b""), request.nonce)):
        with pytest.raises(TimestampOfOther):
            check_answers(reply, other)


def test_a_token_over_another_hash_is_refused(root: Certified, tmp_path: Path) -> None:
    signer = certify("SIMULATED authority", root, usages=STAMPING)
    reply = forged(tmp_path, Info(DIGEST, f"{datetime.now(UTC):%Y%m%d%H%M%SZ}", algorithm=SHA512), signer)
    with pytest.raises(TimestampOfOther, match="SHA-256"):
        verify_timestamp(reply, DIGEST, pinned(root))


def test_an_authority_of_no_pinned_root_is_refused(authority: TimestampAuthority, root: Certified) -> None:
    with pytest.raises(UntrustedTimestamp, match="unable to get local issuer certificate"):
        verify_timestamp(asked(authority)[1], DIGEST, pinned(root))


def test_a_root_of_the_same_name_with_another_key_vouches_for_nobody(authority: TimestampAuthority) -> None:
    impostor = certify("SIMULATED time-stamp root", is_authority=True)
    with pytest.raises(UntrustedTimestamp):
        verify_timestamp(asked(authority)[1], DIGEST, pinned(impostor))


def test_a_refusal_tells_what_the_authority_says(authority: TimestampAuthority) -> None:
    request = TimestampRequest.new(DIGEST).encode()
    unknown = request.replace(bytes.fromhex("608648016503040201"), SHA512)
    for query in (unknown, b"no request"):
        reply = authority.reply(query)
        with pytest.raises(TimestampNotGranted, match=r"status 02: '.+'"):
            verify_timestamp(reply, DIGEST, pinned(authority.root))


def test_our_verdict_is_openssls(root: Certified, tmp_path: Path) -> None:
    """Who may sign, and what must be signed; where the verdicts differ, ours is the stricter."""
    good = certify("SIMULATED authority", root, usages=STAMPING)
    web = certify("SIMULATED web server", root, usages=(ExtendedKeyUsageOID.SERVER_AUTH,))
    two = certify("SIMULATED two", root, usages=(*STAMPING, ExtendedKeyUsageOID.CODE_SIGNING))
    meek = certify("SIMULATED meek", root, usages=STAMPING, usages_are_critical=False)
    plain = certify("SIMULATED plain", root)
    own = certify("SIMULATED own", usages=STAMPING)
    # issuer and number of another certificate on one of the attacker's own making, which may stamp
    impostor = certify("SIMULATED root", is_authority=True)
    mask = certify("SIMULATED web server", impostor, usages=STAMPING, serial=web.certificate.serial_number)
    twin = certify("SIMULATED authority", impostor, usages=STAMPING, serial=good.certificate.serial_number)
    young = certify("SIMULATED young", root, usages=STAMPING, since=NOW - timedelta(hours=1))
    now, early = Info.at(DIGEST, NOW), Info.at(DIGEST, NOW - timedelta(hours=2))
    verdicts = {
        "good": judged(tmp_path, forged(tmp_path, now, good), root),
        "good, with its root": judged(tmp_path, forged(tmp_path, now, good, root.pem), root),
        "a web server's": judged(tmp_path, forged(tmp_path, now, web), root),
        "a web server's behind a mask": judged(tmp_path, forged(tmp_path, now, web, mask.pem), root),
        "good beside a forged twin": judged(tmp_path, forged(tmp_path, now, good, twin.pem), root),
        "two usages": judged(tmp_path, forged(tmp_path, now, two), root),
        "usage not critical": judged(tmp_path, forged(tmp_path, now, meek), root),
        "no usage": judged(tmp_path, forged(tmp_path, now, plain), root),
        "its own issuer": judged(tmp_path, forged(tmp_path, now, own), root),
        "no name of the signer": judged(tmp_path, forged(tmp_path, now, good, flags=()), root),
        "no signed attributes": judged(tmp_path, forged(tmp_path, now, good, flags=("-noattr",)), root),
        "before its certificate": judged(tmp_path, forged(tmp_path, early, young), root),
    }
    beside_a_twin, _ = verdicts.pop("good beside a forged twin")  # openssl's verdict depends on which comes first
    assert beside_a_twin == "UntrustedTimestamp"
    refused = ("UntrustedTimestamp", False)
    assert verdicts == {
        "good": ("holds", True),
        "good, with its root": ("holds", True),
        "a web server's": refused,
        "a web server's behind a mask": refused,
        "two usages": refused,
        "usage not critical": refused,
        "no usage": refused,
        "its own issuer": refused,
        "no name of the signer": refused,
        "no signed attributes": ("MalformedTimestamp", False),
        "before its certificate": ("UntrustedTimestamp", True),  # openssl looks at today's date only
    }


def test_a_token_outlives_the_certificate_that_signed_it(tmp_path: Path) -> None:
    """As `openssl ts -verify -attime`: what counts is the day of the token."""
    long_ago = NOW - timedelta(days=400)
    root = certify("SIMULATED root", is_authority=True, since=long_ago - timedelta(days=9), days=5_000)
    expired = certify("SIMULATED authority", root, usages=STAMPING, since=long_ago - timedelta(days=1), days=2)
    reply = forged(tmp_path, Info.at(DIGEST, long_ago), expired)
    assert verify_timestamp(reply, DIGEST, pinned(root)).gen_time == long_ago
    assert not openssl_accepts(tmp_path, reply, DATA, root.pem)
    assert openssl_accepts(tmp_path, reply, DATA, root.pem, "-attime", str(int(long_ago.timestamp())))


def test_parts_of_a_second_are_cut(root: Certified, tmp_path: Path) -> None:
    signer = certify("SIMULATED authority", root, usages=STAMPING)
    reply = forged(tmp_path, Info(DIGEST, NOW.strftime("%Y%m%d%H%M%S.75Z")), signer)
    assert verify_timestamp(reply, DIGEST, pinned(root)).gen_time == NOW


def test_late_and_ahead_begin_beyond_the_skew() -> None:
    skew = timedelta(minutes=5)
    stamp = Timestamp(NOW, DIGEST, POLICY, 1, "CN=SIMULATED", None)
    second = timedelta(seconds=1)
    assert [stamp.is_late(NOW - by, skew) for by in (-skew, timedelta(0), skew, skew + second)] == [False] * 3 + [True]
    assert [stamp.is_ahead(NOW + by, skew) for by in (-skew, timedelta(0), skew, skew + second)] == [False] * 3 + [True]


@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**64 - 1))
def test_a_request_reads_as_it_was_meant(digest: bytes, nonce: int) -> None:
    from rfc3161_client._rust import parse_timestamp_request

    encoded = TimestampRequest(Digest(digest), nonce).encode()
    read = parse_timestamp_request(encoded)
    assert (read.version, read.nonce, read.cert_req, read.policy) == (1, nonce, True, None)
    assert read.message_imprint.message == digest
    assert read.as_bytes() == encoded


def test_a_request_is_what_openssl_asks() -> None:
    """Byte for byte, but for the nonce."""
    command = ["openssl", "ts", "-query", "-digest", DIGEST.hex, "-sha256", "-cert"]
    theirs = subprocess.run(command, capture_output=True, check=True).stdout
    *_, nonce, _ = der.elements(der.element(theirs).content)
    assert TimestampRequest(DIGEST, int.from_bytes(nonce.content, "big")).encode() == theirs


def test_nonces_differ() -> None:
    assert len({TimestampRequest.new(DIGEST).nonce for _ in range(20)}) == 20


@pytest.mark.parametrize(
    "pem", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_text_without_certificates_pins_nobody(pem: bytes) -> None:
    with pytest.raises(BadAuthority):
        PinnedAuthorities.read(pem)


def test_a_certificate_of_another_issuer_is_no_root(root: Certified) -> None:
    intermediate = certify("SIMULATED intermediate", root, is_authority=True)
    with pytest.raises(BadAuthority, match="own issuer"):
        pinned(intermediate)
    assert pinned(intermediate, root, root).roots == (root.certificate,)


def test_without_the_library_the_error_says_what_to_install(
    authority: TimestampAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *more: Any) -> Any:
        if name == "rfc3161_client":
            raise ImportError(name)
        return real(name, *more)

    _, reply = asked(authority)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(TimestampsNotInstalled, match=r"evidence-collector\[timestamp\]"):
        verify_timestamp(reply, DIGEST, pinned(authority.root))


# Hostile bytes


def _claims(reply: bytes, root: PinnedAuthorities) -> Timestamp | None:
    """What the reply proves; None where it is refused with an error of ours. Any other error fails the test."""
    try:
        return verify_timestamp(reply, DIGEST, root)
    except BadTimestamp:
        return None


def _flips(data: bytes, step: int) -> Iterator[bytes]:
    for bit in range(0, 8 * len(data), step):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


@pytest.mark.sealing
@pytest.mark.parametrize(
    "step", [3, pytest.param(1, marks=pytest.mark.thorough)]
)  # two or three bits of each byte; all
def test_no_flipped_bit_of_a_reply_proves_anything_else(
    authority: TimestampAuthority, chained: TimestampAuthority, tmp_path: Path, figure: Callable[[str], None], step: int
) -> None:
    tried: Counter[str] = Counter()
    for signer in (authority, chained):
        _, reply = asked(signer)
        trust = pinned(signer.root)
        told = verify_timestamp(reply, DIGEST, trust)
        for changed in _flips(reply, step):
            found = _claims(changed, trust)
            tried["refused" if found is None else "the same" if found == told else "another"] += 1
            tried["another time"] += found is not None and found.gen_time != told.gen_time
            if found is not None:
                tried["refused by openssl alone"] += not openssl_accepts(tmp_path, changed, DATA, signer.ca_pem)
    figure(f"two time-stamp replies, one bit in {step} flipped: {dict(tried)}")
    assert tried["another"] == tried["another time"] == 0
    assert tried["refused"] > 0.95 * (tried["refused"] + tried["the same"]) > 10_000 / step


@pytest.mark.sealing
@given(data=st.data())
def test_no_other_change_to_a_reply_proves_anything_else_or_crashes(
    authority: TimestampAuthority, data: st.DataObject
) -> None:
    reply = _REPLIES.setdefault(authority, asked(authority)[1])
    trust = pinned(authority.root)
    start = data.draw(st.integers(0, len(reply)))
    stop = data.draw(st.integers(start, min(start + 40, len(reply))))
    changed = reply[:start] + data.draw(st.binary(max_size=40)) + reply[stop:]
    found = _claims(changed, trust)
    assert found in (None, verify_timestamp(reply, DIGEST, trust))


_REPLIES: dict[TimestampAuthority, bytes] = {}


@given(st.binary(max_size=200))
def test_bytes_that_are_no_reply_are_refused(data: bytes) -> None:
    trust = PinnedAuthorities(())
    for attempt in (data, reply_of(data), reply_of(der.encode(der.SEQUENCE, data))):
        with pytest.raises((MalformedTimestamp, TimestampNotGranted)):
            verify_timestamp(attempt, DIGEST, trust)


def test_a_reply_beyond_the_limit_is_refused() -> None:
    with pytest.raises(MalformedTimestamp, match="at most"):
        verify_timestamp(bytes(MAX_REPLY_BYTES + 1), DIGEST, PinnedAuthorities(()))
