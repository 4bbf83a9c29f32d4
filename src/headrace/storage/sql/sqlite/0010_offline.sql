-- Offline messages are few among those of the archives; what is acknowledged is looked for here, however large these are.
CREATE INDEX message_offline ON message(b, id) WHERE flags & 1;
