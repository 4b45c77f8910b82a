"""Language models: tokenizer, architecture, training through TRL, generation. Knows nothing of backdoors."""
