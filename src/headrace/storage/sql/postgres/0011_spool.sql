-- The outgoing spool (protocol.md 3): messages that wait until the server they are for has them.
CREATE TABLE spool (
    id bigint PRIMARY KEY               -- message
);
