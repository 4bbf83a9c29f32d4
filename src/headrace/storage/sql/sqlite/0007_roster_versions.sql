-- RFC 6121 2.6: which contacts' entries have changed since a client last looked. A change takes the next version of its
-- roster; the first starts from the clock, so that no account that is made again repeats versions of an earlier one.
CREATE TABLE roster_version (
    owner TEXT PRIMARY KEY,
    version INTEGER NOT NULL            -- unix us at first, then counted
) WITHOUT ROWID;

CREATE TABLE roster_change (
    owner TEXT NOT NULL,
    jid TEXT NOT NULL,                  -- of the contact, be it still in the roster or not
    version INTEGER NOT NULL,           -- its last change
    PRIMARY KEY (owner, jid)
) WITHOUT ROWID;
