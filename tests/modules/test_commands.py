from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree.ElementTree import Element

import pytest

from headrace.modules import commands
from headrace.modules.api import Call, Done, Module, Refused, Reply, command
from headrace.modules.commands import Commands
from headrace.modules.hosts import Host
from headrace.xep.forms import Field
from support.stanzas import tree
from support.world import World, effects, request

ROMEO, ADMIN = "romeo@example.org", "admin@example.org"
COMMANDS, X = "{http://jabber.org/protocol/commands}", "{jabber:x:data}"
INFO = "{http://jabber.org/protocol/disco#info}"


class Sample(Module):
    name = "sample"

    @command("urn:sample#shout", "Shout", Field("text", required=True), form_type="urn:sample", instructions="Loud.")
    async def shout(self, call: Call) -> Done:
        [text] = call.values["text"]
        if text == "refuse":
            raise Refused("conflict")
        return Done(text.upper(), failed=text == "fail")

    @command("urn:sample#count", "Count", form_type="urn:sample")
    async def count(self, call: Call) -> Done:
        return Done(fields=(Field("count", values=("3",)),))


@dataclass
class Desk:
    module: Commands
    seen: list[Element] = field(default_factory=list)

    async def ask(self, *, node: str = "urn:sample#shout", session: str = "", action: str = "", text: str | None = None,
                  sender: str = f"{ADMIN}/r", to: str = "example.org") -> Element:
        attributes = f" sessionid='{session}'" * bool(session) + f" action='{action}'" * bool(action)
        x = "" if text is None else ("<x xmlns='jabber:x:data' type='submit'><field var='text'>"
                                     f"<value>{text}</value></field></x>")
        xml = f"<iq type='set' id='1'><command xmlns='{COMMANDS[1:-1]}' node='{node}'{attributes}>{x}</command></iq>"
        [reply] = await effects(self.module.run(request(xml, sender, to)))
        assert isinstance(reply, Reply)
        return tree(reply.payload)

    async def refusal(self, **asked: Any) -> tuple[str, str]:
        """(condition, specific condition)"""
        with pytest.raises(Refused) as refused:
            await self.ask(**asked)
        return refused.value.condition, tree(refused.value.extra or b"<none/>").tag.rpartition("}")[2]


@pytest.fixture
def desk(world: World) -> Desk:
    hosts = {"example.org": Host(admins=frozenset({ADMIN})), "example.net": Host()}
    context = replace(world.context, hosts=hosts)
    module = Commands(context, Commands.Options())
    module.loaded([module, Sample(context, Sample.Options())])
    return Desk(module)


async def test_two_stages(desk: Desk) -> None:
    form = await desk.ask()
    session = form.get("sessionid", "")
    assert (form.get("node"), form.get("status")) == ("urn:sample#shout", "executing")
    assert [child.tag for child in form] == [f"{COMMANDS}actions", f"{X}x"]
    assert (form[0].get("execute"), [action.tag for action in form[0]]) == ("complete", [f"{COMMANDS}complete"])
    assert (form[1].findtext(f"{X}title"), form[1].findtext(f"{X}instructions")) == ("Shout", "Loud.")
    done = await desk.ask(session=session, text="hello", action="complete")
    assert (done.get("sessionid"), done.get("status")) == (session, "completed")
    assert (done[0].tag, done[0].get("type"), done[0].text) == (f"{COMMANDS}note", "info", "HELLO")
    assert await desk.refusal(session=session, text="again") == ("bad-request", "bad-sessionid")


async def test_without_a_form_or_with_it_filled_in_at_once(desk: Desk) -> None:
    counted = await desk.ask(node="urn:sample#count", action="execute")
    assert counted.get("status") == "completed"
    assert counted[0].find(f"{X}field[@var='count']/{X}value").text == "3"  # type: ignore[union-attr]
    assert (await desk.ask(text="hello"))[0].text == "HELLO"


async def test_failure_that_is_told(desk: Desk) -> None:
    failed = await desk.ask(text="fail")
    assert (failed.get("status"), failed[0].get("type")) == ("completed", "error")


async def test_cancel(desk: Desk) -> None:
    session = (await desk.ask()).get("sessionid", "")
    assert (await desk.ask(session=session, action="cancel")).get("status") == "canceled"
    assert await desk.refusal(session=session, action="cancel") == ("bad-request", "bad-sessionid")


async def test_refusals(desk: Desk) -> None:
    session = (await desk.ask()).get("sessionid", "")
    for asked, expected in [
        ({"node": "urn:unknown"}, ("item-not-found", "none")),
        ({"action": "dance"}, ("bad-request", "malformed-action")),
        ({"action": "complete", "text": "x"}, ("bad-request", "bad-action")),
        ({"session": session, "action": "prev"}, ("bad-request", "bad-action")),
        ({"session": session, "action": "next", "text": "x"}, ("bad-request", "bad-action")),
        ({"session": session}, ("bad-request", "bad-payload")),
        ({"session": session, "text": ""}, ("bad-request", "bad-payload")),
        ({"session": session, "text": "x", "node": "urn:sample#count"}, ("bad-request", "bad-sessionid")),
        ({"session": session, "text": "x", "sender": f"{ADMIN}/other"}, ("bad-request", "bad-sessionid")),
        ({"session": "unknown", "text": "x"}, ("bad-request", "bad-sessionid")),
        ({"session": session, "text": "refuse"}, ("conflict", "none")),
    ]:
        assert await desk.refusal(**asked) == expected, asked
    assert (await desk.ask(session=session, text="still open"))[0].text == "STILL OPEN"


@pytest.mark.parametrize(("sender", "to"), [(f"{ROMEO}/o", "example.org"), (f"{ADMIN}/r", "example.net")])
async def test_for_the_administrators_of_that_domain_alone(desk: Desk, sender: str, to: str) -> None:
    for node in ("urn:sample#shout", "urn:sample#count", "urn:unknown"):
        assert await desk.refusal(sender=sender, to=to, node=node, text="x") == ("forbidden", "none")
    asked = request("<iq type='get' id='1'><query xmlns='x'/></iq>", sender, to)
    assert b"<item " not in (desk.module.node_items(asked, COMMANDS[1:-1]) or b"")
    with pytest.raises(Refused, match="forbidden"):
        desk.module.node_info(asked, "urn:sample#count")


def test_discovery(desk: Desk) -> None:
    asked = request("<iq type='get' id='1'><query xmlns='x'/></iq>", f"{ADMIN}/r", "example.org")
    items = tree(desk.module.node_items(asked, COMMANDS[1:-1]) or b"")
    assert [(item.get("jid"), item.get("name"), item.get("node")) for item in items] == [
        ("example.org", "Count", "urn:sample#count"), ("example.org", "Shout", "urn:sample#shout")]
    listing = tree(desk.module.node_info(asked, COMMANDS[1:-1]) or b"")
    assert [i.get("type") for i in listing.findall(f"{INFO}identity")] == ["command-list"]
    info = tree(desk.module.node_info(asked, "urn:sample#shout") or b"")
    assert [(i.get("category"), i.get("type"), i.get("name")) for i in info.findall(f"{INFO}identity")] == [
        ("automation", "command-node", "Shout")]
    assert {f.get("var") for f in info.findall(f"{INFO}feature")} == {COMMANDS[1:-1], "jabber:x:data"}
    assert desk.module.node_info(asked, "urn:unknown") is desk.module.node_items(asked, "urn:unknown") is None


async def test_open_forms_are_bounded_and_end_with_their_session(desk: Desk) -> None:
    sessions = [(await desk.ask()).get("sessionid", "") for _ in range(commands.OPEN + 1)]
    assert await desk.refusal(session=sessions[0], text="x") == ("bad-request", "bad-sessionid")
    assert (await desk.ask(session=sessions[1], text="x")).get("status") == "completed"
    desk.module.gone(f"{ADMIN}/r")
    assert await desk.refusal(session=sessions[2], text="x") == ("bad-request", "bad-sessionid")
