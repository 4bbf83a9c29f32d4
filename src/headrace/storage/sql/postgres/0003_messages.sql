-- A stanza is stored once, appended in the order of ids (64 bits, time-ordered: headrace.storage.ids), and each owner
-- of it has a small row in its box.
CREATE TABLE message (
    id bigint PRIMARY KEY,
    a bigint NOT NULL,                  -- address: who sent it
    b bigint NOT NULL,                  -- address: whom it is for
    flags integer NOT NULL,             -- headrace.storage.writer.MessageFlag
    stanza bytea NOT NULL
);

CREATE TABLE box (
    owner bigint NOT NULL,              -- address
    id bigint NOT NULL,                 -- message
    peer bigint NOT NULL,               -- address: the other side
    PRIMARY KEY (owner, id)
);

-- No id at or below it is given again, also after a crash (protocol.md 6).
INSERT INTO meta(key, number) VALUES ('reserved_id', 0);
