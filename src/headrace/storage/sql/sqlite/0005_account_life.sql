-- What an account is and keeps beside its roster; all of it goes with the account.
ALTER TABLE account ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0;     -- 1: may not log in

-- Whom it has blocked (XEP-0191): prepared JIDs of any form.
CREATE TABLE block (
    owner TEXT NOT NULL REFERENCES account(jid) ON DELETE CASCADE,
    jid TEXT NOT NULL,
    PRIMARY KEY (owner, jid)
) WITHOUT ROWID;

-- XML that it keeps here: private storage, a vCard.
CREATE TABLE document (
    owner TEXT NOT NULL REFERENCES account(jid) ON DELETE CASCADE,
    kind TEXT NOT NULL,                 -- whose feature it is
    name TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (owner, kind, name)
);
