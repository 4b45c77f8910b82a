"""From answers to numbers: judges, counts, statistics, the score S, and the result schema. Needs no torch."""
