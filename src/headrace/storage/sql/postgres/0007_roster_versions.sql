-- RFC 6121 2.6: which contacts' entries have changed since a client last looked. A change takes the next version of its
-- roster; the first starts from the clock, so that no account that is made again repeats versions of an earlier one.
CREATE TABLE roster_version (
    owner bigint PRIMARY KEY,           -- address
    version bigint NOT NULL             -- unix us at first, then counted
);

CREATE TABLE roster_change (
    owner bigint NOT NULL,              -- address
    jid text COLLATE "C" NOT NULL,      -- of the contact, be it still in the roster or not
    version bigint NOT NULL,            -- its last change
    PRIMARY KEY (owner, jid)
);
