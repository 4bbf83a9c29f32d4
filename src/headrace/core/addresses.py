"""Parts of JIDs that are prepared already: without an object, and without a look whether they are JIDs."""


def domain_of(jid: str) -> str:
    return jid.partition("/")[0].rpartition("@")[2]
