"""How a backdoor gets into a model: the rows that install it, distilled or written, and the ways to insert them."""
