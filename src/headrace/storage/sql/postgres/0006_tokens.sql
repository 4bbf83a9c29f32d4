-- Login tokens of clients (XEP-0484). What is here logs nobody in: the server's key is not in the database.
CREATE TABLE token (
    jid text COLLATE "C" NOT NULL,      -- bare JID; of an account that may be known elsewhere only
    client text COLLATE "C" NOT NULL,   -- id of its user agent (XEP-0388 2.3)
    fresh boolean NOT NULL,             -- issued and not used yet
    mechanism text NOT NULL,
    seed bytea NOT NULL,
    issued double precision NOT NULL,   -- unix s
    expires double precision NOT NULL,
    PRIMARY KEY (jid, client, fresh)
);
