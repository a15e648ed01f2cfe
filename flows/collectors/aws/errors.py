"""The table that says what an AWS error code means. The only place where codes are read; never message texts."""

from __future__ import annotations

from enum import StrEnum

from botocore import exceptions as botocore_errors


class Meaning(StrEnum):
    """What a call that did not succeed tells."""

    DENIED = "denied"
    FAILED = "failed"
    UNAVAILABLE = "unavailable"
    THROTTLED = "throttled"
    EXPIRED = "expired"
    """The credentials were good and are no longer."""
    INVALID = "invalid"
    """The credentials are not accepted: anywhere, or (disabled regions answer so too) in this region."""

    @property
    def result(self) -> str:
        """As a gather result: denied, failed or unavailable."""
        return self.value if self in (Meaning.DENIED, Meaning.UNAVAILABLE) else "failed"


_DENIED = (
    "AccessDenied", "AccessDeniedException", "AccessDeniedFault", "AuthorizationError", "AuthorizationErrorException",
    "Client.UnauthorizedOperation", "UnauthorizedOperation", "UnauthorizedException", "UnauthorizedAccess",
    "NotAuthorized", "NotAuthorizedException", "Forbidden", "ForbiddenException", "AllAccessDisabled",
    "OperationNotPermitted", "OperationNotPermittedException", "KMS.AccessDeniedException", "401", "403",
)  # fmt: skip
_UNAVAILABLE = (
    "SubscriptionRequiredException", "SubscriptionRequired", "OptInRequired", "NotSignedUp",
    "AWSOrganizationsNotInUseException", "RegionDisabledException", "ServiceNotOffered",
)  # fmt: skip
_THROTTLED = (
    "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException",
    "TooManyRequestsException", "RequestLimitExceeded", "BandwidthLimitExceeded", "LimitExceededException",
    "ProvisionedThroughputExceededException", "TransactionInProgressException", "SlowDown", "PriorRequestNotComplete",
    "EC2ThrottledException", "429",
)  # fmt: skip
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired", "ExpiredCredentials")
_INVALID = (
    "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "SignatureDoesNotMatch",
    "InvalidSignatureException", "AuthFailure", "InvalidToken", "IncompleteSignature", "MissingAuthenticationToken",
    "MissingAuthenticationTokenException", "InvalidSecurity",
)  # fmt: skip

TABLE = {
    **dict.fromkeys(_DENIED, Meaning.DENIED),
    **dict.fromkeys(_UNAVAILABLE, Meaning.UNAVAILABLE),
    **dict.fromkeys(_THROTTLED, Meaning.THROTTLED),
    **dict.fromkeys(_EXPIRED, Meaning.EXPIRED),
    **dict.fromkeys(_INVALID, Meaning.INVALID),
}

WITHOUT_CREDENTIALS = (
    botocore_errors.NoCredentialsError,
    botocore_errors.PartialCredentialsError,
    botocore_errors.CredentialRetrievalError,
    botocore_errors.TokenRetrievalError,
    botocore_errors.SSOError,
    botocore_errors.ProfileNotFound,
)
"""What botocore raises where it finds no usable credentials: nothing was asked."""


def meaning_of(code: str, status: int) -> Meaning:
    """By the table; where the code is unknown, HTTP 401 and 403 are denied, 429 is throttled, the rest failed."""
    if code in TABLE:
        return TABLE[code]
    if status in (401, 403):
        return Meaning.DENIED
    return Meaning.THROTTLED if status == 429 else Meaning.FAILED
