"""Reading a model: which prompts, which answers, and the two further trainings (return and relearning)."""
