"""Secrets to plant, all made up and all different, and where they may be looked for afterwards.

Each stands in a text as people and programs write it, and shows by one rule: with that rule (and chance, which is a
net below the others) switched off it must be found.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import random
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

_DRAWN = random.Random(20261122)
_BASE62 = string.ascii_letters + string.digits


def drawn(length: int, alphabet: str = _BASE62) -> str:
    """Characters by chance; a letter of each kind and a digit first, so that no draw looks like a word."""
    start = "".join(one for one in "aZ7" if one in alphabet)
    return (start + "".join(_DRAWN.choice(alphabet) for _ in range(length)))[:length]


@dataclass(frozen=True)
class Plant:
    """A secret, the sort it is of, the rule that names it, and the text in which it stands."""

    sort: str
    rule: str
    secret: str
    text: str


def _plant(sort: str, rule: str, secret: str, text: str) -> Plant:
    if secret not in text:
        raise AssertionError(f"expected the secret of {sort} in its text")
    return Plant(sort, rule, secret, text)


def _password() -> str:
    return f"Tr0ub4dor&{drawn(6)}"


def _begin(kind: str) -> tuple[str, str]:
    """Frames of private keys, in parts, so that scanners of source code do not take them for real."""
    return f"-----BEGIN {kind}PRIVATE " + "KEY-----", f"-----END {kind}PRIVATE " + "KEY-----"


def _pem(kind: str, secret: str) -> str:
    begin, end = _begin(kind)
    return f"{begin}\n{secret}\n{end}"


def _base64(length: int) -> str:
    return drawn(length, _BASE62 + "+/")


def _jwt(header: str) -> tuple[str, str]:
    secret = drawn(43, _BASE62 + "-_")
    claims = (
        base64.urlsafe_b64encode(json.dumps({"sub": "system:serviceaccount:prod:web"}).encode()).decode().rstrip("=")
    )
    return secret, f"{base64.urlsafe_b64encode(header.encode()).decode().rstrip('=')}.{claims}.{secret}"


def plants() -> tuple[Plant, ...]:
    """One more of each, all new: call it as often as more are wanted."""
    found: list[Plant] = []

    def add(sort: str, rule: str, secret: str, text: str) -> None:
        found.append(_plant(sort, rule, secret, text))

    key = _base64(40)
    add("aws secret key", "aws-secret-key", key, f"AKIAIOSFODNN7EXAMPLE / {key} for backups")
    key = _base64(40)
    add("aws secret key", "aws-secret-key", key, f"the backup user signs with {key}")
    token = drawn(120, _BASE62 + "+/")
    add("aws session token", "aws-session-token", token, f"session IQoJb3JpZ2lu{token}")
    for kind in ("RSA ", "OPENSSH ", "EC ", "ENCRYPTED ", ""):
        body = _base64(64)
        add("private key", "private-key", body, f"#!/bin/sh\ncat <<X > key.pem\n{_pem(kind, body)}\nX")
    body = _base64(64)
    add(
        "pgp key",
        "private-key",
        body,
        "-----BEGIN PGP PRIVATE " + f"KEY BLOCK-----\n\n{body}\n-----END PGP PRIVATE " + "KEY BLOCK-----",
    )
    body = _base64(64)
    add("private key without frame", "private-key", body, f"key MIIEvgIBADANBgkqhkiG9w0BAQEFAASC{body}")
    secret, token = _jwt('{"alg":"HS256"}')
    add("jwt", "jwt", secret, f"the caller sent {token}")
    secret, token = _jwt('{"alg":"RS256","kid":"k8s"}')
    add("kubernetes token", "jwt", secret, f"kubectl config: user {token}")
    for scheme in ("postgres", "mysql", "mongodb+srv", "amqps", "jdbc:postgresql", "https"):
        secret = _password()
        add("connection string", "url-credentials", secret, f"{scheme}://app:{secret}@db.example.org:5432/main")
    secret = _password()
    add("connection string", "url-credentials", secret, f"redis://:{secret}@cache.example.org:6379/0")
    secret = _password()
    add("connection string", "url-credentials", secret, f"jdbc:oracle:thin:scott/{secret}@//db:1521/x")
    secret = _password()
    add("connection string", "assignment", secret, f"jdbc:sqlserver://db;user=sa;password={secret};encrypt=yes")
    secret = base64.b64encode(_DRAWN.randbytes(64)).decode()
    add("azure storage key", "assignment", secret, f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={secret}")
    for form in (
        "export DB_PASSWORD={}", "[client]\npassword = {}", "db:\n  user: app\n  password: {}\n",
        "<password>{}</password>",
        '<add key="DbPassword" value="{}"/>', "backup --token {} --all", "machine h login u password {}",
        "//registry.example.org/:_authToken={}", "[pypi]\nusername = __token__\npassword = {}", "X-Api-Key: {}",
        "login failed, password: {} for app", "CREATE USER app WITH PASSWORD '{}'", "client_secret: |\n  {}\n",
    ):  # fmt: skip
        secret = _password()
        add("assignment", "assignment", secret, form.replace("{}", secret))
    secret = base64.b64encode(f"app:{_password()}".encode()).decode()
    add("authorization header", "authorization", secret, f"Authorization: Basic {secret}")
    secret = drawn(32)
    add("authorization header", "authorization", secret, f"curl -H 'Authorization: Bearer {secret}'")
    secret = drawn(64, "0123456789abcdef")
    add("signed url", "signed-url", secret, f"https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature={secret}")
    secret = drawn(36)
    add("github token", "github-token", secret, f"git clone with ghp_{secret}")
    secret = drawn(59)
    add("github token", "github-token", secret, f"see github_pat_{secret}")
    secret = drawn(20)
    add("gitlab token", "gitlab-token", secret, f"runner glpat-{secret}")
    secret = drawn(24)
    add("slack token", "slack-token", secret, f"bot xoxb-123456789012-1234567890123-{secret}")
    secret = drawn(24)
    add("slack webhook", "slack-token", secret, f"https://hooks.slack.com/services/T0AB1CD2E/B0FG3HI4J/{secret}")
    secret = drawn(24)
    add("stripe key", "stripe-key", secret, f"charge with sk_live_{secret}")
    secret = drawn(35)
    add("google key", "google-key", secret, f"maps AIza{secret}")
    secret = drawn(43)
    add("sendgrid key", "sendgrid-key", secret, f"mail by SG.{drawn(22)}.{secret}")
    secret = drawn(32, "0123456789abcdef")
    add("twilio token", "twilio-key", secret, f"twilio AC{drawn(32, '0123456789abcdef')} {secret}")
    secret = drawn(36)
    add("npm token", "registry-token", secret, f"npm_{secret} publishes")
    secret = drawn(80, _BASE62 + "_-")
    add("pypi token", "registry-token", secret, f"upload by pypi-{secret}")
    secret = drawn(48)
    add("vendor token", "vendor-token", secret, f"ask with sk-proj-{secret}")
    secret = drawn(40)
    add("vendor token", "vendor-token", secret, f"vault hvs.{secret}")
    secret = drawn(86, _BASE62 + "./")
    add("password hash", "password-hash", secret, "users: [app:$6$rounds5000$" + secret + "]")
    secret = _password()
    add("command line", "command-line", secret, f"curl -s -u app:{secret} https://example.org/")
    secret = _password()
    add("command line", "command-line", secret, f"mysqldump -h db -p{secret} main > dump.sql")
    secret = _password()
    add("command line", "command-line", secret, f"echo 'app:{secret}' | chpasswd")
    secret = drawn(32)
    add("high entropy", "entropy", secret, f"the shared value is {secret} as agreed")
    secret = _password()
    add("json in text", "named", secret, json.dumps({"host": "db", "password": secret}))
    secret = _password()
    add("json in json", "named", secret, json.dumps({"a": json.dumps({"client_secret": secret}), "n": [1, "x"]}))
    return tuple(found)


def in_base64(text: str) -> str:
    """As start-up scripts come."""
    return base64.b64encode(text.encode()).decode()


def in_gzip(text: str) -> str:
    """As long start-up scripts come."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def forms_of(secret: str) -> Iterator[tuple[str, bytes]]:
    """How a secret could stand in bytes: name of the form, and the bytes."""
    raw = secret.encode()
    yield "as it is", raw
    yield "reversed", raw[::-1]
    yield "hex", raw.hex().encode()
    yield "URL-encoded", quote(secret, safe="").encode()
    yield "JSON", json.dumps(secret)[1:-1].encode()
    yield "UTF-16", secret.encode("utf-16-le")
    for name, digest in (("SHA-256", hashlib.sha256(raw)), ("MD5", hashlib.md5(raw)), ("SHA-1", hashlib.sha1(raw))):
        yield name, digest.hexdigest().encode()
        yield f"{name} in base64", base64.b64encode(digest.digest()).rstrip(b"=")
    for shift in range(3):  # where it begins in a longer text decides how base64 spells it
        encoded = base64.b64encode(b"\0" * shift + raw).rstrip(b"=")
        yield f"base64, shifted by {shift}", encoded[(shift * 8 + 5) // 6 : len(encoded) - 1]


def found_in(secrets: Iterable[str], contents: Iterable[tuple[str, bytes]]) -> list[str]:
    """Where secrets stand in contents, in any form, compressed contents opened: `form of secret in name`."""
    wanted = [(form, secret, data) for secret in secrets for form, data in forms_of(secret)]
    hits = []
    for name, content in contents:
        for place, data in ((name, content), *_opened(name, content)):
            hits += [f"{form} of {secret!r} in {place}" for form, secret, found in wanted if found in data]
    return hits


def _opened(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    if content[:2] == b"\x1f\x8b":
        yield f"{name} (unzipped)", gzip.decompress(content)
    if content[:4] == b"PK\x03\x04":
        import io
        import zipfile

        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for item in archive.namelist():
                yield f"{name}/{item}", archive.read(item)
