"""XEP-0352: what an inactive session gets at once, and what waits. Native only; the table is in quiet.pyx."""
