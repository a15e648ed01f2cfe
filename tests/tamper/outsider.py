"""What somebody does to a stored log who can write to the store in every way and has no key.

Each operation is driven by a seeded generator and changes a copy; `mutated` repeats it until something is changed.
Dropping is done as well as it can be: with all that belongs to what is dropped, or with some of it left behind.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from random import Random

from history import LAYOUT, STRANGER, History
from stored import Stored

from evidence_schema.digest import Digest
from evidence_schema.dsse import Envelope, encode_envelope, parse_envelope, sign_envelope
from evidence_schema.models.entry import Export, Judged, RunClose, RunOpen, Statement
from evidence_schema.models.receipt import Manifest
from evidence_schema.models.unit import Plan
from evidence_schema.note import parse_note, sign_note

Operation = Callable[[Random, Stored], None]
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
TOKENS = f"{LAYOUT.root}tsr/"
_AREAS = (LAYOUT.entries, LAYOUT.checkpoints, LAYOUT.blobs, LAYOUT.runs, TOKENS)


def mutated(operation: Operation, random: Random, history: History) -> Stored:
    """The log after one operation, with other bytes or other objects than before."""
    while True:
        place = history.place.copy()
        operation(random, place)
        if place.changed(history.place):
            return place


def _any_key(random: Random, place: Stored) -> str:
    """Areas are hit alike, however many objects they hold."""
    return random.choice(place.keys(random.choice([area for area in _AREAS if place.keys(area)])))


def _changed(change: Callable[[Random, bytes], bytes]) -> Operation:
    def operation(random: Random, place: Stored) -> None:
        key = _any_key(random, place)
        place.replace(key, change(random, place.data(key)))

    return operation


def _flip_bit(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]


def _truncate(random: Random, data: bytes) -> bytes:
    return data[: random.randrange(len(data))]


def _extend(random: Random, data: bytes) -> bytes:
    return data + random.choice([b"\n", b" ", b"\0", b"}", data, random.randbytes(random.randrange(1, 99))])


def _insert(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + random.randbytes(1) + data[at:]


def _overwrite(random: Random, data: bytes) -> bytes:
    """Bytes of the same length."""
    at = random.randrange(len(data))
    end = random.randrange(at, len(data)) + 1
    return data[:at] + random.randbytes(end - at) + data[end:]


def _delete(random: Random, place: Stored) -> None:
    for key in {_any_key(random, place) for _ in range(random.randrange(1, 4))}:
        place.remove(key)


def _swap(random: Random, place: Stored) -> None:
    area = random.choice([area for area in _AREAS if place.keys(area)])
    one, other = random.sample(place.keys(area), 2)
    first, second = place.data(one), place.data(other)
    place.replace(one, second)
    place.replace(other, first)


def _copy_over(random: Random, place: Stored) -> None:
    place.replace(_any_key(random, place), place.data(_any_key(random, place)))


def _stray(random: Random, place: Stored) -> None:
    """An object under a key that is free. One under the name of its own digest is no lie, but a note: see `ADDITIONS`.

    Nor does it go beside the receipts of an attempt that was given up: see `UNSEALED`.
    """
    size, hexes = len(place.keys(LAYOUT.entries)), random.randbytes(32).hex()
    closed = [key for key in place.keys(LAYOUT.runs) if key.endswith(".json")]
    key = random.choice(
        [
            f"{LAYOUT.root}{hexes}",
            f"{LAYOUT.entries}{hexes}",
            f"{TOKENS}{hexes}",
            LAYOUT.entry(size + random.randrange(3)),
            LAYOUT.checkpoint(size + 1 + random.randrange(3)),
            LAYOUT.checkpoint(0),
            LAYOUT.blob(Digest.parse(f"sha256:{hexes}")),
            random.choice(closed).rpartition("/")[0] + f"/{hexes}.json",
            LAYOUT.receipt("run-20260101T000000Z-00000000", Digest.parse(f"sha256:{hexes}")),
        ]
    )
    place.put(key, place.data(_any_key(random, place)))


def _rename(random: Random, place: Stored) -> None:
    old = _any_key(random, place)
    at = random.randrange(len(LAYOUT.root), len(old))
    new = old[:at] + random.choice("0123456789abcdef/") + old[at + 1 :]
    if new not in place.objects:
        place.put(new, place.data(old))
        place.remove(old)


def _second_version(random: Random, place: Stored) -> None:
    place.put(_any_key(random, place), place.data(_any_key(random, place)))


def _delete_marker(random: Random, place: Stored) -> None:
    place.put(_any_key(random, place), None)


def _drop_newest(random: Random, place: Stored) -> None:
    """The newest entries with their checkpoints, tokens and runs; the blobs that only they name, all, some or none."""
    size = len(place.keys(LAYOUT.entries))
    left = random.choice([random.randrange(1, size), size - random.randrange(1, 6)])
    before = _named_blobs(place, size)
    drop_newest(place, left)
    orphans = sorted(before - _named_blobs(place, left))
    for key in random.sample(orphans, random.choice([0, len(orphans), random.randint(0, len(orphans))])):
        place.remove(key)


def drop_newest(place: Stored, left: int) -> None:
    """Entries from number `left` on, and what lies under their numbers and runs."""
    for seq in range(left, len(place.keys(LAYOUT.entries))):
        place.remove(LAYOUT.entry(seq))
        place.remove(LAYOUT.checkpoint(seq + 1))
        for key in place.keys(f"{TOKENS}{seq + 1:012d}."):
            place.remove(key)
    opened = {statement.predicate.run_id for statement in statements(place) if isinstance(statement.predicate, RunOpen)}
    for key in place.keys(LAYOUT.runs):
        if key.removeprefix(LAYOUT.runs).split("/")[0] not in opened:
            place.remove(key)


def _named_blobs(place: Stored, size: int) -> set[str]:
    """The keys of the blobs that the first entries name, and of those that these name."""
    found: set[Digest] = set()
    for statement in statements(place)[:size]:
        predicate = statement.predicate
        if isinstance(predicate, RunOpen):
            plan = Plan.from_canonical(place.data(LAYOUT.blob(predicate.plan)))
            found |= {predicate.plan, predicate.catalogue, predicate.settings, plan.units.digest}
        elif isinstance(predicate, RunClose):
            manifest = Manifest.from_canonical(place.data(LAYOUT.blob(predicate.manifest)))
            found |= {predicate.manifest, *(part.digest for part in manifest.parts)}
            receipts = [json.loads(place.data(key)) for key in place.keys(LAYOUT.receipts(predicate.run_id))]
            found |= {Digest.parse(blob["digest"]) for receipt in receipts for blob in receipt["blobs"]}
        elif isinstance(predicate, Judged):
            found |= {predicate.findings, predicate.outcomes}
        elif isinstance(predicate, Export):
            found.add(predicate.digest)
    return {LAYOUT.blob(digest) for digest in found}


def _drop_middle(random: Random, place: Stored) -> None:
    """Entries are taken out; the later ones stay where they are, or move up with their checkpoints."""
    size = len(place.keys(LAYOUT.entries))
    first = random.randrange(size - 1)
    count = random.randrange(1, size - first)
    if random.random() < 0.3:
        for seq in range(first, first + count):
            place.remove(LAYOUT.entry(seq))
        return
    for seq in range(first, size - count):
        place.replace(LAYOUT.entry(seq), place.data(LAYOUT.entry(seq + count)))
        place.replace(LAYOUT.checkpoint(seq + 1), place.data(LAYOUT.checkpoint(seq + count + 1)))
    for seq in range(size - count, size):
        place.remove(LAYOUT.entry(seq))
        place.remove(LAYOUT.checkpoint(seq + 1))


def _old_checkpoint(random: Random, place: Stored) -> None:
    """An earlier state is put in the place of a later one: one checkpoint, or all from some size on."""
    keys = place.keys(LAYOUT.checkpoints)
    newer = random.randrange(1, len(keys))
    older = place.data(keys[random.randrange(newer)])
    for key in keys[newer:] if random.random() < 0.3 else [keys[newer]]:
        place.replace(key, older)


def _base64(random: Random, place: Stored) -> None:
    key = random.choice([*place.keys(LAYOUT.entries), *place.keys(LAYOUT.checkpoints)])
    place.replace(key, _malleable(random, place.data(key)))


def _malleable(random: Random, data: bytes) -> bytes:
    """The same bytes in another spelling: the bits behind the last character, or a line break."""
    text = data.decode()
    ends = [at for at, character in enumerate(text) if character == "=" and text[at - 1] != "="]
    if not ends:
        return data
    at = random.choice(ends)
    if random.random() < 0.3:
        return (text[:at] + random.choice(["=", " ", "\\n", "\n"]) + text[at:]).encode()
    return (text[: at - 1] + _BASE64[_BASE64.index(text[at - 1]) ^ random.choice([1, 2, 3])] + text[at:]).encode()


def _json(random: Random, place: Stored) -> None:
    """The same value in another spelling, in the first line of anything that is JSON."""
    _first_line(random, place, _respelled)


def _duplicate_key(random: Random, place: Stored) -> None:
    """The same key twice: two readers may take another value each."""
    _first_line(random, place, _doubled)


def _first_line(random: Random, place: Stored, change: Callable[[Random, bytes], bytes]) -> None:
    area = random.choice((LAYOUT.entries, LAYOUT.blobs, LAYOUT.runs))
    key = random.choice([key for key in place.keys(area) if place.data(key)[:1] == b"{"])
    line, newline, rest = place.data(key).partition(b"\n")
    place.replace(key, change(random, line) + newline + rest)


def _respelled(random: Random, line: bytes) -> bytes:
    value = json.loads(line)
    name = random.choice(list(value))
    at = random.choice([place for place, byte in enumerate(line) if byte in b"{}:,"])
    return random.choice(
        [
            json.dumps(value).encode(),
            json.dumps(dict(reversed(value.items())), separators=(",", ":")).encode(),
            line.replace(f'"{name}"'.encode(), f'"\\u{ord(name[0]):04x}{name[1:]}"'.encode(), 1),
            line[:-1] + b',"zz":null}',
            line[: at + 1] + random.choice([b" ", b"\t", b"\r"]) + line[at + 1 :],
            b" " + line,
        ]
    )


def _doubled(random: Random, line: bytes) -> bytes:
    value = json.loads(line)
    name = random.choice(list(value))
    other = random.choice([value[name], "other", 7, None])
    again = f"{json.dumps(name)}:{json.dumps(other, separators=(',', ':'))}".encode()
    return line[:-1] + b"," + again + b"}" if random.random() < 0.5 else b"{" + again + b"," + line[1:]


def _extra_signature(random: Random, place: Stored) -> None:
    """A second signature, by the same key or by a stranger's."""
    if random.random() < 0.5:
        key = random.choice(place.keys(LAYOUT.checkpoints))
        data = place.data(key)
        strange = sign_note(parse_note(data).text, random.choice(["other", "evidence.example/acme"]), *_stranger())
        place.replace(key, data + random.choice([data, strange]).splitlines(keepends=True)[-1])
        return
    key = random.choice(place.keys(LAYOUT.entries))
    envelope = parse_envelope(place.data(key))
    strange = sign_envelope(envelope.payload_type, envelope.payload, *_stranger())
    extra = random.choice([*envelope.signatures, *strange.signatures])
    both = [*envelope.signatures, extra]
    random.shuffle(both)
    place.replace(key, encode_envelope(Envelope(envelope.payload, envelope.payload_type, tuple(both))))


def _sign_again(random: Random, place: Stored) -> None:
    """Entries or checkpoints, from some number on, are signed by a key that nobody pinned."""
    entries, checkpoints = place.keys(LAYOUT.entries), place.keys(LAYOUT.checkpoints)
    first = random.randrange(len(entries))
    last = random.randrange(first, len(entries)) + 1
    if random.random() < 0.5:
        for key in entries[first:last]:
            envelope = parse_envelope(place.data(key))
            place.replace(key, encode_envelope(sign_envelope(envelope.payload_type, envelope.payload, *_stranger())))
    else:
        for key in checkpoints[first:last]:
            note = parse_note(place.data(key))
            place.replace(key, sign_note(note.text, note.signatures[0].name, *_stranger()))


def _stranger() -> tuple[bytes, Callable[[bytes], bytes]]:
    return STRANGER.public_key, STRANGER.sign


def _receipt_of_another_run(random: Random, place: Stored) -> None:
    """An older receipt of the same unit."""
    one = random.choice(place.keys(LAYOUT.runs))
    name = one.rpartition("/")[2]
    same = [key for key in place.keys(LAYOUT.runs) if key.endswith(name)]
    place.replace(one, place.data(random.choice(same)))


def _old_artifact(random: Random, place: Stored) -> None:
    """Mix and match: the bytes of an artifact in the place of one of another run, unit or sort."""
    artifacts = [
        LAYOUT.blob(Digest.parse(blob["digest"]))
        for key in place.keys(LAYOUT.runs)
        for blob in json.loads(place.data(key))["blobs"]
    ]
    one, other = random.sample(artifacts, 2)
    place.replace(one, place.data(other))


def statements(place: Stored) -> list[Statement]:
    payloads = (parse_envelope(place.data(key)).payload for key in place.keys(LAYOUT.entries))
    return [Statement.model_validate_json(payload) for payload in payloads]


OUTSIDER: Mapping[str, Operation] = {
    "flip bit": _changed(_flip_bit),
    "truncate": _changed(_truncate),
    "extend": _changed(_extend),
    "insert byte": _changed(_insert),
    "overwrite": _changed(_overwrite),
    "delete": _delete,
    "swap": _swap,
    "copy over": _copy_over,
    "stray object": _stray,
    "rename": _rename,
    "second version": _second_version,
    "delete marker": _delete_marker,
    "drop newest": _drop_newest,
    "drop middle": _drop_middle,
    "old checkpoint": _old_checkpoint,
    "base64 malleability": _base64,
    "JSON malleability": _json,
    "duplicate key": _duplicate_key,
    "extra signature": _extra_signature,
    "signed by another key": _sign_again,
    "receipt of another run": _receipt_of_another_run,
    "old artifact in a new run": _old_artifact,
}


def _well_named(random: Random, place: Stored) -> None:
    data = random.randbytes(random.randrange(1, 400))
    place.put(LAYOUT.blob(Digest.of(data)), data)


ADDITIONS: Mapping[str, Operation] = {"blob that nothing names": _well_named}
"""What changes no evidence: the verifier notes it and finds no fault, for a writer that was killed leaves the same."""
