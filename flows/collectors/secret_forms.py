"""Secrets that show by their own form, wherever they stand, and by the command that they are given to.

Each pattern runs in linear time, since texts come from outside: repeats are bounded, or cannot begin anew inside
themselves.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flows.collectors.chance import is_chance

Span = tuple[int, int, str]
"""From, up to, and the rule that names it."""


@dataclass(frozen=True)
class Form:
    """A secret by its own form: what every such text has in it, and the pattern; the group `secret`, where there is
    one, is what is cut. `accept` looks at the secret where a pattern alone says too much.
    """

    rule: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    accept: Callable[[str], bool] = lambda _: True

    def spans(self, text: str) -> Iterator[Span]:
        group: int | str = "secret" if "secret" in self.pattern.groupindex else 0
        for found in self.pattern.finditer(text):
            if self.accept(found[group]):
                yield (*found.span(group), self.rule)


def _is_basic(text: str) -> bool:
    """Whether it is `user:password` in base64."""
    try:
        return ":" in base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except ValueError:
        return False


def has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def _is_secret_key(text: str) -> bool:
    """An AWS secret access key has 40 characters of base64 and no more sense than a hash has."""
    return text.count("/") <= 4 and is_chance(text)


_END = r"(?![A-Za-z0-9])"
FORMS: tuple[Form, ...] = (
    Form(
        "private-key",
        ("PRIVATE KEY",),
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:(?!-----END)[\s\S])*(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|-----END|\Z)"
        ),
    ),
    Form(
        "private-key", ("Private-Lines:",), re.compile(r"Private-Lines: \d{1,4}\r?\n(?P<secret>[A-Za-z0-9+/=\r\n]{4,})")
    ),
    # The first bytes of a key without its frame, in base64: PKCS #8 with RSA or Ed25519, PKCS #1, SEC 1.
    Form(
        "private-key",
        ("IBADANBgkqhkiG9w0BAQEFAASC", "IBAAKC", "MC4CAQAwBQYDK2VwBCIEI", "HcCAQEEI"),
        re.compile(
            r"(?:MII[A-Za-z0-9+/]{1,4}(?:IBADANBgkqhkiG9w0BAQEFAASC|IBAAKC)|MC4CAQAwBQYDK2VwBCIEI|MHcCAQEEI)"
            r"[A-Za-z0-9+/=\r\n]{16,}"
        ),
    ),
    Form("private-key", ("AGE-SECRET-KEY-1",), re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]{20,}")),
    Form(
        "jwt",
        ("eyJ",),
        re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.(?:eyJ)?[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,3}"),
    ),
    Form(
        "url-credentials",
        ("://",),
        re.compile(
            r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.:-]{1,40}://[^\s/:@?#\"'<>]{0,200}:(?!\d{1,5}[/?#])"
            r"(?P<secret>[^\s\"'<>?#]{1,300}|[^\s\"'<>@]{1,300})@"
        ),
    ),
    Form("url-credentials", ("://",), re.compile(r"://(?P<secret>[A-Za-z0-9_.~-]{20,300})@"), has_digit),
    Form("url-credentials", (":thin:",), re.compile(r":thin:[^\s/@\"']{1,100}/(?P<secret>[^\s@\"']{1,200})@")),
    Form(
        "signed-url",
        ("=",),
        re.compile(
            r"(?<=[?&;])(?:X-Amz-(?:Signature|Security-Token)|Signature|sig)=(?P<secret>[A-Za-z0-9%/+=_-]{16,})"
        ),
    ),
    Form(
        "authorization",
        ("uthorization", "UTHORIZATION"),
        re.compile(
            r"authorization\\?[\"']?\s{0,5}[:=]\s{0,5}\\?[\"']?"
            r"(?:(?:basic|bearer|token|digest|negotiate|apikey)\s{1,5})?"
            r"(?P<secret>[^\s\"'\\,;$\[{][^\s\"'\\,;]{5,})",
            re.IGNORECASE,
        ),
        lambda text: has_digit(text) and not text.startswith("arn:"),
    ),
    Form(
        "authorization",
        ("earer", "EARER"),
        re.compile(r"\bbearer\s{1,5}(?P<secret>[A-Za-z0-9._~+/=-]{16,})", re.IGNORECASE),
        has_digit,
    ),
    Form(
        "authorization",
        ("asic", "ASIC"),
        re.compile(r"\bbasic\s{1,5}(?P<secret>[A-Za-z0-9+/]{8,}={0,2})", re.IGNORECASE),
        _is_basic,
    ),
    Form("github-token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), re.compile(r"gh[opusr]_[A-Za-z0-9]{36,}")),
    Form("github-token", ("github_pat_",), re.compile(r"github_pat_[A-Za-z0-9_]{50,}")),
    Form(
        "gitlab-token",
        ("glpat-", "gldt-", "glrt-", "glcbt-", "glptt-"),
        re.compile(r"gl(?:pat|dt|rt|cbt|ptt)-[A-Za-z0-9_-]{20,}"),
    ),
    Form("slack-token", ("xox", "xapp-"), re.compile(r"(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,}")),
    Form(
        "slack-token",
        ("hooks.slack.com",),
        re.compile(r"hooks\.slack\.com/(?:services|workflows)/(?P<secret>T\w+/\w+/\w+)"),
    ),
    Form(
        "stripe-key", ("k_live_", "k_test_", "whsec_"), re.compile(r"(?:[prs]k_(?:live|test)|whsec)_[A-Za-z0-9]{16,}")
    ),
    Form("google-key", ("AIza",), re.compile(r"AIza[A-Za-z0-9_-]{35}")),
    Form("google-key", ("GOCSPX-", "ya29."), re.compile(r"(?:GOCSPX-[A-Za-z0-9_-]{20,}|ya29\.[A-Za-z0-9_-]{20,})")),
    Form("sendgrid-key", ("SG.",), re.compile(r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}")),
    Form(
        "twilio-key",
        ("AC", "SK"),
        re.compile(
            r"\b(?:AC|SK)[0-9a-f]{32}[^0-9a-f][\s\S]{0,60}?(?<![0-9a-zA-Z])(?P<secret>[0-9a-f]{32}|[A-Za-z0-9]{32})"
            + _END
        ),
    ),
    Form(
        "registry-token",
        ("npm_", "pypi-", "hf_", "dckr_pat_", "rubygems_"),
        re.compile(
            r"(?:npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,}|hf_[A-Za-z0-9]{30,}|dckr_pat_[A-Za-z0-9_-]{20,}"
            r"|rubygems_[0-9a-f]{48})"
        ),
    ),
    Form(
        "vendor-token",
        (
            "sk-",
            "hvs.",
            "dop_v1_",
            "shpat_",
            "shpss_",
            "dapi",
            "NRAK-",
            "glsa_",
            ".atlasv1.",
            "key-",
            "-us",
            ":AA",
            "ATATT3x",
            "Q~",
        ),
        re.compile(
            r"(?:(?<![A-Za-z0-9])sk-(?:ant-|proj-|svcacct-)?[A-Za-z0-9_-]{32,}|hvs\.[A-Za-z0-9_-]{24,}"
            r"|dop_v1_[0-9a-f]{64}"
            r"|shp(?:at|ss)_[0-9a-fA-F]{32}|(?<![A-Za-z0-9])dapi[0-9a-f]{32}|NRAK-[A-Z0-9]{27}"
            r"|glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}"
            r"|[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,}|(?<![A-Za-z0-9])key-[0-9a-z]{32}"
            + _END
            + r"|(?<![A-Za-z0-9])[0-9a-f]{32}-us\d{1,2}"
            + _END
            + r"|(?<!\d)\d{8,10}:AA[A-Za-z0-9_-]{33}|ATATT3x[A-Za-z0-9_=-]{50,}"
            r"|[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34})"
        ),
    ),
    Form(
        "password-hash",
        ("$",),
        re.compile(r"(?<![A-Za-z0-9$])\$(?:1|2[aby]|5|6|y|argon2id?)\$[A-Za-z0-9./$=,-]{20,200}"),
    ),
    Form(
        "aws-session-token",
        ("XIvYXdz", "IQoJb3JpZ2lu"),
        re.compile(r"(?:IQoJb3JpZ2lu|F[wQ]oGZXIvYXdz)[A-Za-z0-9/+=%_-]{40,}"),
    ),
    Form(
        "aws-secret-key",
        ("AKIA", "ASIA"),
        re.compile(
            r"A(?:KIA|SIA)[A-Z0-9]{16}(?![A-Z0-9])[\s\S]{0,120}?(?<![A-Za-z0-9/+])"
            r"(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
        ),
        is_chance,
    ),
)
"""Secrets by their own form, wherever they stand. A form is only tried where one of its hints stands, since most texts
have none.
"""
SECRET_KEY = 40
BARE_SECRET_KEY = Form(
    "aws-secret-key",
    (),
    re.compile(r"(?<![A-Za-z0-9/+=_.-])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=_.-])"),
    _is_secret_key,
)
"""An AWS secret access key without its id beside it."""

COMMANDS: tuple[Form, ...] = (
    Form(
        "command-line",
        ("curl", "wget"),
        re.compile(
            r"\b(?:curl|wget)\b[^\r\n]{0,300}?\s(?:-u|--user)[ =]{1,3}[\"']?[^\s:\"']{1,64}:(?P<secret>[^\s\"']{1,200})"
        ),
    ),
    Form(
        "command-line",
        ("mysql", "mariadb"),
        re.compile(
            r"\b(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\r\n]{0,300}?\s-p(?P<secret>[^\s\"'-][^\s\"']{2,200})"
        ),
    ),
    Form(
        "command-line",
        ("sshpass", "docker login", "htpasswd"),
        re.compile(r"\b(?:sshpass|docker login\b[^\r\n]{0,200}?)\s+-p\s{0,3}[\"']?(?P<secret>[^\s\"']{3,200})"),
    ),
    Form(
        "command-line",
        ("chpasswd",),
        re.compile(r"echo\s+[\"']?[\w.-]{1,64}:(?P<secret>[^\"'\s|]{3,200})[\"']?\s*\|[^\r\n]{0,40}chpasswd"),
    ),
    Form(
        "command-line",
        ("IDENTIFIED", "identified"),
        re.compile(r"\bIDENTIFIED\s+(?:WITH\s+\w+\s+)?BY\s+[\"'](?P<secret>[^\"'\r\n]{1,200})", re.IGNORECASE),
    ),
)
"""Secrets by the command or statement that they are given to."""
