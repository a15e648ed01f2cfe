"""What an attacker does to a stored log, as operations that a seeded generator drives.

An outsider writes to the store and has no key; an insider holds the signing key and rebuilds the log around a lie.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from logs import LAYOUT, OTHER_KEY, BuiltLog, Hooks, MemoryReader, build_log

from evidence_schema.digest import Digest
from evidence_schema.dsse import encode_envelope, parse_envelope, sign_envelope
from evidence_schema.models.entry import RunOpen, Statement
from evidence_schema.models.names import GatherResult
from evidence_schema.note import parse_note, sign_note

Operation = Callable[[Random, MemoryReader], None]
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_AREAS = (LAYOUT.entries, LAYOUT.checkpoints, LAYOUT.blobs, LAYOUT.runs)


def _any_key(random: Random, reader: MemoryReader) -> str:
    """Areas are hit alike, however many objects they hold."""
    return random.choice(reader.keys(random.choice(_AREAS)))


def _changed(change: Callable[[Random, bytes], bytes]) -> Operation:
    def operation(random: Random, reader: MemoryReader) -> None:
        key = _any_key(random, reader)
        reader.replace(key, change(random, reader.data(key)))

    return operation


def _flip_bit(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]


def _truncate(random: Random, data: bytes) -> bytes:
    return data[: random.randrange(len(data))]


def _extend(random: Random, data: bytes) -> bytes:
    return data + random.choice([b"\n", b" ", b"\0", b"}", data, random.randbytes(9)])


def _insert(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + random.randbytes(1) + data[at:]


def _delete(random: Random, reader: MemoryReader) -> None:
    reader.remove(_any_key(random, reader))


def _swap(random: Random, reader: MemoryReader) -> None:
    area = random.choice(_AREAS)
    one, other = random.sample(reader.keys(area), 2)
    first, second = reader.data(one), reader.data(other)
    reader.replace(one, second)
    reader.replace(other, first)


def _copy_over(random: Random, reader: MemoryReader) -> None:
    reader.replace(_any_key(random, reader), reader.data(_any_key(random, reader)))


def _stray(random: Random, reader: MemoryReader) -> None:
    """An object under a key that is free; a blob's name does not fit its bytes."""
    size, hexes = len(reader.keys(LAYOUT.entries)), random.randbytes(32).hex()
    key = random.choice(
        [
            f"{LAYOUT.root}{hexes}",
            f"{LAYOUT.entries}{hexes}",
            LAYOUT.entry(size + random.randrange(3)),
            LAYOUT.checkpoint(size + 1 + random.randrange(3)),
            LAYOUT.checkpoint(0),
            LAYOUT.blob(Digest.parse(f"sha256:{hexes}")),
            reader.keys(LAYOUT.runs)[0].rpartition("/")[0] + f"/{hexes}.json",
            LAYOUT.receipt("run-20260101T000000Z-00000000", Digest.parse(f"sha256:{hexes}")),
        ]
    )
    reader.put(key, reader.data(_any_key(random, reader)))


def _rename(random: Random, reader: MemoryReader) -> None:
    old = _any_key(random, reader)
    at = random.randrange(len(LAYOUT.root), len(old))
    new = old[:at] + random.choice("0123456789abcdef/") + old[at + 1 :]
    if new not in reader.objects:
        reader.put(new, reader.data(old))
        reader.remove(old)


def _second_version(random: Random, reader: MemoryReader) -> None:
    reader.put(_any_key(random, reader), reader.data(_any_key(random, reader)))


def _delete_marker(random: Random, reader: MemoryReader) -> None:
    reader.put(_any_key(random, reader), None)


def _drop_newest(random: Random, reader: MemoryReader) -> None:
    """The newest entries and all that belongs to them, as if they had never been."""
    size = len(reader.keys(LAYOUT.entries))
    left = random.randrange(1, size)
    for seq in range(left, size):
        reader.remove(LAYOUT.entry(seq))
        reader.remove(LAYOUT.checkpoint(seq + 1))
    opened = {
        statement.predicate.run_id for statement in _statements(reader) if isinstance(statement.predicate, RunOpen)
    }
    for key in reader.keys(LAYOUT.runs):
        if key.removeprefix(LAYOUT.runs).split("/")[0] not in opened:
            reader.remove(key)


def _drop_middle(random: Random, reader: MemoryReader) -> None:
    """Entries are taken out and the later ones move up."""
    size = len(reader.keys(LAYOUT.entries))
    first = random.randrange(size - 1)
    count = random.randrange(1, size - first)
    for seq in range(first, size - count):
        reader.replace(LAYOUT.entry(seq), reader.data(LAYOUT.entry(seq + count)))
        reader.replace(LAYOUT.checkpoint(seq + 1), reader.data(LAYOUT.checkpoint(seq + count + 1)))
    for seq in range(size - count, size):
        reader.remove(LAYOUT.entry(seq))
        reader.remove(LAYOUT.checkpoint(seq + 1))


def _old_checkpoint(random: Random, reader: MemoryReader) -> None:
    sizes = reader.keys(LAYOUT.checkpoints)
    newer = random.randrange(1, len(sizes))
    reader.replace(sizes[newer], reader.data(sizes[random.randrange(newer)]))


def _malleable_base64(random: Random, data: bytes) -> bytes:
    """The same bytes in another spelling: the bits behind the last character, or a line break."""
    text = data.decode()
    ends = [at for at, character in enumerate(text) if character == "=" and text[at - 1] != "="]
    if not ends:
        return data
    at = random.choice(ends)
    if random.random() < 0.3:
        return (text[:at] + random.choice(["=", " ", "\\n", "\n"]) + text[at:]).encode()
    return (text[: at - 1] + _BASE64[_BASE64.index(text[at - 1]) ^ random.choice([1, 2, 3])] + text[at:]).encode()


def _base64(random: Random, reader: MemoryReader) -> None:
    key = random.choice([*reader.keys(LAYOUT.entries), *reader.keys(LAYOUT.checkpoints)])
    reader.replace(key, _malleable_base64(random, reader.data(key)))


def _json(random: Random, reader: MemoryReader) -> None:
    """The same value in another spelling, in the first line of anything that is JSON."""
    keys = [key for key in reader.keys(LAYOUT.root) if reader.data(key)[:1] == b"{"]
    key = random.choice(keys)
    line, newline, rest = reader.data(key).partition(b"\n")
    reader.replace(key, _respelled(random, line) + newline + rest)


def _respelled(random: Random, line: bytes) -> bytes:
    value = json.loads(line)
    name = random.choice(list(value))
    how = random.randrange(6)
    if how == 0:
        return json.dumps(value).encode()
    if how == 1:
        return json.dumps(dict(reversed(value.items())), separators=(",", ":")).encode()
    if how == 2:
        return line.replace(f'"{name}"'.encode(), f'"\\u{ord(name[0]):04x}{name[1:]}"'.encode(), 1)
    if how == 3:  # the same key twice
        return line[:-1] + f",{json.dumps(name)}:{json.dumps(value[name], separators=(',', ':'))}}}".encode()
    if how == 4:
        return line[:-1] + b',"zz":null}'
    return b" " + line


def _extra_signature(random: Random, reader: MemoryReader) -> None:
    if random.random() < 0.5:
        key = random.choice(reader.keys(LAYOUT.checkpoints))
        data = reader.data(key)
        by_other = sign_note(parse_note(data).text, "other", OTHER_KEY.public_key().public_bytes_raw(), OTHER_KEY.sign)
        lines = [data.splitlines(keepends=True)[-1], by_other.splitlines(keepends=True)[-1]]
        reader.replace(key, data + random.choice(lines))
        return
    key = random.choice(reader.keys(LAYOUT.entries))
    envelope = parse_envelope(reader.data(key))
    other = sign_envelope(
        envelope.payload_type, envelope.payload, OTHER_KEY.public_key().public_bytes_raw(), OTHER_KEY.sign
    )
    extra = random.choice([*envelope.signatures, *other.signatures])
    signatures = (*envelope.signatures, extra)
    reader.replace(key, encode_envelope(type(envelope)(envelope.payload, envelope.payload_type, signatures)))


def _sign_again(random: Random, reader: MemoryReader) -> None:
    """Entries, checkpoints or both, some or all, are signed by a key that nobody pinned."""
    entries, checkpoints = reader.keys(LAYOUT.entries), reader.keys(LAYOUT.checkpoints)
    first = random.randrange(len(entries))
    raw = OTHER_KEY.public_key().public_bytes_raw()
    if random.random() < 0.7:
        for key in entries[first:]:
            envelope = parse_envelope(reader.data(key))
            again = sign_envelope(envelope.payload_type, envelope.payload, raw, OTHER_KEY.sign)
            reader.replace(key, encode_envelope(again))
    else:
        for key in checkpoints[first:]:
            note = parse_note(reader.data(key))
            reader.replace(key, sign_note(note.text, note.signatures[0].name, raw, OTHER_KEY.sign))


OUTSIDER: Mapping[str, Operation] = {
    "flip-bit": _changed(_flip_bit),
    "truncate": _changed(_truncate),
    "extend": _changed(_extend),
    "insert-byte": _changed(_insert),
    "delete": _delete,
    "swap": _swap,
    "copy-over": _copy_over,
    "stray-object": _stray,
    "rename": _rename,
    "second-version": _second_version,
    "delete-marker": _delete_marker,
    "drop-newest": _drop_newest,
    "drop-middle": _drop_middle,
    "old-checkpoint": _old_checkpoint,
    "base64-malleability": _base64,
    "json-malleability": _json,
    "extra-signature": _extra_signature,
    "sign-by-another-key": _sign_again,
}


def mutated(operation: Operation, random: Random, log: BuiltLog) -> MemoryReader:
    """The log after one operation, which is repeated until bytes or keys have changed."""
    while True:
        reader = log.reader.copy()
        operation(random, reader)
        if reader.objects != log.reader.objects:
            return reader


def insider_log(random: Random, runs: int) -> tuple[BuiltLog, int]:
    """A log rewritten from some run on, every digest, root and signature made again; and the number of that run.

    Each lie is consistent: nothing inside the log can show it.
    """
    liar = random.choice([0, *range(2, runs + 1)])  # run 1 was given up and holds nothing

    def lie(name: str, /, **changes: Any) -> Hooks:
        return {name: lambda value, run: value.model_copy(update=changes) if run == liar else value}

    hooks: Hooks = random.choice(
        [
            {"receipt": lambda value, run: _better(value) if run == liar else value},
            lie("closed", duration_s=random.randrange(600)),
            lie("export", name=f"other-{random.randrange(9)}.xlsx"),
            lie("opened", requester=random.randbytes(16).hex()),
            lie("judged", counts={"pass": random.randrange(1, 99)}),
            lie("header", principal=f"somebody else {random.randrange(99)}"),
        ]
    )
    return build_log(runs, hooks=hooks), liar


def _better(receipt: Any) -> Any:
    """A denied unit becomes an empty account."""
    result = GatherResult.EMPTY if receipt.result is GatherResult.DENIED else receipt.result
    return receipt.model_copy(update={"result": result, "reason": "" if result is GatherResult.EMPTY else "improved"})


def _statements(reader: MemoryReader) -> list[Statement]:
    return [
        Statement.model_validate_json(parse_envelope(reader.data(key)).payload) for key in reader.keys(LAYOUT.entries)
    ]
