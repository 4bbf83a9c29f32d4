-- The key of the hash in stanza-ids (protocol.md 6): 122 random bits.
INSERT INTO meta(key, data) VALUES ('stanza_id_key', decode(replace(gen_random_uuid()::text, '-', ''), 'hex'));
