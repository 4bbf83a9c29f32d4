from headrace.core.stanza import parse_element
from headrace.xep import commands
from support.stanzas import shape

HEAD = "<command xmlns='http://jabber.org/protocol/commands' node='n&amp;' sessionid='s'"


def test_read() -> None:
    asked = commands.parse(parse_element(f"{HEAD} action='complete'><x xmlns='jabber:x:data'/></command>".encode()))
    assert (asked.node, asked.action, asked.session) == ("n&", "complete", "s")
    assert asked.form is not None
    plain = commands.parse(parse_element(b"<command xmlns='http://jabber.org/protocol/commands' node='n'/>"))
    assert plain == ("n", "execute", None, None)


def test_written() -> None:
    form = b"<x xmlns='jabber:x:data'/>"
    for written, expected in (
        (commands.executing("n&", "s", form),
         f"{HEAD} status='executing'><actions execute='complete'><complete/></actions>{form.decode()}</command>"),
        (commands.completed("n&", "s", form, note="<done>"),
         f"{HEAD} status='completed'><note type='info'>&lt;done></note>{form.decode()}</command>"),
        (commands.completed("n&", "s", note="no", failed=True),
         f"{HEAD} status='completed'><note type='error'>no</note></command>"),
        (commands.completed("n&", "s"), f"{HEAD} status='completed'/>"),
        (commands.canceled("n&", "s"), f"{HEAD} status='canceled'/>"),
    ):
        assert shape(parse_element(written)) == shape(parse_element(expected.encode()))
