"""The tables of namespaces and known children."""

import pytest

from headrace.core import ns as texts
from headrace.core.names import Known, Ns, child_number, namespace_number, namespace_uri
from headrace.core.tokenizer import Workspace
from support.streams import HEADER, agreed, read


def test_every_namespace_is_found_by_its_uri() -> None:
    uris = [namespace_uri(number) for number in range(Ns.NS_NONE, Ns.NS_COUNT)]
    assert len(set(uris)) == len(uris)
    assert [namespace_number(uri) for uri in uris] == list(range(Ns.NS_NONE, Ns.NS_COUNT))
    assert namespace_uri(Ns.NS_CLIENT) == texts.CLIENT


@pytest.mark.parametrize("uri", ["x", "jabber:clienT", "jabber:clients", "urn:xmpp:sm:4", "jabber:client ",
                                 "é" * 40])
def test_other_namespaces(uri: str) -> None:
    assert namespace_number(uri) == Ns.NS_OTHER


@pytest.mark.parametrize("number", [-1, Ns.NS_COUNT])
def test_a_number_outside_the_table(number: int) -> None:
    with pytest.raises(ValueError, match="no namespace"):
        namespace_uri(number)


@pytest.mark.parametrize(("namespace", "name", "known"), [
    (Ns.NS_CLIENT, "body", Known.K_BODY), (Ns.NS_CLIENT, "subject", Known.K_SUBJECT),
    (Ns.NS_CLIENT, "thread", Known.K_THREAD),
    (Ns.NS_CLIENT, "show", Known.K_SHOW), (Ns.NS_CLIENT, "status", Known.K_STATUS),
    (Ns.NS_CLIENT, "priority", Known.K_PRIORITY),
    (Ns.NS_CLIENT, "error", Known.K_ERROR), (Ns.NS_CLIENT, "bodY", Known.K_NONE),
    (Ns.NS_SERVER, "body", Known.K_NONE),
    (Ns.NS_SID, "stanza-id", Known.K_STANZA_ID), (Ns.NS_SID, "origin-id", Known.K_ORIGIN_ID),
    (Ns.NS_SID, "x", Known.K_NONE),
    (Ns.NS_DELAY, "delay", Known.K_DELAY), (Ns.NS_CARBONS, "received", Known.K_CARBON_RECEIVED),
    (Ns.NS_CARBONS, "sent", Known.K_CARBON_SENT),
    (Ns.NS_CARBONS, "private", Known.K_CARBON_PRIVATE), (Ns.NS_MAM, "result", Known.K_MAM_RESULT),
    (Ns.NS_PRIVILEGE, "x", Known.K_PRIVILEGE),
    (Ns.NS_DELEGATION, "x", Known.K_DELEGATION), (Ns.NS_MUC, "x", Known.K_MUC_X),
    (Ns.NS_MUC_USER, "x", Known.K_MUC_USER_X),
    (Ns.NS_OCCUPANT_ID, "occupant-id", Known.K_OCCUPANT_ID), (Ns.NS_HATS, "hats", Known.K_HATS),
    (Ns.NS_RETRACT, "retract", Known.K_RETRACT),
    (Ns.NS_VCARD_UPDATE, "x", Known.K_VCARD_UPDATE), (Ns.NS_CHATSTATES, "composing", Known.K_CHATSTATE),
    (Ns.NS_RECEIPTS, "request", Known.K_RECEIPT),
    (Ns.NS_MARKERS, "markable", Known.K_MARKER), (Ns.NS_HINTS, "no-store", Known.K_NO_STORE),
    (Ns.NS_HINTS, "store", Known.K_STORE),
    (Ns.NS_HINTS, "no-permanent-store", Known.K_NO_PERMANENT_STORE),
    (Ns.NS_HINTS, "no-copy", Known.K_NO_COPY),
    (Ns.NS_JINGLE_MESSAGE, "propose", Known.K_JINGLE_MESSAGE), (Ns.NS_CONFERENCE, "x", Known.K_INVITE),
    (Ns.NS_OTHER, "body", Known.K_NONE),
    (Ns.NS_NONE, "body", Known.K_NONE),
])
def test_known_children(namespace: int, name: str, known: int) -> None:
    assert child_number(namespace, name) == known


def test_children_of_the_streams_own_content_namespace() -> None:
    assert child_number(Ns.NS_SERVER, "body", Ns.NS_SERVER) == Known.K_BODY
    assert child_number(Ns.NS_CLIENT, "body", Ns.NS_SERVER) == Known.K_NONE


def test_names_that_would_collide_without_a_seed() -> None:
    """Two workspaces hash alike only by chance, and what they find is the same."""
    names = [f"a{i:04}" for i in range(64)]
    tag = "<a xmlns:p='x' " + " ".join(f"p:{name}='' {name}=''" for name in names[:32]) + "/>"
    data = HEADER + tag.encode()
    assert read([data], work=Workspace()) == read([data], work=Workspace())
    assert len(agreed(data)[1][2][0][3]) == 64
