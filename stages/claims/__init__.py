"""The claims of the paper, one module each: what is estimated from the results, and under which preconditions."""
