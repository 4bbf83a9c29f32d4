-- What an account is and keeps beside its roster; all of it goes with the account.
ALTER TABLE account ADD COLUMN disabled boolean NOT NULL DEFAULT false;     -- may not log in

-- Whom it has blocked (XEP-0191): prepared JIDs of any form. By owner alone: with a full JID an index entry may be too long.
CREATE TABLE block (
    owner text COLLATE "C" NOT NULL REFERENCES account(jid) ON DELETE CASCADE,
    jid text COLLATE "C" NOT NULL
);

CREATE INDEX block_of_owner ON block(owner);

-- XML that it keeps here: private storage, a vCard.
CREATE TABLE document (
    owner text COLLATE "C" NOT NULL REFERENCES account(jid) ON DELETE CASCADE,
    kind text COLLATE "C" NOT NULL,     -- whose feature it is
    name text COLLATE "C" NOT NULL,
    content bytea NOT NULL
);

CREATE INDEX document_of_owner ON document(owner);
