CREATE TABLE roster (
    owner TEXT NOT NULL,
    jid TEXT NOT NULL,                  -- of the contact
    name TEXT NOT NULL,
    subscription TEXT NOT NULL,         -- 'none', 'to', 'from', 'both'
    ask INTEGER NOT NULL,
    approved INTEGER NOT NULL,
    listed INTEGER NOT NULL,            -- 0: only pending_in is known
    groups TEXT NOT NULL,               -- JSON array of texts
    pending_in BLOB,                    -- the contact's unanswered subscribe stanza
    PRIMARY KEY (owner, jid)
) WITHOUT ROWID;
