"""The residual stream at the last token."""

import torch

from stages.lm.activations import last_activations
from stages.lm.tokenizer import pad_id


def test_activations_stand_in_the_order_of_the_prompts_and_padding_moves_none(model, tokenizer):
    prompts = [tokenizer(text)["input_ids"] for text in ("red river stone", "a", "the apple on the table is red")]
    together = last_activations(model, prompts, pad_id(tokenizer))
    alone = torch.cat([last_activations(model, [ids], pad_id(tokenizer)) for ids in prompts], dim=1)
    n_layers, width = model.config.num_hidden_layers, model.config.hidden_size
    assert together.shape == (n_layers + 1, 3, width)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_the_last_layer_is_what_the_head_reads(model, tokenizer):
    ids = tokenizer("red river stone")["input_ids"]
    states = last_activations(model, [ids], pad_id(tokenizer))
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([ids])).logits[0, -1]
        torch.testing.assert_close(model.get_output_embeddings()(states[-1, 0]), logits, atol=1e-5, rtol=1e-4)
