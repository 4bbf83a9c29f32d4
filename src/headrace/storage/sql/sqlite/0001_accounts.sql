-- jid: prepared bare JID. No password is stored, only what checks one (RFC 5802 3).
CREATE TABLE account (
    jid TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    created REAL NOT NULL               -- unix s
) WITHOUT ROWID;

CREATE INDEX account_of_host ON account(host, jid);

CREATE TABLE verifier (
    jid TEXT NOT NULL REFERENCES account(jid) ON DELETE CASCADE,
    digest TEXT NOT NULL,               -- headrace.sasl.credentials.Digest
    iterations INTEGER NOT NULL,
    salt BLOB NOT NULL,
    stored_key BLOB NOT NULL,
    server_key BLOB NOT NULL,
    PRIMARY KEY (jid, digest)
) WITHOUT ROWID;

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value NOT NULL
) WITHOUT ROWID;
