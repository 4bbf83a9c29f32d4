-- How far a session's stanzas were kept (protocol.md 4), said by messages that are not in its account's archive. They
-- had entries in its box, which outlived them; now they are found here, and an archive's box has what is in the archive.
CREATE INDEX message_of_session ON message(sm_key, id) WHERE sm_key <> 0 AND NOT flags & 2;
