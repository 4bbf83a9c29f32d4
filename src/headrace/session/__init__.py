"""From a connection to a bound session: who is it, may he, and where does his stream go on."""
