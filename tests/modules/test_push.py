from typing import Any
from xml.etree.ElementTree import Element

import pytest

from headrace.core.ns import CLIENT, DATA_FORMS, PUBSUB, PUSH
from headrace.modules.api import Refused, Reply, Route
from headrace.modules.push import Push, worth_telling
from support.stanzas import stanza, tree
from support.world import World, effects, request

ROMEO, JULIET = "romeo@example.org", "juliet@example.net"
PHONE = f"{ROMEO}/phone"
SERVICE = "push.client.example"
OPTIONS = (f"<x xmlns='{DATA_FORMS}' type='submit'><field var='FORM_TYPE'><value>{PUBSUB}#publish-options</value>"
           "</field><field var='secret'><value>s3cret &amp;</value></field></x>")
HELLO = f"<message from='{JULIET}/a' to='{ROMEO}' type='chat'><body>Hi &amp; ho</body></message>"


@pytest.fixture
async def push(world: World) -> Push:
    await world.account(ROMEO)
    return world.module(Push)  # type: ignore[no-any-return]


async def ask(push: Push, name: str, attrs: str, inside: str = "", sender: str = PHONE) -> list[Any]:
    asked = request(f"<iq type='set' id='1'><{name} xmlns='{PUSH}' {attrs}>{inside}</{name}></iq>", sender)
    return await effects(getattr(push, name)(asked))


async def tell(push: Push, message: str = HELLO, resource: str | None = None) -> list[Element]:
    """The notifications that this message leads to."""
    asked = request(message, f"{JULIET}/a", ROMEO)
    routed = await effects(push.missed(asked, resource))
    assert all(isinstance(effect, Route) for effect in routed)
    return [tree(effect.stanza) for effect in routed]


async def answer(push: Push, notification: Element, inside: str = "", sender: str | None = None) -> None:
    type = "error" if inside else "result"
    xml = f"<iq type='{type}' id='{notification.get('id')}'>{inside}</iq>"
    asked = request(xml, sender or notification.get("to") or "", "example.org")
    assert await effects(push.answered(asked)) == []


def error(condition: str, type: str = "cancel") -> str:
    return f"<error type='{type}'><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"


def summary(notification: Element) -> dict[str | None, str | None]:
    form = notification.find(f".//{{{PUSH}}}notification/{{{DATA_FORMS}}}x")
    assert form is not None
    assert form.get("type") == "submit"
    return {field.get("var"): field.findtext(f"{{{DATA_FORMS}}}value") for field in form}


async def test_notification(push: Push) -> None:
    """Section 7, its second example: by our domain to the service, with the options that were given."""
    assert await ask(push, "enable", "jid='Push.Client.EXAMPLE' node='n&apos;1'", OPTIONS) == [Reply()]
    notification, = await tell(push)
    assert (notification.get("type"), notification.get("from"), notification.get("to")) == (
        "set", "example.org", SERVICE)
    publish, options = notification[0]
    assert (publish.tag, publish.get("node")) == (f"{{{PUBSUB}}}publish", "n'1")
    assert [child.tag for child in publish] == [f"{{{PUBSUB}}}item"]
    assert options.tag == f"{{{PUBSUB}}}publish-options"
    fields = {field.get("var"): field.findtext(f"{{{DATA_FORMS}}}value") for field in options[0]}
    assert (options[0].get("type"), fields) == (
        "submit", {"FORM_TYPE": f"{PUBSUB}#publish-options", "secret": "s3cret &"})
    assert summary(notification) == {"FORM_TYPE": "urn:xmpp:push:summary", "message-count": "1"}


async def test_counts_until_somebody_comes(push: Push) -> None:
    await ask(push, "enable", f"jid='{SERVICE}'")
    counts = [summary((await tell(push))[0])["message-count"] for _ in range(3)]
    push.available(f"{ROMEO}/desk", 0)
    assert [*counts, summary((await tell(push))[0])["message-count"]] == ["1", "2", "3", "1"]


async def test_counts_since_the_link_was_lost(push: Push) -> None:
    """Whose session goes on has seen what there was before, though it has sent no presence again."""
    await ask(push, "enable", f"jid='{SERVICE}'")
    told = [await tell(push, resource=resource) for resource in (PHONE, PHONE, None)]
    assert [summary(notification)["message-count"] for [notification] in told] == ["1", "1", "2"]


async def test_what_is_said_only_where_the_operator_wants_it(world: World) -> None:
    await world.account(ROMEO)
    push = world.module(Push, sender=True, body=True)
    await ask(push, "enable", f"jid='{SERVICE}' node='n'")
    fields = summary((await tell(push))[0])
    assert (fields["last-message-sender"], fields["last-message-body"]) == (f"{JULIET}/a", "Hi & ho")


@pytest.mark.parametrize(("inside", "type", "told"), [
    ("<body>x</body>", "chat", 1), ("<body>x</body>", "normal", 1), ("<store xmlns='urn:xmpp:hints'/>", "chat", 1),
    ("<propose xmlns='urn:xmpp:jingle-message:0' id='1'/>", "chat", 1),
    ("<composing xmlns='http://jabber.org/protocol/chatstates'/>", "chat", 0),
    ("<received xmlns='urn:xmpp:receipts'/>", "chat", 0),
    ("<body>x</body>", "headline", 0), ("<body>x</body>", "error", 0), ("<body>x</body>", "groupchat", 0)])
async def test_what_is_worth_a_notification(push: Push, inside: str, type: str, told: int) -> None:
    await ask(push, "enable", f"jid='{SERVICE}' node='n'")
    assert len(await tell(push, f"<message type='{type}'>{inside}</message>")) == told


async def test_same_service_and_node_is_replaced(world: World, push: Push) -> None:
    """Section 5: the last request's options count; other nodes are other services. All of it outlives the server."""
    await ask(push, "enable", f"jid='{SERVICE}' node='a'")
    await ask(push, "enable", f"jid='{SERVICE}' node='a'", OPTIONS)
    await ask(push, "enable", f"jid='{SERVICE}' node='b'")
    for one in (push, world.module(Push)):
        told = await tell(one)
        assert [(n[0][0].get("node"), len(n[0])) for n in told] == [("a", 2), ("b", 1)]


async def test_disabled(world: World, push: Push) -> None:
    """Section 6: one node, or all of the service."""
    for jid, node in ((SERVICE, "a"), (SERVICE, "b"), (SERVICE, "c"), ("other.example", "a")):
        await ask(push, "enable", f"jid='{jid}' node='{node}'")
    await ask(push, "disable", f"jid='{SERVICE}' node='b'")
    assert [n[0][0].get("node") for n in await tell(push)] == ["a", "c", "a"]
    assert await ask(push, "disable", f"jid='{SERVICE}'") == [Reply()]
    for one in (push, world.module(Push)):
        assert [n.get("to") for n in await tell(one)] == ["other.example"]
    await ask(push, "disable", "jid='other.example'")
    assert await tell(push) == []


@pytest.mark.parametrize(("name", "attrs", "inside", "condition"), [
    ("enable", "", "", "bad-request"), ("enable", "jid='@'", "", "jid-malformed"), ("disable", "", "", "bad-request"),
    ("disable", "jid=''", "", "jid-malformed"),
    ("enable", f"jid='{SERVICE}'", OPTIONS.replace("publish-options", "other"), "bad-request"),
    ("enable", f"jid='{SERVICE}'", OPTIONS.replace("submit", "form"), "bad-request"),
    ("enable", f"jid='{SERVICE}'", OPTIONS.replace("s3cret", "x" * 5_000), "policy-violation"),
    ("enable", f"jid='{SERVICE}' node='eleventh'", "", "resource-constraint")])
async def test_refused(push: Push, name: str, attrs: str, inside: str, condition: str) -> None:
    for number in range(10):
        await ask(push, "enable", f"jid='{number}.example'")
    with pytest.raises(Refused) as refused:
        await ask(push, name, attrs, inside)
    assert refused.value.condition == condition
    assert len(await tell(push)) == 10


async def test_rate(push: Push, world: World) -> None:
    await ask(push, "enable", f"jid='{SERVICE}' node='n'")
    told = [await tell(push) for _ in range(20)]
    assert sum(map(len, told)) == 12
    world.clock.time += 60
    notification, = await tell(push)
    assert summary(notification)["message-count"] == "21"


async def test_who_has_a_client_here_is_not_told(push: Push, world: World) -> None:
    await ask(push, "enable", f"jid='{SERVICE}' node='phone'")
    await ask(push, "enable", f"jid='{SERVICE}' node='tablet'", sender=f"{ROMEO}/tablet")
    world.arrives(PHONE, priority=-1)
    assert [n[0][0].get("node") for n in await tell(push)] == ["tablet"]


async def test_of_a_session_without_link_its_own_service_is_told(push: Push, world: World) -> None:
    for name in ("phone", "tablet"):
        await ask(push, "enable", f"jid='{SERVICE}' node='{name}'", sender=f"{ROMEO}/{name}")
        world.arrives(f"{ROMEO}/{name}")
    assert [n[0][0].get("node") for n in await tell(push, resource=f"{ROMEO}/tablet")] == ["tablet"]
    assert await tell(push, resource=f"{ROMEO}/desk") == []


async def test_final_errors_disable(push: Push, world: World) -> None:
    """Section 7.1."""
    await ask(push, "enable", f"jid='{SERVICE}' node='a'")
    await ask(push, "enable", f"jid='{SERVICE}' node='b'")
    first, _ = await tell(push)
    await answer(push, first, error("item-not-found"))
    for one in (push, world.module(Push)):
        assert [n[0][0].get("node") for n in await tell(one)] == ["b"]


@pytest.mark.parametrize("passing", [
    error("remote-server-timeout", "wait"), error("remote-server-not-found"), error("undefined-condition", "wait")])
async def test_passing_errors_disable_when_there_are_many_in_a_row(push: Push, passing: str) -> None:
    await ask(push, "enable", f"jid='{SERVICE}' node='a'")
    for inside in (passing,) * 4 + ("",) + (passing,) * 5:
        notification, = await tell(push)
        await answer(push, notification, inside)
    assert await tell(push) == []


async def test_errors_are_those_since_it_was_enabled(push: Push) -> None:
    await ask(push, "enable", f"jid='{SERVICE}' node='a'")
    for inside in (error("remote-server-timeout", "wait"),) * 4:
        notification, = await tell(push)
        await answer(push, notification, inside)
    await ask(push, "disable", f"jid='{SERVICE}' node='a'")
    assert not push._errors


async def test_answers_of_others_count_for_nothing(push: Push) -> None:
    await ask(push, "enable", f"jid='{SERVICE}' node='a'")
    notification, = await tell(push)
    await answer(push, notification, error("forbidden"), "evil.example")
    notification.set("id", "never")
    await answer(push, notification, error("forbidden"))
    assert len(await tell(push)) == 1


async def test_without_services_nothing_is_asked_twice(push: Push) -> None:
    assert await tell(push) == []
    assert push.missed(request(HELLO, f"{JULIET}/a", ROMEO), None) is None


async def test_a_deleted_account_leaves_nothing(push: Push, world: World) -> None:
    await ask(push, "enable", f"jid='{SERVICE}' node='a'")
    await push.deleting(ROMEO)
    await world.storage.accounts.delete(ROMEO)
    assert await tell(push) == []


def test_worth_nothing_is_body_of_another_namespace() -> None:
    assert not worth_telling(stanza("<message><body xmlns='urn:x'>x</body></message>", ROMEO))
    assert worth_telling(stanza(f"<message xmlns='{CLIENT}'><body>x</body></message>", ROMEO))
