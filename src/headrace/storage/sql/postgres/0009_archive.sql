-- The archive (XEP-0313). A message is found from the sender's session too (protocol.md 4).
ALTER TABLE message ADD COLUMN sm_key bigint NOT NULL DEFAULT 0;    -- of the sender's (XEP-0198), signed; 0: none
ALTER TABLE message ADD COLUMN h bigint NOT NULL DEFAULT 0;         -- that session's, once all up to this was kept

CREATE INDEX box_of_peer ON box(owner, peer, id);

-- Up to which message some session of the account has acknowledged what it got (protocol.md 5).
CREATE TABLE mark (
    owner bigint PRIMARY KEY,           -- address
    id bigint NOT NULL                  -- message
);
