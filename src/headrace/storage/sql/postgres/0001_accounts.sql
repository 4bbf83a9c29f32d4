-- jid: prepared bare JID. No password is stored, only what checks one (RFC 5802 3).
CREATE TABLE account (
    jid text COLLATE "C" PRIMARY KEY,
    host text COLLATE "C" NOT NULL,
    created double precision NOT NULL   -- unix s
);

-- Without jid: both together can be longer than an index entry may be.
CREATE INDEX account_of_host ON account(host);

CREATE TABLE verifier (
    jid text COLLATE "C" NOT NULL REFERENCES account(jid) ON DELETE CASCADE,
    digest text COLLATE "C" NOT NULL,   -- headrace.sasl.credentials.Digest
    iterations integer NOT NULL,
    salt bytea NOT NULL,
    stored_key bytea NOT NULL,
    server_key bytea NOT NULL,
    PRIMARY KEY (jid, digest)
);

CREATE TABLE meta (
    key text PRIMARY KEY,
    number bigint,
    data bytea
);
