"""One stanza on its way through the router. Native only."""
