"""XEP-0280: which messages are copied, to whom. Native only; the rules are in carbons.pyx."""
