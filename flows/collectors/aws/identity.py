"""Who calls, by STS: asked once for each account and run, and compared with the account that is expected."""

from __future__ import annotations

import threading
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from flows.collectors.aws.errors import WITHOUT_CREDENTIALS, Meaning, meaning_of
from flows.collectors.aws.session import Sessions
from flows.collectors.errors import CredentialsRefused


class Identity:
    """Principals by account and run; safe with threads."""

    def __init__(self, sessions: Sessions, home_region: str) -> None:
        self._sessions = sessions
        self._home_region = home_region
        self._known: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def principal(self, account: str, run_id: str) -> str:
        """The ARN that calls; raises CredentialsRefused with what to try."""
        with self._lock:
            found = self._known.get((account, run_id))
            if found is None:
                found = self._known[(account, run_id)] = self._asked(account, run_id)
            return found

    def is_accepted(self, account: str, run_id: str) -> bool:
        """Whether STS accepts the credentials now; asked only where a service did not."""
        try:
            self._ask(account, run_id)
        except ClientError as error:
            return meaning_of(_code(error), 0) not in (Meaning.EXPIRED, Meaning.INVALID)
        except (BotoCoreError, CredentialsRefused):
            return False
        return True

    def _asked(self, account: str, run_id: str) -> str:
        try:
            answer = self._ask(account, run_id)
        except ClientError as error:
            raise CredentialsRefused(what_to_try(account, f"credentials not accepted ({_code(error)})")) from error
        except WITHOUT_CREDENTIALS as error:
            raise CredentialsRefused(what_to_try(account, f"found no credentials ({type(error).__name__})")) from error
        except BotoCoreError as error:
            raise CredentialsRefused(what_to_try(account, f"STS gave no answer ({type(error).__name__})")) from error
        if answer["Account"] != account:
            raise CredentialsRefused(
                f"account {account}: expected credentials of this account, found those of {answer['Account']}; give "
                "the account a role to assume in the settings, or use its own profile"
            )
        return str(answer["Arn"])[:400]

    def _ask(self, account: str, run_id: str) -> dict[str, Any]:
        client: Any = self._sessions.client(account, self._home_region, "sts", run_id)
        try:
            answer: dict[str, Any] = client.get_caller_identity()
            return answer
        finally:
            client.close()


def what_to_try(account: str, why: str) -> str:
    """The message of CredentialsRefused."""
    return (
        f"account {account}: {why}; sign in again or renew the credentials, then start the same slot again: units with "
        "a receipt are not gathered twice"
    )


def _code(error: ClientError) -> str:
    found: Any = error.response.get("Error") or {}
    return str(found.get("Code") or "")
