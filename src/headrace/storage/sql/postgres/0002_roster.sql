-- Bare JIDs are numbers where they repeat in every row. Numbers are never taken back: writers remember them.
CREATE TABLE address (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    jid text COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE roster (
    owner bigint NOT NULL,              -- address
    jid text COLLATE "C" NOT NULL,      -- of the contact
    name text NOT NULL,
    subscription text NOT NULL,         -- 'none', 'to', 'from', 'both'
    ask boolean NOT NULL,
    approved boolean NOT NULL,
    listed boolean NOT NULL,            -- false: only pending_in is known
    groups text[] NOT NULL,
    pending_in bytea,                   -- the contact's unanswered subscribe stanza
    PRIMARY KEY (owner, jid)
);
