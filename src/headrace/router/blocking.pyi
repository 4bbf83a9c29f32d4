"""XEP-0191: matching of block lists. Native only; the table is in blocking.pyx, changes are Router.set_blocked()."""
