"""The configuration: TOML, read strictly into frozen structs. All complaints come at once."""

import dataclasses
import difflib
import ipaddress
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Literal, TypeVar, get_type_hints
from urllib.parse import urlsplit

import msgspec

from headrace.core import ns
from headrace.core.errors import JIDError
from headrace.core.jid import JID
from headrace.core.limits import BEFORE_AUTH, CLIENT, LEAST_STANZA, Limits
from headrace.modules.grants import Access, Grant
from headrace.modules.nesting import Delegation
from headrace.net.limits import ConnectionLimits
from headrace.net.resolve import a_labels
from headrace.sasl.credentials import ITERATIONS, MIN_ITERATIONS
from headrace.server.catalog import MODULES
from headrace.session.backoff import BackoffPolicy
from headrace.session.binding import AccountLimits
from headrace.session.bytestreams import StreamLimits
from headrace.session.domains import EVERYBODY
from headrace.storage.ports import Durability
from headrace.stream.limits import NegotiationLimits, SessionLimits
from headrace.xep.mam import Default
from headrace.xep.serverinfo import PURPOSES

T = TypeVar("T")


class ConfigError(Exception):
    """Everything that is wrong with a configuration, one complaint a line, each with its place."""


class ListenerConfig(msgspec.Struct, frozen=True):
    kind: Literal["c2s", "s2s", "component"]
    address: str                    # IP address to listen on
    port: int
    # direct: TLS from the first byte; any: that or STARTTLS, as each client begins; optional: login without TLS too
    tls: Literal["starttls", "direct", "any", "optional"] = "starttls"
    insecure: bool = False          # "optional" on an address that others than this machine reach

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.kind} {host}:{self.port} ({self.tls})"


class HostConfig(msgspec.Struct, frozen=True):
    name: str                       # prepared domain
    certificate: Path | None = None     # PEM, the whole chain; without one a self-signed one is made
    key: Path | None = None
    see_other_host: str | None = None   # "address:port": its clients are sent there; it is served here no more
    client_certificates: Path | None = None     # PEM, authorities: who has a certificate of theirs can log in by it
    anonymous: bool = False         # its users have no accounts: each login gets a new address (XEP-0175)
    registration: bool = False      # strangers can make accounts, inside TLS (XEP-0077)
    admins: tuple[str, ...] = ()    # prepared bare JIDs of those who may administer it (XEP-0133)
    archive: Default = "always"     # whose messages users' archives take, unless they say otherwise (XEP-0441)
    archive_days: float = 7.0       # how long they keep a message; 0: for ever
    archive_messages: int = 0       # how many each of them keeps; 0: any number
    contact: dict[str, tuple[str, ...]] = {}    # URIs by purpose, shown to everybody (XEP-0157)


class StorageConfig(msgspec.Struct, frozen=True):
    backend: Literal["sqlite", "postgres"] = "sqlite"
    patience: float = 5.0           # s that a request may take, waiting included; then it is answered with an error
    dsn: str | None = None          # postgresql://user@host/database; what it leaves out is as for psql
    dsn_file: Path | None = None    # or a file with it; with neither, the environment's HEADRACE_DSN
    pool: int = 4                   # connections to PostgreSQL; one more is for messages


class LogConfig(msgspec.Struct, frozen=True):
    format: Literal["human", "json"] = "human"
    level: Literal["debug", "info", "warning", "error"] = "info"


class RouteConfig(msgspec.Struct, frozen=True):
    """Where a domain's server is, instead of asking DNS; several in the order in which to try them."""

    domain: str
    address: str                    # IP address or name
    port: int = 5269
    tls: Literal["starttls", "direct"] = "starttls"
    posh: str | None = None         # "IP address:port" of its web server, for its POSH document


class S2SSection(msgspec.Struct, frozen=True):
    """Other servers. There is federation where a listener of kind s2s is."""

    authorities: Path | None = None     # PEM, who vouches for other servers' certificates; the system's if not given
    dialback: tuple[str, ...] = ()      # domains that may prove themselves by DNS alone; "*": all
    allow: tuple[str, ...] = ()         # if not empty: these domains only
    deny: tuple[str, ...] = ()
    bytes_per_second: float = 16 << 20  # from one domain, over all its streams: what is more waits; 0: no bound
    stanzas_per_second: float = 20_000.0
    give_up_seconds: float = 3600.0     # after which a message that a server could not be given comes back
    resolver: tuple[str, ...] = ()      # IP addresses of DNS servers, perhaps with ":port"; the system's if not given
    dane: bool = False      # believe TLSA records; the resolver validates (DNSSEC), and is on this machine
    posh: bool = False      # ask a domain's web server about certificates that authorities do not know
    route: tuple[RouteConfig, ...] = ()


class ComponentConfig(msgspec.Struct, frozen=True):
    """A program beside the server that has a domain of its own (XEP-0114)."""

    domain: str
    secret: str
    certificate: Path | None = None     # for other servers; the host's if not given
    key: Path | None = None
    hosts: tuple[str, ...] = ()         # for whose users it may do what follows (XEP-0356, 0355); all if none are given
    roster: Access = "none"
    roster_push: bool = True            # it is told of changes, where it may read rosters
    message: Literal["none", "outgoing"] = "none"
    presence: Literal["none", "managed_entity", "roster"] = "none"     # "roster": that of users' contacts, too
    iq: dict[str, Access] = {}          # by namespace
    delegate: dict[str, tuple[str, ...]] = {}   # namespaces it answers (XEP-0355) if payloads have these attributes

    def delegations(self, hosts: Collection[str]) -> list[Delegation]:
        """hosts: all of ours."""
        return [Delegation(self.domain, namespace, frozenset(self.hosts or hosts), attributes)
                for namespace, attributes in self.delegate.items()]

    def grant(self, hosts: Collection[str]) -> Grant | None:
        """hosts: all of ours. None: it may do nothing."""
        if (self.roster, self.message, self.presence, self.iq) == ("none", "none", "none", {}):
            return None
        return Grant(frozenset(self.hosts or hosts), self.roster, self.roster_push and self.roster in ("get", "both"),
                     self.message != "none", self.presence != "none", self.presence == "roster", self.iq)


_STREAMS = StreamLimits()


class ProxyConfig(msgspec.Struct, frozen=True):
    """A domain of ours through which clients send each other files (XEP-0065). Limits: session.bytestreams says why."""

    domain: str
    address: str                    # IP address to listen on
    port: int = 1080
    host: str = ""                  # where clients find it, a name or an IP address; the address if not given
    allow: tuple[str, ...] = ()     # domains and accounts that may use it; all of our hosts if not given
    streams: int = _STREAMS.streams
    size: int = _STREAMS.size
    rate: int = _STREAMS.rate
    wait_seconds: float = _STREAMS.wait_seconds
    idle_seconds: float = _STREAMS.idle_seconds

    @property
    def limits(self) -> StreamLimits:
        return StreamLimits(self.streams, self.size, self.rate, self.wait_seconds, self.idle_seconds)


class LimitsConfig(msgspec.Struct, frozen=True):
    """Reasons and defaults stand with the classes."""

    connections: ConnectionLimits = ConnectionLimits()
    negotiation: NegotiationLimits = NegotiationLimits()
    session: SessionLimits = SessionLimits()
    backoff: BackoffPolicy = BackoffPolicy()
    account: AccountLimits = AccountLimits()
    before: Limits = BEFORE_AUTH    # what a stranger may send
    after: Limits = CLIENT          # what a client may send after login


class Config(msgspec.Struct, frozen=True):
    """Everything an operator can say. Paths are absolute."""

    data: Path
    listeners: tuple[ListenerConfig, ...]
    hosts: tuple[HostConfig, ...]
    source: Path | None = None      # the file it was read from
    durability: Durability = "power"
    storage: StorageConfig = StorageConfig()
    iterations: int = ITERATIONS    # of new passwords' key derivation
    log: LogConfig = LogConfig()
    limits: LimitsConfig = LimitsConfig()
    s2s: S2SSection = S2SSection()
    components: tuple[ComponentConfig, ...] = ()
    proxies: tuple[ProxyConfig, ...] = ()
    modules: dict[str, Any] = {}    # options by module name, where they are not the defaults

    @property
    def database(self) -> Path:
        return self.data / "headrace.db"


def default(folder: Path) -> Config:
    """What serves without a file: this machine only, encryption required."""
    return Config(
        data=folder / "var",
        listeners=(ListenerConfig("c2s", "127.0.0.1", 5222), ListenerConfig("c2s", "127.0.0.1", 5223, "direct")),
        hosts=(HostConfig("localhost"),),
    )


def load(path: Path) -> Config:
    """Raises ConfigError."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    reader = _Reader(path.absolute())
    config = reader.config(document)
    if reader.complaints:
        raise ConfigError("\n".join(f"{path}: {complaint}" for complaint in reader.complaints))
    return config


_OTHER_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+)(:[0-9]{1,5})?")     # RFC 6120 4.9.3.19
_TOP = ("data", "durability", "storage", "iterations", "listener", "host", "component", "proxy", "log", "limits",
        "s2s", "module")
LEAST_RATE = 16_384              # bytes a second: slower, one read would look like silence
_LIMITS = {field.name: field.default for field in msgspec.structs.fields(LimitsConfig)}
_OPTIONS = {module.name: module.Options() for module in MODULES}


class _Reader:
    """Reads section by section, since a decoder stops at its first error, and collects what is wrong."""

    def __init__(self, source: Path) -> None:
        self.complaints: list[str] = []
        self._source = source

    def config(self, document: dict[str, Any]) -> Config:
        self._known(document, _TOP, "")
        listeners = tuple(self._tables(document, "listener", ListenerConfig, self._judge_listener))
        hosts = tuple(self._tables(document, "host", HostConfig, self._judge_host))
        names = [host.name for host in hosts]
        components = self._components(document, names)
        self._no_doubles("listener", [(listener.address, listener.port) for listener in listeners])
        self._no_doubles("host", names)
        return Config(
            data=self._value(Path, document.get("data", "var"), "data") or Path(),
            durability=self._value(Durability, document.get("durability", "power"), "durability") or "power",
            storage=self._storage(document.get("storage", {})),
            iterations=self._iterations(document.get("iterations", ITERATIONS)),
            listeners=listeners,
            hosts=hosts,
            source=self._source,
            log=self._section(LogConfig, document.get("log", {}), "[log]") or LogConfig(),
            limits=self._limits(document.get("limits", {})),
            s2s=self._s2s(document.get("s2s", {})),
            components=components,
            proxies=self._proxies(document, names, [component.domain for component in components]),
            modules=self._sections(document.get("module", {}), "module", _OPTIONS),
        )

    def _tables(self, document: dict[str, Any], key: str, kind: type[T], judge: Callable[[T, str], T]) -> list[T]:
        tables = document.get(key)
        if not isinstance(tables, list) or not tables:
            self.complaints.append(f"at least one [[{key}]] section is needed")
            return []
        found = []
        for number, table in enumerate(tables, 1):
            place = f"[[{key}]] number {number}"
            if (section := self._section(kind, table, place)) is not None:
                found.append(judge(section, place))
        return found

    def _sections(self, tables: Any, key: str, defaults: dict[str, Any]) -> dict[str, Any]:
        """The sections [key.name] that are there, what they leave out being as in the defaults."""
        if not isinstance(tables, dict):
            self.complaints.append(f"{key}: write sections, [{key}.{next(iter(defaults))}] and so on")
            return {}
        return {name: self._section(type(defaults[name]), table, f"[{key}.{name}]", defaults[name])
                for name, table in self._known(tables, defaults, f"[{key}]").items()}

    def _limits(self, tables: Any) -> LimitsConfig:
        sections = self._sections(tables, "limits", _LIMITS)
        for name in ("before", "after"):
            limits = sections.get(name)
            if limits is not None and limits.stanza < LEAST_STANZA:
                self.complaints.append(f"[limits.{name}]: stanza: at least {LEAST_STANZA} (RFC 6120 13.12)")
        return LimitsConfig(**sections)

    def _iterations(self, value: Any) -> int:
        number = self._value(int, value, "iterations")
        if number is not None and number < MIN_ITERATIONS:
            self.complaints.append(f"iterations: at least {MIN_ITERATIONS} (RFC 7677 4)")
        return number or ITERATIONS

    def _storage(self, table: Any) -> StorageConfig:
        storage = self._section(StorageConfig, table, "[storage]")
        if storage is None:
            return StorageConfig()
        if storage.backend == "sqlite" and table.keys() - {"backend", "patience"}:
            self.complaints.append('[storage]: only PostgreSQL has such options: say backend = "postgres"')
        if storage.dsn is not None and storage.dsn_file is not None:
            self.complaints.append("[storage]: dsn or dsn_file, not both")
        if storage.dsn is not None and not storage.dsn.startswith(("postgresql://", "postgres://")):
            self.complaints.append("[storage]: dsn: write postgresql://user@host/database")
        if not 0.1 <= storage.patience <= 60:
            self.complaints.append(f"[storage]: patience: {storage.patience:g} is not between 0.1 and 60 seconds")
        if not 1 <= storage.pool <= 1000:
            self.complaints.append(f"[storage]: pool: {storage.pool} is not between 1 and 1000")
        return storage

    def _s2s(self, table: Any) -> S2SSection:
        s2s = self._section(S2SSection, table, "[s2s]")
        if s2s is None:
            return S2SSection()
        for server in s2s.resolver:
            if socket_address(server) is None:
                self.complaints.append(f"[s2s]: resolver: {server!r} is no IP address, with or without a port")
        for place in (route.posh for route in s2s.route if route.posh is not None):
            if socket_address(place, 443) is None:
                self.complaints.append(f"[[s2s.route]]: posh: {place!r} is no IP address, with or without a port")
        here = [ipaddress.ip_address(host).is_loopback for host, _ in resolvers(s2s)]
        if s2s.dane and not (here and all(here)):
            self.complaints.append("[s2s]: dane: name a resolver on this machine that validates: whoever is on the way "
                                   "to another can say what he likes")
        for key in ("bytes_per_second", "stanzas_per_second"):
            if not 0 <= getattr(s2s, key) <= 10**12:
                self.complaints.append(f"[s2s]: {key}: {getattr(s2s, key):g} is not between 0 (no bound) and 10^12")
        if not s2s.give_up_seconds > 0:
            self.complaints.append(f"[s2s]: give_up_seconds: {s2s.give_up_seconds:g} is not above 0")
        domains = {key: tuple(self._domains(getattr(s2s, key), f"[s2s]: {key}"))
                   for key in ("dialback", "allow", "deny")}
        routes = tuple(msgspec.structs.replace(route, domain=domain) for route in s2s.route
                       for domain in self._domains((route.domain,), "[[s2s.route]]: domain"))
        return msgspec.structs.replace(s2s, route=routes, **domains)

    def _components(self, document: dict[str, Any], hosts: list[str]) -> tuple[ComponentConfig, ...]:
        if "component" not in document:
            return ()
        found = []
        for component in self._tables(document, "component", ComponentConfig, lambda component, place: component):
            place = f"[[component]] {component.domain}"
            domains = list(self._domains((component.domain,), place))
            if not component.secret:
                self.complaints.append(f"{place}: secret: without one anybody could be it")
            if (component.certificate is None) != (component.key is None):
                self.complaints.append(f"{place}: certificate and key belong together")
            if component.presence == "roster" and component.roster not in ("get", "both"):
                self.complaints.append(f'{place}: presence: "roster" is for who may read rosters')
            for host in set(component.hosts) - set(hosts):
                self.complaints.append(f"{place}: hosts: {host!r} is no host of ours")
            for namespace in {ns.DELEGATION, ns.PRIVILEGE} & component.delegate.keys():
                self.complaints.append(f"{place}: delegate: {namespace} is between components and the server itself")
            found += [msgspec.structs.replace(component, domain=domain) for domain in domains]
        self._no_doubles("component", [component.domain for component in found])
        delegated = Counter((each.namespace, host) for component in found for each in component.delegations(hosts)
                            for host in each.hosts)
        for namespace, host in [what for what, several in delegated.items() if several > 1]:
            self.complaints.append(f"[[component]]: delegate: {namespace} of {host} can go to one of them alone")
        for domain in {component.domain for component in found} & set(hosts):
            self.complaints.append(f"[[component]]: {domain} is a host")
        return tuple(found)

    def _proxies(self, document: dict[str, Any], hosts: list[str], components: list[str]) -> tuple[ProxyConfig, ...]:
        if "proxy" not in document:
            return ()
        found = self._tables(document, "proxy", ProxyConfig, partial(self._judge_proxy, hosts))
        self._no_doubles("proxy", [proxy.domain for proxy in found])
        for domain in {proxy.domain for proxy in found} & {*hosts, *components}:
            self.complaints.append(f"[[proxy]]: {domain} is a host or a component")
        return tuple(found)

    def _judge_proxy(self, hosts: list[str], proxy: ProxyConfig, place: str) -> ProxyConfig:
        allow = list(self._jids(proxy.allow, f"{place}: allow")) if proxy.allow else hosts
        domain = next(self._domains((proxy.domain,), f"{place}: domain"), proxy.domain)
        try:
            if ipaddress.ip_address(proxy.address).is_unspecified and not proxy.host:
                self.complaints.append(f"{place}: host: clients have to be told where {proxy.address} is")
        except ValueError:
            self.complaints.append(f"{place}: address: {proxy.address!r} is not an IP address")
        if not 1 <= proxy.port <= 65535:
            self.complaints.append(f"{place}: port: {proxy.port} is not between 1 and 65535")
        for key, least in ("streams", 1), ("size", 0), ("rate", 0), ("wait_seconds", 1), ("idle_seconds", 1):
            if getattr(proxy, key) < least:
                self.complaints.append(f"{place}: {key}: at least {least}")
        if 0 < proxy.rate < LEAST_RATE:
            self.complaints.append(f"{place}: rate: 0 (any), or at least {LEAST_RATE} bytes a second")
        return msgspec.structs.replace(proxy, domain=domain, allow=tuple(allow), host=proxy.host or proxy.address)

    def _domains(self, names: Collection[str], place: str) -> Iterator[str]:
        """Prepared."""
        for name in names:
            try:
                jid = JID.parse(name) if name != EVERYBODY else None
            except JIDError as error:
                self.complaints.append(f"{place}: {name!r}: {error}")
                continue
            if jid is not None and jid.full != jid.domain:
                self.complaints.append(f"{place}: {name!r} is not a domain")
            yield name if jid is None else jid.domain

    def _judge_listener(self, listener: ListenerConfig, place: str) -> ListenerConfig:
        try:
            loopback = ipaddress.ip_address(listener.address).is_loopback
        except ValueError:
            self.complaints.append(f"{place}: address: {listener.address!r} is not an IP address")
            return listener
        if not 0 <= listener.port <= 65535:
            self.complaints.append(f"{place}: port: {listener.port} is not between 0 and 65535")
        if listener.kind == "s2s" and listener.tls == "optional":
            self.complaints.append(f"{place}: tls: servers always need TLS: starttls, direct or any")
        elif listener.kind == "component" and listener.tls not in ("optional", "direct"):
            self.complaints.append(f'{place}: tls: components know no STARTTLS: say "optional" (none), or "direct"')
        elif listener.tls == "optional" and not loopback and not listener.insecure:
            self.complaints.append(
                f'{place}: tls = "optional" lets passwords cross {listener.address} in clear: '
                'listen on 127.0.0.1, or say insecure = true')
        return listener

    def _judge_host(self, host: HostConfig, place: str) -> HostConfig:
        try:
            name = JID.parse(host.name, assigned=True)
        except JIDError as error:
            self.complaints.append(f"{place}: name: {error}")
            return host
        if name.local is not None or name.resource is not None:
            self.complaints.append(f"{place}: name: {host.name!r} is not a domain")
        if (host.certificate is None) != (host.key is None):
            self.complaints.append(f"{place}: certificate and key belong together")
        if host.anonymous and host.client_certificates is not None:
            self.complaints.append(f"{place}: anonymous users have no certificates")
        if host.anonymous and host.registration:
            self.complaints.append(f"{place}: anonymous users have no accounts, so there is no registration")
        if host.see_other_host is not None and not _OTHER_HOST.fullmatch(host.see_other_host):
            self.complaints.append(f'{place}: see_other_host: write "name", "address:port" or "[IPv6]:port"')
        for key, value in ("archive_days", host.archive_days), ("archive_messages", host.archive_messages):
            if not 0 <= value <= 10**9:
                self.complaints.append(f"{place}: {key}: {value:g} is not between 0 (no bound) and 1000000000")
        self._judge_contacts(host, f"{place}: contact")
        return msgspec.structs.replace(host, name=name.domain, admins=tuple(self._admins(host, place)))

    def _judge_contacts(self, host: HostConfig, place: str) -> None:
        for purpose, addresses in self._known(host.contact, PURPOSES, place).items():
            for address in addresses:
                if not urlsplit(address).scheme:
                    self.complaints.append(f"{place}: {purpose}: {address!r} is no URI: put mailto: or xmpp: before it")

    def _admins(self, host: HostConfig, place: str) -> Iterator[str]:
        for jid in self._jids(host.admins, f"{place}: admins"):
            if "@" not in jid:
                self.complaints.append(f"{place}: admins: {jid!r} is not an account: write user@host")
            yield jid

    def _jids(self, texts: Collection[str], place: str) -> Iterator[str]:
        """Accounts and domains, prepared."""
        for text in texts:
            try:
                jid = JID.parse(text)
            except JIDError as error:
                self.complaints.append(f"{place}: {text!r}: {error}")
                continue
            if jid.resource is not None:
                self.complaints.append(f"{place}: {text!r} is not an account: write user@host")
            yield jid.bare

    def _no_doubles(self, key: str, values: Collection[Any]) -> None:
        for value in {value for value in values if list(values).count(value) > 1 and value[-1:] != (0,)}:
            shown = value if isinstance(value, str) else ":".join(map(str, value))
            self.complaints.append(f"[[{key}]]: {shown} stands there twice")

    def _section(self, kind: type[T], table: Any, place: str, base: T | None = None) -> T | None:
        """The section as that class; what it leaves out is as in `base`, or the class's default."""
        if not isinstance(table, dict):
            self.complaints.append(f"{place}: a section is needed")
            return None
        fields, hints = _fields(kind), get_type_hints(kind)
        values = {key: self._value(hints[key], value, f"{place}: {key}")
                  for key, value in self._known(table, fields, place).items()}
        missing = [] if base else [key for key, required in fields.items() if required and key not in table]
        self.complaints += [f"{place}: {key} is missing" for key in missing]
        if missing or None in values.values():
            return None
        if isinstance(base, Limits):
            return base._replace(**values)
        return dataclasses.replace(base, **values) if base else kind(**values)  # type: ignore[type-var]

    def _value(self, kind: Any, value: Any, place: str) -> Any:
        """None, and a complaint, if it is not of that type."""
        try:
            if kind == tuple[IPv4Network | IPv6Network, ...]:   # a union that msgspec can't tell apart
                return tuple(map(ipaddress.ip_network, msgspec.convert(value, list[str])))
            return msgspec.convert(value, kind, dec_hook=self._decode)
        except ValueError as error:     # msgspec's ValidationError is one
            reason, _, path = str(error).partition(" - at `$")
            self.complaints.append(": ".join(filter(None, (place, path.strip(".`"), reason))))
            return None

    def _decode(self, kind: type, value: Any) -> Any:
        if kind is Path and isinstance(value, str) and value:
            return self._source.parent / value
        raise ValueError("a path is needed")

    def _known(self, table: dict[str, Any], names: Collection[str], place: str) -> dict[str, Any]:
        """The table without its unknown keys, each of which is a complaint."""
        for key in table.keys() - set(names):
            near = difflib.get_close_matches(key, names, 1) or sorted(names)
            hint = f"did you mean {near[0]!r}?" if len(near) == 1 else f"known are {', '.join(near)}"
            self.complaints.append(f"{place + ': ' if place else ''}unknown key {key!r}: {hint}")
        return {key: value for key, value in table.items() if key in names}


def socket_address(text: str, port: int = 53) -> tuple[str, int] | None:
    """An IP address, perhaps with a port: 192.0.2.1, 192.0.2.1:53, 2001:db8::1, [2001:db8::1]:53."""
    host, colon, digits = text.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        host, digits = text, str(port)
    try:
        return str(ipaddress.ip_address(host.strip("[]"))), int(digits)
    except ValueError:
        return None


def resolvers(s2s: S2SSection) -> list[tuple[str, int]]:
    return [found for text in s2s.resolver if (found := socket_address(text)) is not None]


def posh_places(s2s: S2SSection) -> dict[str, tuple[str, int]]:
    """Web servers by domain."""
    places = {a_labels(route.domain): socket_address(route.posh, 443) for route in s2s.route if route.posh is not None}
    return {domain: place for domain, place in places.items() if place is not None}


def _fields(kind: type) -> dict[str, bool]:
    """Its keys, and whether they must be there."""
    if kind is Limits:
        return dict.fromkeys(Limits._fields, False)
    if dataclasses.is_dataclass(kind):
        return {field.name: False for field in dataclasses.fields(kind)}
    return {field.name: field.required for field in msgspec.structs.fields(kind)}
