"""Debian's Prosody, whose certificate no authority knows, but secure DNS (RFC 7673)."""

import hashlib
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from support.federated import SERVER, Authority, site
from support.foreign import prosody
from support.nameserver import NameServer
from support.ports import unused_port
from support.rawclient import bodies

OURS, THEIRS, PLACE = "a.example", "b.example", "xmpp.b.example"


def key_of(file: Path) -> str:
    """As a TLSA record has it: of this very key, by SHA-256."""
    key = x509.load_pem_x509_certificate(file.read_bytes()).public_key()
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def test_chat_both_ways(tmp_path: Path) -> None:
    """They call us; we call them."""
    trusted, strange = Authority(tmp_path / "trusted"), Authority(tmp_path / "strange")
    ours, theirs = unused_port(), unused_port()
    pair = strange.issue(THEIRS, [THEIRS], purposes=(SERVER,))
    table = {(f"_xmpp-server._tcp.{THEIRS}", "SRV"): [f"0 0 {theirs} {PLACE}."], (PLACE, "A"): ["127.0.0.1"],
             (f"_{theirs}._tcp.{PLACE}", "TLSA"): [f"3 1 1 {key_of(pair[0])}"]}
    with (NameServer(table, secure=True) as names,
          site(tmp_path / "ours", OURS, ours, trusted, pair=trusted.issue(OURS, [OURS], purposes=(SERVER,)),
               s2s=f'resolver = ["127.0.0.1:{names.port}"]\ndane = true') as here,
          prosody(tmp_path / "theirs", THEIRS, theirs, trusted, routes={OURS: ours}, pair=pair,
                  modules='"dialback"') as there):
        romeo, juliet = here.client("romeo"), there.client("juliet")
        for client in (romeo, juliet):
            client.send("<presence/>")
            client.sync()
        juliet.send(f"<message to='romeo@{OURS}/r' type='chat'><body>one</body></message>")
        assert bodies([romeo.next()]) == ["one"]
        romeo.send(f"<message to='juliet@{THEIRS}/r' type='chat'><body>two</body></message>")
        assert bodies([juliet.next()]) == ["two"]
        log = here.server.log
        assert [entry["how"] for entry in log if entry["event"] == "s2s domain proven"] == [
            "certificate (SASL EXTERNAL, DANE)"]
        assert [entry["domain"] for entry in log if entry["event"] == "s2s stream opened"] == [THEIRS]
