"""What somebody does to a package, in a copy of its folder; `rebagged` then writes the bag's own manifests anew."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence_schema.bagit import check_bag
from evidence_schema.dsse import Envelope, encode_envelope, parse_envelope, sign_envelope
from evidence_schema.note import parse_note, sign_note
from flows.report.package.reading import FolderFiles

STRANGER = Ed25519PrivateKey.from_private_bytes(b"\x09" * 32)
RAW = STRANGER.public_key().public_bytes_raw()
TAGS = ("README.txt", "verify.py", "bagit.txt", "bag-info.txt", "manifest-sha256.txt")
Break = Callable[[Path], None]


@dataclass(frozen=True)
class Broken:
    """A way to break a package; the properties that a verifier finds broken; whether the shell lines see it."""

    name: str
    how: Break
    properties: frozenset[str]
    shell: bool
    rebag: bool = True

    def __str__(self) -> str:
        return self.name


def rebagged(bag: Path) -> None:
    """As whoever can write to a bag does: manifests and sums that fit again."""
    payload = sorted(path for path in (bag / "data").rglob("*") if path.is_file())
    info = (bag / "bag-info.txt").read_text().splitlines()
    oxum = f"Payload-Oxum: {sum(path.stat().st_size for path in payload)}.{len(payload)}"
    (bag / "bag-info.txt").write_text("\n".join([*(line for line in info if "Oxum" not in line), oxum]) + "\n")
    for manifest, files in (
        ("manifest-sha256.txt", payload),
        ("tagmanifest-sha256.txt", [bag / name for name in sorted(TAGS) if (bag / name).exists()]),
    ):
        lines = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(bag)}\n" for path in files)
        (bag / manifest).write_text("".join(lines))
    assert check_bag(FolderFiles(bag)).is_valid


def one(bag: Path, pattern: str, place: int = 0) -> Path:
    """A file by a pattern below the bag's folder."""
    return sorted(bag.glob(pattern))[place]


def log_of(bag: Path) -> Path:
    return one(bag, "data/vault/v1/*")


def entries(bag: Path) -> list[Path]:
    return sorted(log_of(bag).glob("entry/*"))


def checkpoints(bag: Path) -> list[Path]:
    return sorted(log_of(bag).glob("checkpoint/*"))


def scope_blob(bag: Path) -> Path:
    digest = json.loads(parse_envelope(entries(bag)[-1].read_bytes()).payload)["predicate"]["digest"][7:]
    return log_of(bag) / "blob" / "sha256" / digest[:2] / digest


def artifact_blob(bag: Path) -> Path:
    """A transcript of the scope."""
    digest = hashlib.sha256(one(bag, "data/evidence/*/*.jsonl").read_bytes()).hexdigest()
    return log_of(bag) / "blob" / "sha256" / digest[:2] / digest


def part_blob(bag: Path) -> Path:
    """The manifest's part of one account: rows of receipts."""
    found = [path for path in log_of(bag).glob("blob/*/*/*") if b"evidence/receipt/v1" in path.read_bytes()]
    return found[0]


def flip(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:40] + bytes([data[40] ^ 1]) + data[41:])


def flipped(choose: Callable[[Path], Path]) -> Break:
    return lambda bag: flip(choose(bag))


def removed(choose: Callable[[Path], Path]) -> Break:
    return lambda bag: choose(bag).unlink()


def appended(choose: Callable[[Path], Path], text: str) -> Break:
    def change(bag: Path) -> None:
        with choose(bag).open("a") as file:
            file.write(text)

    return change


def added(name: str) -> Break:
    return lambda bag: (bag / name).write_text("not of this package\n") and None


def drop_newest(bag: Path) -> None:
    entries(bag)[-1].unlink()
    checkpoints(bag)[-1].unlink()


def drop_middle(bag: Path) -> None:
    entries(bag)[2].unlink()


def swap_entries(bag: Path) -> None:
    first, second = entries(bag)[1], entries(bag)[2]
    one_, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one_)


def old_checkpoint(bag: Path) -> None:
    checkpoints(bag)[-1].write_bytes(checkpoints(bag)[2].read_bytes())


def sign_entry_again(bag: Path) -> None:
    path = entries(bag)[1]
    envelope = parse_envelope(path.read_bytes())
    path.write_bytes(encode_envelope(sign_envelope(envelope.payload_type, envelope.payload, RAW, STRANGER.sign)))


def sign_checkpoint_again(bag: Path) -> None:
    path = checkpoints(bag)[-1]
    note = parse_note(path.read_bytes())
    path.write_bytes(sign_note(note.text, note.signatures[0].name, RAW, STRANGER.sign))


def sign_twice(bag: Path) -> None:
    path = entries(bag)[1]
    envelope = parse_envelope(path.read_bytes())
    path.write_bytes(
        encode_envelope(Envelope(envelope.payload, envelope.payload_type, (*envelope.signatures, *envelope.signatures)))
    )


def respelled(choose: Callable[[Path], Path]) -> Break:
    def change(bag: Path) -> None:
        path = choose(bag)
        path.write_bytes(json.dumps(json.loads(path.read_bytes())).encode())

    return change


def other_status(bag: Path) -> None:
    path = bag / "bag-info.txt"
    path.write_text(path.read_text().replace("Package-Status: complete", "Package-Status: partial"))


def consistent_view(bag: Path) -> None:
    """A view is changed, and the list of contents with it: only the scope in the log tells."""
    view, contents = one(bag, "data/evidence/*/*.view.txt"), bag / "data/contents.jsonl"
    before = hashlib.sha256(view.read_bytes()).hexdigest()
    data = view.read_bytes().replace(b"Result", b"result", 1)
    view.write_bytes(data)
    contents.write_text(contents.read_text().replace(before, hashlib.sha256(data).hexdigest()))


def kinds(*properties: str) -> frozenset[str]:
    return frozenset(properties)


def a_view(bag: Path) -> Path:
    return one(bag, "data/evidence/*/*.view.txt")


def an_entry(bag: Path) -> Path:
    return entries(bag)[1]


def other_version(bag: Path) -> None:
    (bag / "bagit.txt").write_text("BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n")


BROKEN = (
    Broken("an older form of a bag, rebagged", other_version, kinds("intact"), shell=False),
    Broken("a bit of a sealed artifact", flipped(artifact_blob), kinds("intact"), shell=True, rebag=False),
    Broken("a bit of an entry", flipped(an_entry), kinds("authentic", "intact", "ordered"), shell=True, rebag=False),
    Broken("a view is gone", removed(a_view), kinds("complete", "intact"), shell=True, rebag=False),
    Broken("a file is added", added("data/note.txt"), kinds("authentic", "intact"), shell=True, rebag=False),
    Broken(
        "another README",
        appended(lambda bag: bag / "README.txt", "trust me\n"),
        kinds("intact"),
        shell=True,
        rebag=False,
    ),
    Broken(
        "the bag's manifest is cut",
        lambda bag: (bag / "manifest-sha256.txt").write_text("") and None,
        kinds("authentic", "intact"),
        shell=True,
        rebag=False,
    ),
    Broken("an artifact, rebagged", flipped(artifact_blob), kinds("intact"), shell=True),
    Broken("an artifact is gone, rebagged", removed(artifact_blob), kinds("complete"), shell=False),
    Broken("a view, rebagged", appended(a_view, "x\n"), kinds("intact"), shell=True),
    Broken("a view is gone, rebagged", removed(a_view), kinds("complete"), shell=True),
    Broken("a file is added, rebagged", added("data/note.txt"), kinds("authentic"), shell=False),
    Broken("a file is added beside data", added("note.txt"), kinds("authentic"), shell=False),
    Broken("a view and the contents, rebagged", consistent_view, kinds("intact"), shell=True),
    Broken(
        "the contents are gone, rebagged",
        removed(lambda bag: bag / "data/contents.jsonl"),
        kinds("complete"),
        shell=True,
    ),
    Broken("verify.py, rebagged", appended(lambda bag: bag / "verify.py", "# sound\n"), kinds("intact"), shell=True),
    Broken(
        "masked findings, rebagged",
        appended(lambda bag: one(bag, "data/findings/*"), "{}\n"),
        kinds("intact"),
        shell=True,
    ),
    Broken("the scope, rebagged", flipped(scope_blob), kinds("intact", "complete"), shell=True),
    Broken("the scope is gone, rebagged", removed(scope_blob), kinds("intact", "complete"), shell=True),
    Broken("rows of the manifest are gone, rebagged", removed(part_blob), kinds("complete", "intact"), shell=False),
    Broken("the newest entry is gone, rebagged", drop_newest, kinds("authentic", "complete"), shell=True),
    Broken("a middle entry is gone, rebagged", drop_middle, kinds("ordered"), shell=True),
    Broken("two entries are swapped, rebagged", swap_entries, kinds("ordered", "intact"), shell=True),
    Broken(
        "an older checkpoint is gone, rebagged",
        removed(lambda bag: checkpoints(bag)[1]),
        kinds("complete"),
        shell=False,
    ),
    Broken("an old checkpoint as the newest, rebagged", old_checkpoint, kinds("intact"), shell=True),
    Broken("an entry by a stranger, rebagged", sign_entry_again, kinds("authentic", "ordered", "intact"), shell=True),
    Broken("a checkpoint by a stranger, rebagged", sign_checkpoint_again, kinds("authentic"), shell=True),
    Broken("an entry signed twice, rebagged", sign_twice, kinds("authentic", "ordered", "intact"), shell=True),
    Broken("an entry in another spelling, rebagged", respelled(an_entry), kinds("intact", "ordered"), shell=True),
    Broken(
        "the newest entry in another spelling, rebagged",
        respelled(lambda bag: entries(bag)[-1]),
        kinds("authentic", "complete", "intact"),
        shell=True,
    ),
    Broken("another status in bag-info, rebagged", other_status, kinds("intact"), shell=False),
)
