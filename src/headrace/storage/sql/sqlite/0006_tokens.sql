-- Login tokens of clients (XEP-0484). What is here logs nobody in: the server's key is not in the database.
CREATE TABLE token (
    jid TEXT NOT NULL,                  -- bare JID; of an account that may be known elsewhere only
    client TEXT NOT NULL,               -- id of its user agent (XEP-0388 2.3)
    fresh INTEGER NOT NULL,             -- 1: issued and not used yet
    mechanism TEXT NOT NULL,
    seed BLOB NOT NULL,
    issued REAL NOT NULL,               -- unix s
    expires REAL NOT NULL,
    PRIMARY KEY (jid, client, fresh)
) WITHOUT ROWID;
