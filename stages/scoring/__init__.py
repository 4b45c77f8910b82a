"""From answers to numbers: judges, counts, statistics, outcomes of models. Needs no torch."""
