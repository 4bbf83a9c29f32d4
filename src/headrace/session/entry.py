"""From a proven login to its <success/> (XEP-0388 2.6): inline features, and a resource if one was asked for."""

from xml.etree.ElementTree import Element

from headrace.core import ns
from headrace.core.jid import JID
from headrace.router.session import Session, SessionFlag
from headrace.sasl import profile2
from headrace.sasl.failures import SaslFailure
from headrace.sasl.profile2 import Authenticate
from headrace.session.binding import TooManySessions
from headrace.session.inline import Login
from headrace.session.offers import Offers
from headrace.session.ports import Wire
from headrace.session.resumption import Found, attach
from headrace.session.services import Services
from headrace.storage.ports import StorageError

_CONSTRAINT = f"<resource-constraint xmlns='{ns.STANZA_ERRORS}'/>".encode()     # what RFC 6120 7.6.2.1 says of it


class Entry:
    def __init__(self, services: Services, offers: Offers, wire: Wire, account: JID, request: Authenticate) -> None:
        self._services = services
        self._offers = offers
        self._wire = wire
        self._account = account
        self._request = request

    async def grant(self, login: Login) -> bytes:
        """What <success/> says of the features that come before a resource. SaslFailure: temporary-auth-failure."""
        try:
            return b"".join([await feature.run(login) for feature in self._services.login_features])
        except StorageError:
            raise SaslFailure("temporary-auth-failure", "the account cannot be read now") from None

    async def run(self, last_words: bytes | None, granted: bytes, lang: str | None) -> bool:
        """Writes <success/> and the features that follow it; is a resource bound?
        SaslFailure: temporary-auth-failure. Raises StreamError for a count that can't be."""
        account, request = self._account, self._request
        bind, resume = request.child(ns.BIND2, "bind"), request.child(ns.SM, "resume")
        try:
            if resume is not None:
                found = await self._services.resumption.find(account, resume)
                if isinstance(found, Found):
                    self._resume(found, last_words, granted, lang)
                    return True
                granted += found
            if bind is not None:
                first = await self._load(account)
        except StorageError:
            raise SaslFailure("temporary-auth-failure", "the account cannot be read now") from None
        if bind is not None:
            self._bind(bind, first, last_words, granted, lang)
            return True
        self._wire.authenticated()
        self._wire.send(profile2.success(account.bare, last_words, granted) + self._offers.unbound)
        return False

    async def _load(self, account: JID) -> bytes:
        """The account's tables are in then; what <bound/> begins with. Nothing is awaited between them and the binding:
        they would go with the account's last session, if that left just then."""
        first = await self._services.bind_features.before(account.bare)
        await self._services.binder.load(account)
        return first

    def _resume(self, found: Found, last_words: bytes | None, granted: bytes, lang: str | None) -> None:
        """No bind then, and no features (XEP-0198 10.2)."""
        jid = found.session.jid
        self._wire.authenticated()
        attach(self._wire, lang, found, lambda resumed: profile2.success(jid, last_words, resumed + granted))

    def _bind(self, request: Element, first: bytes, last_words: bytes | None, granted: bytes,
              lang: str | None) -> None:
        jid = self._resource(request)
        self._wire.authenticated()

        def greet(session: Session) -> bytes:
            """Before the session gets anything."""
            asked = {child.tag: child for child in reversed(request)}   # each once
            inside = first + b"".join(self._services.bind_features.bound(session, asked[tag])
                                      for tag in reversed(asked))
            bound = f"<bound xmlns='{ns.BIND2}'>".encode() + inside + b"</bound>"
            offered = self._offers.managed if session.flags & SessionFlag.S_MANAGED else self._offers.bound
            return profile2.success(jid.full, last_words, bound + granted) + offered

        try:
            self._wire.bind(jid.full, lang, greet)
        except BaseException:
            self._services.binder.release(self._account)
            raise

    def _resource(self, request: Element) -> JID:
        """SaslFailure: temporary-auth-failure."""
        binder, account, client = self._services.binder, self._account, self._request.client
        tag = request.findtext(f"{{{ns.BIND2}}}tag", "")
        jid = binder.resource(account, tag, client)
        if client:
            binder.end_earlier(account, jid)
        try:
            binder.replace(jid)
        except TooManySessions as error:
            binder.release(account)
            raise SaslFailure("temporary-auth-failure", str(error), _CONSTRAINT) from None
        return jid
