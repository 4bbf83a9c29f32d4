-- When the account's last session ended (XEP-0012).
CREATE TABLE last_seen (
    jid text COLLATE "C" PRIMARY KEY REFERENCES account(jid) ON DELETE CASCADE,
    at double precision NOT NULL        -- unix s
);
