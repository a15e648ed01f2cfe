"""What a secret looks like: by the value, by the name it stands under, or by both.

Access key ids (AKIA..., ASIA...) are identifiers that audits need, not secrets: they are kept.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache

_WORDS = (
    r"(?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|account[_-]?key"
    r"|private[_-]?key|shared[_-]?key|client[_-]?secret|credentials?)"
)
_NOT_A_VALUE = r"(?![$*{%<\[]|arn:|true\b|false\b|null\b|none\b)"

VALUE_RULES: tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...] = (
    ("private-key", ("PRIVATE KEY",), re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")),
    ("jwt", ("eyJ",), re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*")),
    ("url-credentials", ("://",), re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@?#]{0,200}:[^\s/@?#]{1,200}@")),
    (
        "signed-url",
        ("=",),
        re.compile(r"[?&](?:X-Amz-(?:Signature|Security-Token)|Signature|sig)=[A-Za-z0-9%/+=_-]{16,}"),
    ),
    ("github-token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), re.compile(r"\bgh[opusr]_[A-Za-z0-9]{36,}")),
    ("github-token", ("github_pat_",), re.compile(r"\bgithub_pat_[A-Za-z0-9_]{50,}")),
    ("gitlab-token", ("glpat-",), re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}")),
    ("slack-token", ("xox",), re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}")),
    ("slack-token", ("hooks.slack.com",), re.compile(r"hooks\.slack\.com/services/T\w+/B\w+/\w+")),
    ("stripe-key", ("k_live_", "k_test_"), re.compile(r"\b[prs]k_(?:live|test)_[A-Za-z0-9]{16,}")),
    ("google-key", ("AIza",), re.compile(r"\bAIza[A-Za-z0-9_-]{35}")),
    ("sendgrid-key", ("SG.",), re.compile(r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}")),
    (
        "registry-token",
        ("npm_", "pypi-", "hf_"),
        re.compile(r"\b(?:npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,}|hf_[A-Za-z0-9]{30,})"),
    ),
    (
        "aws-secret-key",
        ("AKIA", "ASIA"),
        re.compile(r"\bA(?:KIA|SIA)[A-Z0-9]{16}\b[^\n]{0,60}?(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])"),
    ),
)
"""Secrets by their own form, wherever they stand: rule, what every such text has in it, pattern. A pattern is only
tried where its hint stands, since most texts have none; each runs in linear time, since texts come from outside."""

TEXT_RULES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "assignment",
        re.compile(_WORDS + r"[\"']?\s{0,3}=\s{0,3}[\"']?" + _NOT_A_VALUE + r"[^\s\"'&;,<>]{4,}", re.IGNORECASE),
    ),
    (
        "assignment",
        re.compile(
            r"[\"'][\w.-]{0,40}?" + _WORDS + r"\\?[\"']\s{0,3}:\s{0,3}\\?[\"']" + _NOT_A_VALUE + r"[^\"']{4,}",
            re.IGNORECASE,
        ),
    ),
)
"""Secrets inside longer text, by the word before them."""

_ENDINGS = (
    "password", "passwd", "pwd", "passphrase", "passcode", "secret", "token", "apikey", "secretkey", "accesskey",
    "secretaccesskey", "privatekey", "accountkey", "sharedkey", "signingkey", "connectionstring", "connectionuri",
    "credential", "credentials", "authorization", "mfaseed", "webhookurl",
)  # fmt: skip
_HARMLESS = frozenset({
    "clienttoken", "clientrequesttoken", "creationtoken", "idempotencytoken", "nexttoken", "paginationtoken",
    "continuationtoken", "nextcontinuationtoken", "startingtoken",
})  # fmt: skip
"""Tokens that tell requests apart or turn pages; they open nothing."""

_HINTS = (
    "secret", "token", "passw", "pwd", "credential", "apikey", "auth", "signature", "private", "cookie", "webhook",
)  # fmt: skip
_LABELS = (
    "id", "ids", "arn", "arns", "name", "type", "time", "date", "status", "region", "hash", "digest", "sha256",
    "fingerprint", "thumbprint", "checksum", "version", "mode", "uri", "endpoint", "policy", "scope", "issuer",
)  # fmt: skip
_PLACEHOLDER = re.compile(
    r"\s*|\*+|(?:\*{3,}.{0,40})|HIDDEN_DUE_TO_SECURITY_REASONS|arn:\S+|\[redacted:.*|\$\{.*|\{\{.*|"
    r"true|false|yes|no|enabled|disabled|required|optional|none|null|n/a|default|success|failure|"
    r"seconds|minutes|hours|days",  # the unit in which a token's lifetime is counted
    re.IGNORECASE | re.DOTALL,
)
_CONDITION_KEY = re.compile(r"[a-z0-9.-]+:[A-Z]\w*(?:/.*)?")
"""A condition key of an IAM policy, `aws:RequestTag/token`: its values are rules, not secrets."""
_OPAQUE = re.compile(r"[A-Za-z0-9+/=_.~-]{20,}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_FORTY = re.compile(r"[A-Za-z0-9/+]{40}")
_ACCESS_KEY_ID = re.compile(r"A(?:KIA|SIA)[A-Z0-9]{16}")


def rule_of_value(text: str) -> str | None:
    """The rule of a secret that shows by its own form, or inside the text; None where none shows."""
    if len(text) < 8:
        return None
    rule = rule_of_token(text)
    if rule is None and ("=" in text or '"' in text or "'" in text):
        rule = next((rule for rule, pattern in TEXT_RULES if pattern.search(text)), None)
    return "aws-secret-key" if rule is None and _looks_like_secret_key(text) else rule


def rule_of_token(text: str) -> str | None:
    """Like `rule_of_value`, without the rules that read words: for files, where a person's own words stand."""
    for rule, hints, pattern in VALUE_RULES:
        for hint in hints:
            if hint in text and pattern.search(text):
                return rule
    return None


def rule_of_named(name: str, text: str) -> str | None:
    """The rule of a value that is secret because of the name it stands under."""
    if _PLACEHOLDER.fullmatch(text) or _ACCESS_KEY_ID.fullmatch(text):
        return None
    if names_a_secret(name):
        return "named"
    if _hints_at_a_secret(name) and _is_random(text):
        return "entropy"
    return None


@lru_cache(maxsize=4096)
def names_a_secret(name: str) -> bool:
    """Whether a member of this name holds a secret: `DbPassword`, `api_key`, `client-secret`."""
    compact = _compact(name)
    return compact not in _HARMLESS and compact.endswith(_ENDINGS) and not _CONDITION_KEY.fullmatch(name)


@lru_cache(maxsize=4096)
def _hints_at_a_secret(name: str) -> bool:
    compact = _compact(name)
    if compact in _HARMLESS or compact.endswith(_LABELS) or _CONDITION_KEY.fullmatch(name):
        return False
    return any(hint in compact for hint in _HINTS)


def _compact(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _looks_like_secret_key(text: str) -> bool:
    """An AWS secret access key has 40 characters of base64 and no more sense than a hash has."""
    return len(text) == 40 and _FORTY.fullmatch(text) is not None and text.count("/") <= 4 and _is_random(text)


def _is_random(text: str) -> bool:
    if not _OPAQUE.fullmatch(text) or _UUID.fullmatch(text) or text.startswith("arn:"):
        return False
    classes = (any(map(str.isdigit, text)), any(map(str.islower, text)), any(map(str.isupper, text)))
    return all(classes) and _entropy(text) >= 0.85 * math.log2(min(len(text), 64))


def _entropy(text: str) -> float:
    """Bits a character, by the text's own frequencies."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())
