"""Whatever bytes lie wherever, the verifier answers: it never crashes, and never takes them for sound."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from logs import KEY, LAYOUT, LogBuilder, MemoryReader, trust_policy

from evidence_schema.digest import Digest
from evidence_schema.dsse import encode_envelope, sign_envelope
from evidence_schema.encoding import from_base64
from evidence_schema.models.entry import PAYLOAD_TYPE
from evidence_schema.verification import verify_log

pytestmark = pytest.mark.sealing


def _log():
    builder = LogBuilder(accounts=("111111111111",))
    builder.run()
    builder.run(slot="adhoc/0123456789ab", end="open", gathered=1)
    return builder.built()


LOG = _log()
KEYS = LOG.reader.keys()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=12,
)
HOSTILE = st.one_of(
    st.binary(max_size=400),
    JSON.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")),
    st.sampled_from([b"[" * 70_000, b"9" * 70_000, b'{"a":' * 30_000, b"\xed\xa0\x80", b"1e999", b"NaN", b"\x00" * 9]),
)


def _verify(reader: MemoryReader):
    return verify_log(reader, trust=LOG.trust, now=LOG.now, kept=LOG.reader.data(LAYOUT.checkpoint(3)), width=1)


def test_log_that_the_examples_start_from_is_sound() -> None:
    assert _verify(LOG.reader).problems == ()


@settings(max_examples=150)
@given(st.sampled_from(KEYS), HOSTILE)
def test_any_bytes_in_any_object_are_a_problem(key: str, data: bytes) -> None:
    reader = LOG.reader.copy()
    reader.replace(key, data)
    assert _verify(reader).problems


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(KEYS) | st.text().map(lambda text: LAYOUT.root + text), HOSTILE, min_size=1))
def test_any_objects_anywhere_are_problems(objects: dict[str, bytes]) -> None:
    reader = LOG.reader.copy()
    for key, data in objects.items():
        reader.put(key, data)
    assert _verify(reader).problems


def _leaves(value, path=()):
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _leaves(member, (*path, name))
    elif isinstance(value, list):
        for place, member in enumerate(value):
            yield from _leaves(member, (*path, place))
    else:
        yield path


def _with(value, path, leaf):
    if not path:
        return leaf
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _with(value[path[0]], path[1:], leaf)
    return copy


STRANGE = st.one_of(
    JSON,
    st.sampled_from([2**53 - 1, -1, True, "", "../../etc", "a" * 5000, "monthly/2026-08", "sha256:" + "0" * 64]),
    st.sampled_from(["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-13-01T00:00:00Z"]),
    st.just("run-٢٠٢٦٠٨٠١T060000Z-00000000"),
)


@pytest.mark.parametrize("seq", range(5))
@settings(max_examples=60)
@given(st.data())
def test_any_statement_that_the_key_has_signed_is_answered(seq: int, data: st.DataObject) -> None:
    """Without pinned keys anybody can sign; with them an insider can."""
    builder = LogBuilder()
    builder.reader, builder.files = LOG.reader.copy(), []
    for number in range(5):
        envelope = json.loads(LOG.reader.data(LAYOUT.entry(number)))
        builder.files.append(_sealed(envelope, data.draw if number == seq else None))
        builder.reader.replace(LAYOUT.entry(number), builder.files[-1])
        builder.checkpoint(builder.keys(number))
    for trust in (LOG.trust, None):
        verify_log(builder.reader, trust=trust, now=LOG.now, width=1)


def _sealed(envelope, draw) -> bytes:
    payload = from_base64(envelope["payload"])
    if draw is not None:
        statement = json.loads(payload)
        path = draw(st.sampled_from(list(_leaves(statement))))
        changed = _with(statement, path, draw(STRANGE))
        payload = json.dumps(changed, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(
            "utf-8", "surrogatepass"
        )[:3900]
    return encode_envelope(sign_envelope(PAYLOAD_TYPE, payload, KEY.public_key().public_bytes_raw(), KEY.sign))


@settings(max_examples=100)
@given(st.data())
def test_any_value_in_what_entries_seal_is_answered(data: st.DataObject) -> None:
    """Plans, manifests, rows, findings; only a receipt that no manifest holds yet can come to mean another thing."""
    reader = LOG.reader.copy()
    candidates = [key for key in reader.keys(LAYOUT.blobs) + reader.keys(LAYOUT.runs) if reader.data(key)[:1] == b"{"]
    key = data.draw(st.sampled_from(candidates))
    line, newline, rest = reader.data(key).partition(b"\n")
    document = json.loads(line)
    path = data.draw(st.sampled_from(list(_leaves(document)) or [()]))
    changed = json.dumps(_with(document, path, data.draw(STRANGE)), sort_keys=True, separators=(",", ":"))
    new = changed.encode("utf-8", "surrogatepass") + newline + rest
    reader.replace(key, new)
    reader.put(LAYOUT.blob(Digest.of(new)), new)
    report = _verify(reader)
    if new != LOG.reader.data(key):
        assert report.problems or key.startswith(LAYOUT.receipts(LOG.runs[1]))


def test_far_numbers_do_not_make_the_verifier_count_to_them() -> None:
    reader = LOG.reader.copy()
    reader.put(LAYOUT.entry(999_999_999_999), b"")
    reader.put(LAYOUT.checkpoint(999_999_999_999), b"")
    assert len(verify_log(reader, trust=trust_policy(), now=LOG.now).problems) < 10
