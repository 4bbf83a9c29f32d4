-- A stanza is stored once, appended in the order of ids (64 bits, time-ordered: headrace.storage.ids), and each owner
-- of it has a small row in its box. Bare JIDs are numbers here: they repeat in every row.
CREATE TABLE address (
    id INTEGER PRIMARY KEY,
    jid TEXT NOT NULL UNIQUE
);

CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    a INTEGER NOT NULL,                 -- address: who sent it
    b INTEGER NOT NULL,                 -- address: whom it is for
    flags INTEGER NOT NULL,             -- headrace.storage.writer.MessageFlag
    stanza BLOB NOT NULL
);

CREATE TABLE box (
    owner INTEGER NOT NULL,             -- address
    id INTEGER NOT NULL,                -- message
    peer INTEGER NOT NULL,              -- address: the other side
    PRIMARY KEY (owner, id)
) WITHOUT ROWID;

-- No id at or below it is given again, also after a crash (protocol.md 6).
INSERT INTO meta(key, value) VALUES ('reserved_id', 0);
