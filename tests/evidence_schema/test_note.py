"""Signed notes and checkpoints: strict reading, and no changed bit that still verifies."""

from __future__ import annotations

from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence_schema.checkpoint import Checkpoint, parse_checkpoint
from evidence_schema.encoding import to_base64
from evidence_schema.errors import BadCheckpoint, BadKey, BadNote, BadSignature, EvidenceSchemaError
from evidence_schema.merkle import leaf_hash
from evidence_schema.note import (
    MAX_NOTE_BYTES,
    Note,
    NoteSignature,
    VerifierKey,
    parse_note,
    sign_note,
    sign_text,
    verify_note,
)

pytestmark = pytest.mark.sealing

SECRET = Ed25519PrivateKey.from_private_bytes(b"1" * 32)
KEY = VerifierKey("example.org/log", SECRET.public_key().public_bytes_raw())
OTHER_SECRET = Ed25519PrivateKey.from_private_bytes(b"2" * 32)
OTHER = VerifierKey.from_public_key("example.org/witness", OTHER_SECRET.public_key().public_bytes_raw())
CHECKPOINT = Checkpoint("example.org/log", 7, leaf_hash(b"root"))
SIGNED = sign_note(CHECKPOINT.text, KEY.name, KEY.public_key, SECRET.sign)
LINE = str(parse_note(SIGNED).signatures[0])
BOTH = SIGNED + f"{sign_text(CHECKPOINT.text, OTHER, OTHER_SECRET.sign)}\n".encode()


def _note(text: str, *lines: str) -> bytes:
    return (text + "\n" + "".join(f"{line}\n" for line in lines)).encode()


def test_signed_checkpoint_comes_back() -> None:
    verified = verify_note(SIGNED, [KEY, OTHER])
    assert parse_checkpoint(verified.text) == CHECKPOINT
    assert (verified.signers, verified.unknown) == ((KEY,), ())


def test_signatures_by_unknown_keys_are_passed_on_and_do_not_count() -> None:
    verified = verify_note(BOTH, [KEY])
    assert verified.signers == (KEY,)
    assert [(line.name, line.key_id) for line in verified.unknown] == [(OTHER.name, OTHER.key_id)]
    assert verify_note(BOTH, [OTHER, KEY]).signers == (KEY, OTHER)
    with pytest.raises(BadSignature, match="one of 1 known keys, found 1 by others"):
        verify_note(SIGNED, [OTHER])


def test_a_known_key_whose_signature_fails_spoils_the_note() -> None:
    bad = str(NoteSignature(OTHER.name, OTHER.key_id, bytes(64)))
    assert verify_note(_note(CHECKPOINT.text, LINE, bad), [KEY]).signers == (KEY,)
    with pytest.raises(BadSignature, match="does not hold"):
        verify_note(_note(CHECKPOINT.text, LINE, bad), [KEY, OTHER])


def test_a_key_of_the_same_name_or_the_same_id_alone_is_unknown() -> None:
    namesake = VerifierKey(KEY.name, OTHER.public_key)
    with pytest.raises(BadSignature):
        verify_note(SIGNED, [namesake])
    with pytest.raises(BadSignature):
        verify_note(SIGNED, [VerifierKey("example.org/other", KEY.public_key)])


def test_a_known_key_signs_once() -> None:
    with pytest.raises(BadNote, match="found a second one"):
        verify_note(_note(CHECKPOINT.text, LINE, LINE), [KEY])


@pytest.mark.parametrize("note", [SIGNED, BOTH], ids=["one signer", "two signers"])
def test_every_flipped_bit_of_a_signed_note_is_refused_or_leaves_a_known_signer_missing(note: bytes) -> None:
    keys = verify_note(note, [KEY, OTHER]).signers
    for bit in range(len(note) * 8):
        changed = bytearray(note)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            verified = verify_note(bytes(changed), keys)
        except EvidenceSchemaError:
            continue
        assert len(keys) == 2
        assert verified.text == CHECKPOINT.text
        assert len(verified.signers) == 1
        assert len(verified.unknown) == 1


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\n\n",
        CHECKPOINT.text.encode(),
        _note(CHECKPOINT.text),
        _note(CHECKPOINT.text)[:-1] + LINE.encode() + b"\n",
        SIGNED[:-1],
        SIGNED + b"\n",
        SIGNED + b"more\n",
        SIGNED + b"\n" + b"more\n",
        _note(CHECKPOINT.text, LINE[2:]),
        _note(CHECKPOINT.text, "- " + LINE[2:]),
        _note(CHECKPOINT.text, "\N{EN DASH} " + LINE[2:]),
        _note(CHECKPOINT.text, " " + LINE),
        _note(CHECKPOINT.text, LINE + " "),
        _note(CHECKPOINT.text, LINE.replace(" ", "  ")),
        _note(CHECKPOINT.text, LINE.replace("/log", "+log")),
        _note(CHECKPOINT.text, LINE.replace("/log", "\N{NO-BREAK SPACE}log")),
        _note(CHECKPOINT.text, "\N{EM DASH}  AAAAAAAA"),
        _note(CHECKPOINT.text, "\N{EM DASH} name"),
        _note(CHECKPOINT.text, "\N{EM DASH} name AAAAAA=="),
        _note(CHECKPOINT.text, "\N{EM DASH} name AAAAAAB="),
        _note(CHECKPOINT.text, "\N{EM DASH} name AAAAAAA"),
        SIGNED.replace(b"\n7\n", b"\r\n7\n"),
        SIGNED.replace(b"\n7\n", b"\t\n7\n"),
        SIGNED.replace(b"\n7\n", b"\0\n7\n"),
        SIGNED.replace(b"\n7\n", b"\xff\n7\n"),
        _note("x" * MAX_NOTE_BYTES + "\n", LINE),
        _note("text\n", *[LINE] * 101),
    ],
)
def test_bytes_that_are_no_note_are_refused(note: bytes) -> None:
    with pytest.raises(BadNote, match="expected"):
        parse_note(note)


def test_text_may_hold_empty_lines_and_lines_that_look_like_signatures() -> None:
    text = f"first\n\n{LINE}\n\nlast\n\n"
    note = sign_note(text, KEY.name, KEY.public_key, SECRET.sign)
    assert verify_note(note, [KEY]).text == text


@pytest.mark.parametrize("text", ["", "no newline", "bell\a\n", "return\r\n", "\ud800\n"])
def test_text_that_a_note_cannot_hold_is_not_signed(text: str) -> None:
    with pytest.raises(BadNote):
        sign_note(text, KEY.name, KEY.public_key, SECRET.sign)


def test_a_signer_that_is_not_the_named_key_is_found_out() -> None:
    with pytest.raises(BadSignature):
        sign_note("text\n", KEY.name, KEY.public_key, OTHER_SECRET.sign)
    with pytest.raises(BadSignature, match="of 64 bytes, found 0"):
        sign_note("text\n", KEY.name, KEY.public_key, lambda message: b"")


def test_verifier_key_reads_and_writes_back() -> None:
    assert VerifierKey.parse(str(KEY)) == KEY
    assert str(KEY) == f"{KEY.name}+{KEY.key_id.hex()}+{to_base64(bytes([1]) + KEY.public_key)}"


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        str(KEY) + "\n",
        str(KEY).upper(),
        str(KEY)[:-1],
        str(KEY).replace("log", "lag"),
        str(KEY).replace("/", " "),
        f"{KEY.name}+{KEY.key_id.hex()}+{to_base64(bytes([2]) + KEY.public_key)}",
        f"{KEY.name}+{KEY.key_id.hex()}+{to_base64(bytes([1]) + KEY.public_key[:-1])}",
        f"{KEY.name}+{KEY.key_id.hex()}+",
    ],
)
def test_verifier_keys_of_another_shape_are_refused(vkey: str) -> None:
    with pytest.raises(BadKey, match="expected"):
        VerifierKey.parse(vkey)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\tb", "a\u2028b", "a\nb", "\udc00"])
def test_key_names_that_a_note_cannot_hold_are_refused(name: str) -> None:
    with pytest.raises(BadKey, match="expected a key name"):
        VerifierKey(name, KEY.public_key)


def test_two_known_keys_of_one_name_and_id_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VerifierKey, "key_id", property(lambda key: b"same"))
    with pytest.raises(BadKey, match="one key per name and id"):
        verify_note(SIGNED, [KEY, VerifierKey(KEY.name, OTHER.public_key)])


@settings(max_examples=300)
@given(
    st.one_of(
        st.binary(max_size=60),
        st.text("ab\n\N{EM DASH} +=/A0\x00", max_size=60).map(str.encode),
        st.tuples(st.just(SIGNED), st.integers(0, len(SIGNED)), st.binary(max_size=6)).map(
            lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] :]
        ),
    )
)
def test_hostile_bytes_are_read_or_refused_and_never_crash(data: bytes) -> None:
    try:
        note = parse_note(data)
        verified = verify_note(data, [KEY, OTHER])
    except EvidenceSchemaError:
        return
    assert note.encode() == data
    assert verified.text == note.text == CHECKPOINT.text


def test_a_note_that_would_not_read_back_is_not_written() -> None:
    with pytest.raises(BadNote):
        Note("text\n", ()).encode()
    with pytest.raises(BadNote):
        Note("text\n", (NoteSignature("a b", b"1234", bytes(64)),)).encode()


@given(st.text(max_size=120))
def test_any_text_is_a_checkpoint_that_writes_back_or_is_refused(text: str) -> None:
    for candidate in (text, f"{text}\n7\n{to_base64(CHECKPOINT.root)}\n"):
        with suppress(BadCheckpoint):
            assert parse_checkpoint(candidate).text == candidate


@pytest.mark.parametrize("size", ["", "07", "-7", "+7", " 7", "7 ", "7_0", "0x7", "\u0667", "9" * 19, "9" * 5_000])
def test_sizes_that_are_no_plain_decimal_are_refused(size: str) -> None:
    with pytest.raises(BadCheckpoint, match=r"expected a (decimal )?size"):
        parse_checkpoint(CHECKPOINT.text.replace("\n7\n", f"\n{size}\n"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        CHECKPOINT.text[:-1],
        CHECKPOINT.text + "extension\n",
        CHECKPOINT.text + "\n",
        CHECKPOINT.text.removeprefix(CHECKPOINT.origin),
        CHECKPOINT.text.replace("=", ""),
        f"origin\n7\n{to_base64(bytes(31))}\n",
        f"origin\r\n7\n{to_base64(bytes(32))}\n",
    ],
)
def test_checkpoints_of_another_shape_are_refused(text: str) -> None:
    with pytest.raises(BadCheckpoint, match="expected"):
        parse_checkpoint(text)


def test_sizes_up_to_63_bits_are_read() -> None:
    for size in (0, 1, 2**63 - 1):
        checkpoint = Checkpoint("example.org/log", size, CHECKPOINT.root)
        assert parse_checkpoint(checkpoint.text) == checkpoint
