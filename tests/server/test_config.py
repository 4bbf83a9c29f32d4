"""The configuration: what is accepted, and what every complaint says."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from headrace.server.config import ConfigError, ListenerConfig, StorageConfig, default, load
from headrace.stream.limits import SessionLimits

LISTENER = """
[[listener]]
kind = "c2s"
address = "127.0.0.1"
port = 5222
"""
HOST = """
[[host]]
name = "localhost"
"""
POSTGRES = """
[storage]
backend = "postgres"
"""
ISSUE = """
data = "var"                 # SQLite and generated certificates; relative to this file
[[listener]]
kind = "c2s"
address = "127.0.0.1"
port = 5222
tls = "starttls"             # or "direct"; or "optional"
[[host]]
name = "localhost"
"""


@pytest.fixture
def read(tmp_path: Path):
    def read(text: str):
        (tmp_path / "headrace.toml").write_text(text)
        return load(tmp_path / "headrace.toml")

    return read


def test_the_smallest_file(read, tmp_path: Path) -> None:
    config = read(ISSUE)
    assert config.data == tmp_path / "var"
    assert config.listeners == (ListenerConfig("c2s", "127.0.0.1", 5222, "starttls"),)
    assert [host.name for host in config.hosts] == ["localhost"]
    assert config.durability == "power"
    assert config.source == tmp_path / "headrace.toml"


def test_default_serves_this_machine_only_and_encrypted(tmp_path: Path) -> None:
    config = default(tmp_path)
    assert [(at.address, at.port, at.tls) for at in config.listeners] == [
        ("127.0.0.1", 5222, "starttls"), ("127.0.0.1", 5223, "direct")]
    assert [host.name for host in config.hosts] == ["localhost"]
    assert config.data == tmp_path / "var"


def test_everything_at_once(read, tmp_path: Path) -> None:
    config = read(f"""
        data = "/srv/headrace"
        durability = "process"
        iterations = 4096
        [storage]
        backend = "postgres"
        dsn_file = "secrets/dsn"
        pool = 7
        [log]
        format = "json"
        level = "debug"
        [limits.connections]
        rate = 5
        proxies = ["10.0.0.0/8", "2001:db8::/32"]
        [limits.session]
        idle_seconds = 600
        [limits.before]
        stanza = 65536
        [module.offline]
        max_messages = 7
        {LISTENER}
        tls = "direct"
        [[host]]
        name = "Example.ORG"
        certificate = "tls/example.crt"
        key = "/etc/example.key"
        see_other_host = "[2001:db8::1]:5222"
        admins = ["Romeo@Example.NET", "juliet@example.org"]
        [host.contact]
        abuse = ["mailto:abuse@example.org", "xmpp:abuse@example.org"]
    """)
    assert config.data == Path("/srv/headrace")
    assert (config.durability, config.iterations, config.log.format, config.log.level) == (
        "process", 4096, "json", "debug")
    assert config.storage == StorageConfig("postgres", dsn_file=tmp_path / "secrets/dsn", pool=7)
    assert config.limits.connections.rate == 5.0
    assert config.limits.connections.burst == 100
    assert config.limits.connections.proxies == (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))
    assert config.limits.session == SessionLimits(600.0, 300.0)
    assert config.limits.before.stanza == 65536
    assert config.limits.before.elements == 64      # the stranger's default, not the client's
    assert config.modules["offline"].max_messages == 7
    [host] = config.hosts
    assert (host.name, host.certificate, host.key, host.see_other_host) == (
        "example.org", tmp_path / "tls/example.crt", Path("/etc/example.key"), "[2001:db8::1]:5222")
    assert host.admins == ("romeo@example.net", "juliet@example.org")
    assert host.contact == {"abuse": ("mailto:abuse@example.org", "xmpp:abuse@example.org")}


COMPLAINTS = {
    "dta = 'x'" + LISTENER + HOST: "unknown key 'dta': did you mean 'data'?",
    LISTENER + "tsl = 'direct'" + HOST: "[[listener]] number 1: unknown key 'tsl': did you mean 'tls'?",
    LISTENER + HOST + "zzz = 1": "[[host]] number 1: unknown key 'zzz': known are admins, anonymous, "
                              "archive, archive_days, archive_messages, certificate, client_certificates, contact, "
                              "key, name, registration, see_other_host",
    LISTENER + HOST + "archive_days = -1": "[[host]] number 1: archive_days: -1 is not between 0 (no bound) and",
    LISTENER + HOST + "archive_messages = -5": "[[host]] number 1: archive_messages: -5 is not between 0",
    LISTENER + HOST + 'archive = "some"': "[[host]] number 1: archive: Invalid enum value 'some'",
    LISTENER + HOST + 'anonymous = true\nclient_certificates = "ca.pem"':
        "[[host]] number 1: anonymous users have no certificates",
    LISTENER + HOST + "anonymous = true\nregistration = true":
        "[[host]] number 1: anonymous users have no accounts, so there is no registration",
    LISTENER + HOST + "admins = ['localhost']": "[[host]] number 1: admins: 'localhost' is not an account: write user@",
    LISTENER + HOST + "admins = ['x@localhost/r']": "[[host]] number 1: admins: 'x@localhost/r' is not an account",
    LISTENER + HOST + "admins = ['@']": "[[host]] number 1: admins: '@': ",
    LISTENER + HOST + "admins = 'x@localhost'": "[[host]] number 1: admins: Expected `array`",
    LISTENER + HOST + "contact = {abus = ['mailto:x@y']}":
        "[[host]] number 1: contact: unknown key 'abus': did you mean 'abuse'?",
    LISTENER + HOST + "contact = {abuse = ['x@y']}": "contact: abuse: 'x@y' is no URI",
    LISTENER + HOST + "[limits.connection]\nrate = 1":
        "[limits]: unknown key 'connection': did you mean 'connections'?",
    LISTENER + HOST + "[limits.connections]\nraet = 1":
        "[limits.connections]: unknown key 'raet': did you mean 'rate'?",
    LISTENER + HOST + "[limits.connections]\nproxies = ['10.0.0.1/8']":
        "[limits.connections]: proxies: 10.0.0.1/8 has host bits set",
    LISTENER + HOST + "[module.ofline]\nx = 1": "[module]: unknown key 'ofline': did you mean 'offline'?",
    LISTENER + HOST + "[module.offline]\nmax_message = 1":
        "[module.offline]: unknown key 'max_message': did you mean 'max_messages'?",
    LISTENER + HOST + "[log]\nformat = 'xml'": "[log]: format: Invalid enum value 'xml'",
    LISTENER + HOST + "[storage]\nbackend = 'mysql'": "[storage]: backend: Invalid enum value 'mysql'",
    LISTENER + HOST + "[storage]\npool = 7": "[storage]: only PostgreSQL has such options",
    LISTENER + HOST + POSTGRES + "dsn = 'db.example'": "[storage]: dsn: write postgresql://user@host/database",
    LISTENER + HOST + POSTGRES + "dsn = 'postgresql://'\ndsn_file = 'dsn'": "[storage]: dsn or dsn_file, not both",
    LISTENER + HOST + "[storage]\npatience = 0": "[storage]: patience: 0 is not between 0.1 and 60 seconds",
    LISTENER + HOST + POSTGRES + "pool = 0": "[storage]: pool: 0 is not between 1 and 1000",
    "storage = 'postgres'" + LISTENER + HOST: "[storage]: a section is needed",
    "iterations = 100" + LISTENER + HOST: "iterations: at least 4096",
    "durability = 'none'" + LISTENER + HOST: "durability: Invalid enum value 'none'",
    "data = 5" + LISTENER + HOST: "data: a path is needed",
    HOST: "at least one [[listener]] section is needed",
    LISTENER: "at least one [[host]] section is needed",
    "listener = 1" + HOST: "at least one [[listener]] section is needed",
    "limits = 1" + LISTENER + HOST: "limits: write sections",
    "log = 1" + LISTENER + HOST: "[log]: a section is needed",
    LISTENER.replace("5222", "'5222'") + HOST: "[[listener]] number 1: port: Expected `int`, got `str`",
    LISTENER.replace("5222", "65536") + HOST: "[[listener]] number 1: port: 65536 is not between 0 and 65535",
    LISTENER.replace("port", "#") + HOST: "[[listener]] number 1: port is missing",
    LISTENER.replace("127.0.0.1", "localhost") + HOST: "address: 'localhost' is not an IP address",
    LISTENER.replace("127.0.0.1", "0.0.0.0") + "tls = 'optional'" + HOST: "say insecure = true",
    LISTENER + LISTENER + HOST: "[[listener]]: 127.0.0.1:5222 stands there twice",
    LISTENER + HOST + HOST.replace("localhost", "LOCALHOST"): "[[host]]: localhost stands there twice",
    LISTENER + HOST.replace("localhost", "user@localhost"): "name: 'user@localhost' is not a domain",
    LISTENER + HOST.replace("localhost", "a b"): "[[host]] number 1: name: ",
    LISTENER + HOST + "certificate = 'x.crt'": "[[host]] number 1: certificate and key belong together",
    LISTENER + HOST + "[limits.before]\nstanza = 9999": "[limits.before]: stanza: at least 10000",
    LISTENER + HOST + "[limits.after]\nstanza = 0": "[limits.after]: stanza: at least 10000",
    LISTENER + HOST + "see_other_host = 'a b:5222'": "[[host]] number 1: see_other_host: write ",
    LISTENER + HOST + "see_other_host = '2001:db8::1'": "[[host]] number 1: see_other_host: write ",
    "data = ": "headrace.toml: Invalid value (at ",
}


@pytest.mark.parametrize("text", COMPLAINTS)
def test_complaint(read, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert COMPLAINTS[text] in str(caught.value)
    assert str(caught.value).count("headrace.toml: ") == 1, "one mistake, one complaint"


def test_all_complaints_come_at_once(read) -> None:
    with pytest.raises(ConfigError) as caught:
        read("dta = 1\niterations = 1" + LISTENER + "prot = 1\naddres = ''" + HOST + "nam = 1")
    assert len(str(caught.value).splitlines()) == 5


def test_insecure_is_possible_if_said(read) -> None:
    [listener] = read(LISTENER.replace("127.0.0.1", "0.0.0.0") + "tls = 'optional'\ninsecure = true" + HOST).listeners
    assert listener.tls == "optional"


def test_any_number_of_listeners_on_port_0(read) -> None:
    zero = LISTENER.replace("5222", "0")
    assert len(read(zero + zero + HOST).listeners) == 2


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: No such file"):
        load(tmp_path / "nowhere.toml")
