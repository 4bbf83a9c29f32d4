"""The nonzas of XEP-0198 that switch stream management on and resume a stream."""

from xml.etree.ElementTree import fromstring

import pytest

from headrace.xep.management import Enable, Resume, enable, enabled, failed, resume, resumed, sm_id, written

ID = bytes(range(16))
TEXT = "AAECAwQFBgcICQoLDA0ODw"


@pytest.mark.parametrize(("attributes", "wish"), [
    ("", Enable(False, None)), ("resume='true'", Enable(True, None)), ("resume='1' max='30'", Enable(True, 30)),
    ("resume='yes' max='0'", Enable(False, None)), ("resume='true' max='x'", Enable(True, None)),
    ("resume='false' max='-1'", Enable(False, None)), ("max='99999999999'", Enable(False, None)),
    ("resume='true' max='\u0663'", Enable(True, None))])
def test_enable(attributes: str, wish: Enable) -> None:
    assert enable(fromstring(f"<enable xmlns='urn:xmpp:sm:3' {attributes}/>")) == wish


@pytest.mark.parametrize(("attributes", "wish"), [
    (f"previd='{TEXT}' h='7'", Resume(ID, 7)), ("previd='' h='0'", Resume(None, 0)),
    (f"previd='{TEXT}=' h='4294967295'", Resume(None, 4294967295)), (f"previd='{TEXT[:-1]}' h='1'", Resume(None, 1)),
    (f"previd='{TEXT[:-1]}x' h='1'", Resume(None, 1)),      # other bits behind the 128th: one id has one form
    ("previd='\u00e9' h='1'", Resume(None, 1)), (f"previd='{TEXT}{TEXT}' h='1'", Resume(None, 1))])
def test_resume(attributes: str, wish: Resume) -> None:
    assert resume(fromstring(f"<resume xmlns='urn:xmpp:sm:3' {attributes}/>")) == wish


@pytest.mark.parametrize("attributes", ["", "h='1'", "previd='x'", "previd='x' h=''", "previd='x' h='4294967296'",
                                        "previd='x' h='-1'", "previd='x' h=' 1'"])
def test_resume_without_what_it_needs(attributes: str) -> None:
    with pytest.raises(ValueError, match="h"):
        resume(fromstring(f"<resume xmlns='urn:xmpp:sm:3' {attributes}/>"))


def test_answers() -> None:
    assert (written(ID), sm_id(TEXT)) == (TEXT, ID)
    assert enabled(ID, 60).decode() == f"<enabled xmlns='urn:xmpp:sm:3' id='{TEXT}' resume='true' max='60'/>"
    assert enabled(ID, 0).decode() == f"<enabled xmlns='urn:xmpp:sm:3' id='{TEXT}'/>"
    assert resumed(ID, 5).decode() == f"<resumed xmlns='urn:xmpp:sm:3' previd='{TEXT}' h='5'/>"
    condition = "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
    assert failed("item-not-found").decode() == f"<failed xmlns='urn:xmpp:sm:3'>{condition}</failed>"
    assert failed("item-not-found", 0).decode() == f"<failed xmlns='urn:xmpp:sm:3' h='0'>{condition}</failed>"
