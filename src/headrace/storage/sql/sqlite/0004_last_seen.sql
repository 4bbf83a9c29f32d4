-- When the account's last session ended (XEP-0012).
CREATE TABLE last_seen (
    jid TEXT PRIMARY KEY REFERENCES account(jid) ON DELETE CASCADE,
    at REAL NOT NULL                    -- unix s
) WITHOUT ROWID;
