"""Numbers of bare JIDs in memory. Native only."""
