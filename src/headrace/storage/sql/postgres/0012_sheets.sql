-- Boxes stay rows here: only SQLite's have sheets. Both back ends count the same steps.
SELECT 1;
