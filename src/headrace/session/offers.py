"""What a stream is offered before anybody has logged in on it.

It depends on the host, on the listener's policy and on what TLS gives, never on who the header says that he is: an
account must not be told from none by what it is offered.
"""

import math
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256

from headrace.sasl.channel import Channel
from headrace.sasl.offer import Offer
from headrace.sasl.profile2 import UPGRADES
from headrace.session.config import C2SConfig
from headrace.session.exchanges import Realm
from headrace.session.identities import addresses
from headrace.session.services import Services
from headrace.stream import features
from headrace.xep import management


@dataclass(frozen=True, slots=True)
class Greeting:
    """The features of a stream before login."""

    offer: Offer
    features: bytes
    sasl2: bool
    registration: bool
    version: str | None     # of these features (XEP-0509)


class Offers:
    """The greetings of one listener, each written once."""

    def __init__(self, config: C2SConfig, services: Services) -> None:
        self._config = config
        self._services = services
        self._known: dict[tuple[object, ...], Greeting] = {}
        self.hosts = services.sessions.hosts | config.elsewhere.keys()
        limits = features.limits(config.after.stanza, math.ceil(config.session.idle_seconds) or None)
        self.unbound = features.features([features.bind(), *config.features, limits])
        self.bound = features.features([*config.features, limits])
        # Where it is switched on already (XEP-0386), a client would take it for an offer to do so once more.
        self.managed = features.features([f for f in config.features if f != management.FEATURE] + [limits])

    def greeting(self, host: str, channel: Channel | None) -> Greeting:
        realm = self._services.authority.realms[host]
        if channel is None:
            key: tuple[object, ...] = (host,)
        else:
            named = realm.certificates and bool(addresses(channel.certificate, host))
            key = (host, channel.version, channel.bindings(), named)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._make(realm, channel, named=channel is not None and named)
        return known

    def _make(self, realm: Realm, channel: Channel | None, *, named: bool) -> Greeting:
        config = self._config
        starttls = channel is None and config.tls != "direct"
        parts = [features.starttls(required=config.tls != "optional")] if starttls else []
        if channel is None and config.tls != "optional":
            return Greeting(Offer(), self._write(parts), sasl2=False, registration=False, version=None)
        offer = make_offer(realm, channel, named=named)
        parts.append(features.mechanisms(offer.mechanisms))
        if offer.bindings:
            parts.append(features.channel_bindings(offer.bindings))
        if channel is None:     # XEP-0388 is for after TLS only (its section 4)
            return Greeting(offer, self._write(parts), sasl2=False, registration=False, version=None)
        parts.append(self._authentication(realm, offer, channel))
        if realm.registration:
            parts.append(features.registration())
        version = b64encode(sha256(b"".join(parts)).digest()[:15]).decode()
        return Greeting(offer, self._write([*parts, features.config_version(version)]), sasl2=True,
                        registration=realm.registration, version=version)

    def _write(self, parts: list[bytes]) -> bytes:
        return features.features([*parts, features.limits(self._config.before.stanza)])

    def _authentication(self, realm: Realm, offer: Offer, channel: Channel) -> bytes:
        inline = [features.inline_bind(self._services.bind_features.inline)]
        inline.append(self._services.resumption.feature(realm, channel))
        inline += [feature.feature(realm, channel) for feature in self._services.login_features]
        upgrades = [task for task, digest in UPGRADES.items() if digest in realm.verifiers.digests]
        return features.authentication(offer.mechanisms, inline, () if realm.anonymous else upgrades)


def make_offer(realm: Realm, channel: Channel | None, *, named: bool) -> Offer:
    """named: the client's certificate has an address of this host."""
    version = channel.version if channel else None
    if realm.anonymous:
        return Offer(("ANONYMOUS",), (), version)
    scram = [f"SCRAM-SHA-{digest[3:]}" for digest in realm.verifiers.digests]
    bindings = channel.bindings() if channel and scram else ()
    plus = [f"{name}-PLUS" for name in scram] if bindings else []
    external = ["EXTERNAL"] if named else []
    return Offer((*external, *plus, *scram, "PLAIN"), bindings, version)
