"""Stream features as the RFCs and XEPs show them."""

import xml.etree.ElementTree as ET

from headrace.core import ns
from headrace.stream import features as f


def test_features_stand_below_our_header_or_alone() -> None:
    written = f.features([f.starttls(), f.bind()])
    assert written.startswith(b"<stream:features><starttls")
    tree = ET.fromstring(f.features([f.bind()], standalone=True))
    assert tree.tag == f"{{{ns.STREAM}}}features"
    assert [child.tag for child in tree] == [f"{{{ns.BIND}}}bind"]


def test_none_at_all_end_the_negotiation() -> None:
    assert f.features([]) == b"<stream:features/>"
    assert ET.fromstring(f.features([], standalone=True)).tag == f"{{{ns.STREAM}}}features"


def test_starttls_says_whether_it_must_be() -> None:
    assert [child.tag for child in ET.fromstring(f.starttls())] == [f"{{{ns.TLS}}}required"]
    assert [child.tag for child in ET.fromstring(f.starttls(required=False))] == [f"{{{ns.TLS}}}optional"]


def test_mechanisms_keep_their_order() -> None:
    tree = ET.fromstring(f.mechanisms(["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"]))
    assert tree.tag == f"{{{ns.SASL}}}mechanisms"
    assert [(child.tag, child.text) for child in tree] == [
        (f"{{{ns.SASL}}}mechanism", name) for name in ("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN")]


def test_channel_bindings() -> None:
    tree = ET.fromstring(f.channel_bindings(["tls-exporter", "tls-server-end-point"]))
    assert tree.tag == "{urn:xmpp:sasl-cb:0}sasl-channel-binding"
    assert [child.attrib for child in tree] == [{"type": "tls-exporter"}, {"type": "tls-server-end-point"}]


def test_limits() -> None:
    tree = ET.fromstring(f.limits(262144, 1800))
    assert [(child.tag, child.text) for child in tree] == [
        ("{urn:xmpp:stream-limits:0}max-bytes", "262144"), ("{urn:xmpp:stream-limits:0}idle-seconds", "1800")]
    assert [child.text for child in ET.fromstring(f.limits(10000))] == ["10000"]


def test_marks_without_content() -> None:
    assert ET.fromstring(f.roster_versioning()).tag == "{urn:xmpp:features:rosterver}ver"
    assert ET.fromstring(f.pre_approval()).tag == "{urn:xmpp:features:pre-approval}sub"
    assert [child.tag for child in ET.fromstring(f.session())] == [f"{{{ns.SESSION}}}optional"]
