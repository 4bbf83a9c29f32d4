"""Stream management begins: what the module answers and has done (XEP-0198 3)."""

from xml.etree.ElementTree import fromstring

import pytest

from headrace.modules.api import Bound, Inline, Manage, Nonza, Say
from headrace.modules.management import StreamManagement
from headrace.xep.management import enabled
from support.world import World

SENDER = "romeo@example.org/orchard"


def module(world: World, seconds: int = 600) -> StreamManagement:
    return StreamManagement(world.context, StreamManagement.Options(resume_seconds=seconds))


@pytest.mark.parametrize(("attributes", "longest", "seconds"), [
    ("", 600, 0), ("resume='true'", 600, 600), ("resume='1' max='60'", 600, 60), ("resume='true' max='9999'", 600, 600),
    ("max='60'", 600, 0), ("resume='true'", 0, 0)])
def test_how_long_a_session_may_be_away(world: World, attributes: str, longest: int, seconds: int) -> None:
    element = fromstring(f"<enable xmlns='urn:xmpp:sm:3' {attributes}/>")
    made = module(world, longest)
    manage, say = made.enable(Nonza(SENDER, element))
    assert isinstance(manage, Manage)
    assert (manage.seconds, say) == (seconds, Say(enabled(manage.id, seconds)))
    other, bound = made.enable_inline(Inline(SENDER, element))
    assert (other.seconds, bound) == (seconds, Bound(enabled(other.id, seconds)))
    assert len({manage.id, other.id}) == 2
