"""Digests: one type, one spelling, the same answer streamed or whole."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from evidence_schema.digest import Digest, DigestStream
from evidence_schema.errors import BadDigest

pytestmark = pytest.mark.sealing

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class Holder(BaseModel):
    """A model with a digest in it."""

    model_config = ConfigDict(frozen=True, strict=True)
    digest: Digest


def test_forms_of_a_digest() -> None:
    digest = Digest.of(b"")
    assert str(digest) == EMPTY
    assert digest == Digest.parse(EMPTY)
    assert digest.hex == EMPTY.removeprefix("sha256:")
    assert digest.raw == hashlib.sha256(b"").digest()
    assert base64.b64decode(digest.base64) == digest.raw


@pytest.mark.parametrize(
    "text",
    [
        "",
        EMPTY.upper(),
        EMPTY[:-1],
        EMPTY + "0",
        EMPTY + "\n",
        " " + EMPTY,
        EMPTY[7:],
        "sha512" + EMPTY[6:],
        EMPTY.replace("e3", "e\u0663", 1),
        None,
        7,
    ],
)
def test_other_spellings_are_refused(text: Any) -> None:
    with pytest.raises(BadDigest, match="expected 'sha256:' and 64 lower-case hex digits"):
        Digest.parse(text)


@pytest.mark.parametrize("raw", [b"", b"x" * 31, b"x" * 33, bytearray(32), "x" * 32])
def test_other_lengths_and_types_are_refused(raw: Any) -> None:
    with pytest.raises(BadDigest, match="expected 32 bytes"):
        Digest(raw)


def test_digests_are_values() -> None:
    low, high = Digest(bytes(32)), Digest(b"\xff" * 32)
    assert low < high
    assert sorted([high, low]) == [low, high]
    assert len({low, Digest(bytes(32)), high}) == 2
    with pytest.raises(AttributeError):
        low.raw = high.raw  # type: ignore[misc]  # that is the point


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_streamed_digest_and_size_equal_the_whole(pieces: list[bytes]) -> None:
    stream = DigestStream()
    for piece in pieces:
        stream.update(piece)
    assert (stream.finish(), stream.size) == (Digest.of(b"".join(pieces)), len(b"".join(pieces)))


def test_model_field_reads_and_writes_the_text_form() -> None:
    holder = Holder(digest=Digest.of(b""))
    assert holder.model_dump_json() == f'{{"digest":"{EMPTY}"}}'
    assert holder.model_dump() == {"digest": EMPTY}
    assert Holder.model_validate_json(holder.model_dump_json()) == holder
    assert Holder.model_validate({"digest": EMPTY}) == holder
    assert isinstance(holder.digest, Digest)


def test_model_field_refuses_other_text_as_a_validation_error() -> None:
    for document in ('{"digest":"sha256:00"}', '{"digest":1}', f'{{"digest":"{EMPTY.upper()}"}}'):
        with pytest.raises(ValidationError):
            Holder.model_validate_json(document)
    with pytest.raises(ValidationError, match="64 lower-case hex digits"):
        Holder.model_validate({"digest": "sha256:00"})


def test_digests_can_be_keys_of_a_mapping_field() -> None:
    adapter = TypeAdapter(dict[Digest, int])
    digest = Digest.of(b"")
    assert adapter.validate_json(adapter.dump_json({digest: 1})) == {digest: 1}


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_schema_of_the_field_is_a_string_with_a_pattern(mode: Any) -> None:
    schema = Holder.model_json_schema(mode=mode)["properties"]["digest"]
    assert (schema["type"], schema["pattern"]) == ("string", "^sha256:[0-9a-f]{64}$")
