"""RFC 6121 8.5 for messages and IQs. Native only; the table is in delivery.pyx."""
