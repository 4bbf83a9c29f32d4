-- The archive (XEP-0313). A message is found from the sender's session too (protocol.md 4): the columns stand before the
-- stanza, whose rest may lie on other pages.
CREATE TABLE message_new (
    id INTEGER PRIMARY KEY,
    a INTEGER NOT NULL,                 -- address: who sent it
    b INTEGER NOT NULL,                 -- address: whom it is for
    flags INTEGER NOT NULL,             -- headrace.router.group.MessageFlag
    sm_key INTEGER NOT NULL,            -- of the sender's session (XEP-0198), as a signed number; 0: none
    h INTEGER NOT NULL,                 -- that session's, once this and all before it were kept
    stanza BLOB NOT NULL
);
INSERT INTO message_new SELECT id, a, b, flags, 0, 0, stanza FROM message;
DROP TABLE message;
ALTER TABLE message_new RENAME TO message;

CREATE INDEX box_of_peer ON box(owner, peer, id);

-- Boxes are filled after the commits, many at a time: messages beyond this id have no rows there yet.
INSERT INTO meta(key, value) VALUES ('boxed', (SELECT coalesce(max(id), 0) FROM message));

-- Up to which message some session of the account has acknowledged what it got (protocol.md 5).
CREATE TABLE mark (
    owner INTEGER PRIMARY KEY,          -- address
    id INTEGER NOT NULL                 -- message
);
