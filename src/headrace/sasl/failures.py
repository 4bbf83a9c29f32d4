"""Why an authentication failed: the defined conditions of RFC 6120 6.5."""

from typing import Final

CONDITIONS: Final = frozenset({
    "aborted", "account-disabled", "credentials-expired", "encryption-required", "incorrect-encoding",
    "invalid-authzid", "invalid-mechanism", "malformed-request", "mechanism-too-weak", "not-authorized",
    "temporary-auth-failure",
})


class SaslFailure(Exception):
    """The exchange is over; `condition` is one of CONDITIONS, `text` is for people and holds no secret, `extra` is an
    application-specific condition, as XML (XEP-0388)."""

    def __init__(self, condition: str, text: str = "", extra: bytes = b"") -> None:
        if condition not in CONDITIONS:
            raise ValueError(f"{condition} is not a condition of RFC 6120 6.5")
        super().__init__(condition, text)
        self.condition = condition
        self.text = text
        self.extra = extra
