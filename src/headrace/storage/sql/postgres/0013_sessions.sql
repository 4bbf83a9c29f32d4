-- These messages are found by their rows in boxes here. Both back ends count the same steps.
SELECT 1;
