from headrace.router.group import Group

def jids(group: Group) -> set[bytes]:
    """The bare JIDs in it: senders and recipients."""

def copies(group: Group, numbers: dict[bytes, int]) -> tuple[bytes, bytes, bytes]:
    """What `COPY message (id, a, b, flags, stanza, sm_key, h)`, `COPY box (owner, id, peer)` and `COPY spool (id)` take
    from it, FROM STDIN in binary format (the last is empty where there is nothing for it); numbers: of each of its
    JIDs, in table address. Raises KeyError if one is missing."""
