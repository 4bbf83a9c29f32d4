-- The key of the hash in stanza-ids (protocol.md 6).
INSERT INTO meta(key, value) VALUES ('stanza_id_key', randomblob(16));
