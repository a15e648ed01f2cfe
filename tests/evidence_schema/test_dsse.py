"""DSSE envelopes: one spelling, one signer, and no changed bit that still verifies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence_schema.canonical import canonical_bytes
from evidence_schema.dsse import (
    MAX_PAE_BYTES,
    Envelope,
    EnvelopeSignature,
    check_pae_size,
    encode_envelope,
    pae,
    parse_envelope,
    sign_envelope,
    verify_envelope,
)
from evidence_schema.errors import BadEnvelope, BadKey, BadSignature, EvidenceSchemaError

pytestmark = pytest.mark.sealing

SECRET = Ed25519PrivateKey.from_private_bytes(b"1" * 32)
PUBLIC = SECRET.public_key().public_bytes_raw()
TYPE = "application/vnd.in-toto+json"
ENVELOPE = sign_envelope(TYPE, b'{"a":1}', PUBLIC, SECRET.sign)
FILE = encode_envelope(ENVELOPE)


def _document(**changes: Any) -> bytes:
    return canonical_bytes({**json.loads(FILE), **changes})


def test_signed_envelope_reads_back_and_verifies() -> None:
    envelope = parse_envelope(FILE)
    assert envelope == ENVELOPE
    verify_envelope(envelope, PUBLIC)
    assert envelope.payload == b'{"a":1}'


def test_lengths_count_bytes_and_not_characters() -> None:
    assert pae("\N{EURO SIGN}", b"\x00\n") == b"DSSEv1 3 \xe2\x82\xac 2 \x00\n"
    assert pae(TYPE, b"") == b"DSSEv1 28 application/vnd.in-toto+json 0 "


def test_every_flipped_bit_of_an_envelope_file_is_refused() -> None:
    for bit in range(len(FILE) * 8):
        changed = bytearray(FILE)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(EvidenceSchemaError):
            verify_envelope(parse_envelope(bytes(changed)), PUBLIC)


@settings(max_examples=300)
@given(
    st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.one_of(st.text(max_size=5), st.integers(0, 9), st.booleans(), st.just("")),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["payload", "payloadType", "signatures", "keyid", "sig", "x"]), inner, max_size=4
                )
            ),
            max_leaves=8,
        ).map(lambda value: json.dumps(value, separators=(",", ":"), sort_keys=True).encode()),
        st.tuples(st.integers(0, len(FILE)), st.integers(0, 4), st.binary(max_size=4)).map(
            lambda cut: FILE[: cut[0]] + cut[2] + FILE[cut[0] + cut[1] :]
        ),
    )
)
def test_hostile_bytes_are_read_or_refused_and_never_crash(data: bytes) -> None:
    try:
        envelope = parse_envelope(data)
        assert encode_envelope(envelope) == data
        verify_envelope(envelope, PUBLIC)
    except EvidenceSchemaError:
        return
    assert data == FILE


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'"text"',
        b"{}",
        FILE + b"\n",
        json.dumps(json.loads(FILE)).encode(),
        _document(extra="x"),
        _document(payload=1),
        _document(payload="e30"),
        _document(payload="e31="),
        _document(payload="e3_="),
        _document(payload="e 30="),
        _document(payload="é"),
        _document(payloadType=""),
        _document(payloadType="text/\nplain"),
        _document(payloadType=[]),
        _document(signatures=[]),
        _document(signatures={}),
        _document(signatures=["x"]),
        _document(signatures=[{"sig": ""}]),
        _document(signatures=[{"keyid": True, "sig": ""}]),
        _document(signatures=[{"keyid": "", "sig": "", "cert": ""}]),
        b'{"payload":"","payload":"","payloadType":"x","signatures":[]}',
    ],
)
def test_files_of_another_shape_are_refused(data: bytes) -> None:
    with pytest.raises(BadEnvelope, match="expected"):
        parse_envelope(data)


def test_file_size_is_limited() -> None:
    assert parse_envelope(FILE, max_bytes=len(FILE)) == ENVELOPE
    with pytest.raises(BadEnvelope, match="at most"):
        parse_envelope(FILE, max_bytes=len(FILE) - 1)


def test_another_key_and_another_key_id_are_refused() -> None:
    other = Ed25519PrivateKey.from_private_bytes(b"2" * 32).public_key().public_bytes_raw()
    with pytest.raises(BadSignature, match="expected key id"):
        verify_envelope(ENVELOPE, other)
    renamed = Envelope(ENVELOPE.payload, TYPE, (EnvelopeSignature("log", ENVELOPE.signatures[0].sig),))
    with pytest.raises(BadSignature, match="found 'log'"):
        verify_envelope(renamed, PUBLIC)
    with pytest.raises(BadKey):
        verify_envelope(ENVELOPE, b"short")


def test_a_second_signature_is_refused_even_a_good_one() -> None:
    doubled = Envelope(ENVELOPE.payload, TYPE, ENVELOPE.signatures * 2)
    with pytest.raises(BadSignature, match="exactly one signature, found 2"):
        verify_envelope(parse_envelope(encode_envelope(doubled)), PUBLIC)


def test_payload_and_type_are_both_signed() -> None:
    for payload, payload_type in ((b'{"a":2}', TYPE), (ENVELOPE.payload, "text/plain")):
        with pytest.raises(BadSignature):
            verify_envelope(Envelope(payload, payload_type, ENVELOPE.signatures), PUBLIC)


def test_what_is_signed_fits_one_call_of_a_key_service() -> None:
    room = MAX_PAE_BYTES - len(pae(TYPE, b"x" * 4000)) + 4000
    check_pae_size(TYPE, b"x" * room)
    assert len(pae(TYPE, b"x" * room)) == MAX_PAE_BYTES
    with pytest.raises(BadEnvelope, match="at most 4096 bytes to sign, found 4097"):
        check_pae_size(TYPE, b"x" * (room + 1))
    with pytest.raises(BadEnvelope, match="name large parts by digest"):
        sign_envelope(TYPE, b"x" * (room + 1), PUBLIC, SECRET.sign)


def test_a_signer_that_is_not_the_named_key_is_found_out() -> None:
    with pytest.raises(BadSignature):
        sign_envelope(TYPE, b"{}", PUBLIC, Ed25519PrivateKey.generate().sign)
