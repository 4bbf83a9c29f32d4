-- A box was a row per message in two trees, which took more time than to store the message. Now it is a row per 500
-- messages: a sheet. What is in the old ones comes into the new ones from the messages (storage.sqlite.database).
DROP TABLE box;
CREATE TABLE box (
    owner INTEGER NOT NULL,             -- address
    first INTEGER NOT NULL,             -- message: no entry is below it, and none of the sheets before reaches it
    entries BLOB NOT NULL,              -- in the order of ids: message, and address of the other side, 64 bits each as
                                        -- this machine has them; an entry may outlive its message
    PRIMARY KEY (owner, first)
) WITHOUT ROWID;

-- Whom the sheets of a box have entries of; not those of its last one, which is still written to.
CREATE TABLE box_peer (
    owner INTEGER NOT NULL,             -- address
    peer INTEGER NOT NULL,              -- address: the other side
    first INTEGER NOT NULL,             -- sheet
    PRIMARY KEY (owner, peer, first)
) WITHOUT ROWID;

UPDATE meta SET value = 0 WHERE key = 'boxed';
