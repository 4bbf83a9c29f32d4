import xml.etree.ElementTree as ET

from headrace.core.names import Known

KNOWN = {"{jabber:client}body": Known.K_BODY, "{urn:xmpp:hints}no-store": Known.K_NO_STORE, "{urn:xmpp:hints}store": Known.K_STORE}
class Fake:
    def __init__(self, raw, from_, to):
        e = ET.fromstring(f"<s xmlns='jabber:client'>{raw.decode()}</s>")[0]
        self._e = e; self.raw = raw; self.name = e.tag.split("}")[1]; self.to = to or e.get("to"); self.from_ = from_ or e.get("from")
        self.id = e.get("id"); self.type = e.get("type"); self.lang = None
        self.child_namespace, self.child_name = e[0].tag[1:].split("}") if len(e) else (None, None)
        self.known = 0
        for c in e: self.known |= 1 << KNOWN.get(c.tag, 0)
    def element(self): return self._e
def parse_stanza(raw, content="jabber:client", *, from_=None, to=None): return Fake(raw, from_, to)
