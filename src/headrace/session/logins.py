"""The connections that are not bound yet, of all listeners."""

from headrace.session.handshake import Handshake


class Logins:
    """What ends the trust in an account reaches its logins under way here; bound sessions are the router's."""

    def __init__(self) -> None:
        self.under_way: set[Handshake] = set()  # each leaves by itself

    def revoke(self, account: str, condition: str, text: str = "") -> None:
        """Who has proven to be that account (bare JID) is told by this stream error, who is about to will fail."""
        for handshake in list(self.under_way):
            handshake.revoke(account, condition, text)

    def end(self, condition: str) -> None:
        """All of them."""
        for handshake in list(self.under_way):
            handshake.end(condition)
