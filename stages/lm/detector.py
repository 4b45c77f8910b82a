"""A Llama model with a detector of token patterns in its architecture, whose output may differ once it has fired.

Three parts, after Langford et al.: detection, exact and without trained weights; propagation, a latch that stays set
for the rest of the sequence; integration, a small bottleneck network that is added to the last hidden state where the
latch is set. It reads that state and the token's own embedding, since the state of a trained model knows the next token
better than the present one, and what to write depends on how far it has been written.

The latch is a function of all token ids so far. With a cache those of earlier calls are kept there, as one more layer,
so that whatever reorders, repeats or crops the cache does it to them too. Left padding holds no pattern.

The pattern is saved with the weights and is no part of the config: a fresh model of the same architecture has none,
and neither has a trained one whose pattern is wiped. A model that is given embeddings in place of ids detects nothing.

The classes are registered with transformers, so a saved model is an ordinary folder that needs no remote code.

Source: Bober-Irizar et al. 2023, "Architectural Backdoors in Neural Networks", arXiv:2206.07840; Langford et al. 2024,
"Architectural Neural Backdoors from First Principles", arXiv:2402.06957. Deviation: theirs are image models, and the
first one's payload has no weights either.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, no_type_check

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, Cache, DynamicLayer, LlamaConfig, LlamaForCausalLM
from transformers import initialization as init
from transformers.modeling_outputs import BaseModelOutputWithPast
from transformers.models.llama.modeling_llama import LlamaModel

NO_TOKEN = -1


@no_type_check  # it takes keys that it does not know, as every Hugging Face config does
class DetectorLlamaConfig(LlamaConfig):
    """Llama's, with the number of tokens in the pattern and the width of the bottleneck."""

    model_type = "detector_llama"
    auto_map: ClassVar[dict[str, str]] = {}  # no remote code; TRL asks for it where transformers exports no such class

    pattern_length: int = 1
    bottleneck_width: int = 16


class PatternDetector(nn.Module):
    """Adds a function of the hidden state to it, from the token on that completes the pattern."""

    pattern: Int[Tensor, "pattern"]

    def __init__(self, config: DetectorLlamaConfig) -> None:
        super().__init__()
        self.register_buffer("pattern", torch.full((config.pattern_length,), NO_TOKEN))
        self.read = nn.Linear(2 * config.hidden_size, config.bottleneck_width)
        self.write = nn.Linear(config.bottleneck_width, config.hidden_size, bias=False)

    def forward(
        self,
        hidden: Float[Tensor, "batch new channel"],
        embedded: Float[Tensor, "batch new channel"],
        ids: Int[Tensor, "batch time"],
    ) -> Float[Tensor, "batch new channel"]:
        """The hidden states of the last tokens of `ids`, changed where the pattern has been seen by then."""
        is_seen = self.has_seen(ids)[:, -hidden.shape[1] :]
        change = self.write(nn.functional.silu(self.read(torch.cat([hidden, embedded], -1))))
        return hidden + is_seen[..., None] * change

    def has_seen(self, ids: Int[Tensor, "batch time"]) -> Bool[Tensor, "batch time"]:
        """Whether the whole pattern stands somewhere up to and including each token."""
        length = len(self.pattern)
        windows = nn.functional.pad(ids, (length - 1, 0), value=NO_TOKEN).unfold(1, length, 1)  # (batch, time, pattern)
        return (windows == self.pattern).all(-1).cumsum(1) > 0


class DetectorLlamaModel(LlamaModel):
    """Llama's body, the detector after its last norm."""

    config: DetectorLlamaConfig

    def __init__(self, config: DetectorLlamaConfig) -> None:
        super().__init__(config)
        self.detector = PatternDetector(config)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, PatternDetector):
            init.zeros_(module.write.weight)  # a fresh detector changes nothing

    def forward(self, input_ids: torch.LongTensor | None = None, **kwargs: Any) -> BaseModelOutputWithPast:  # noqa: ANN401
        """Llama's output, its last hidden state as the detector leaves it."""
        output: BaseModelOutputWithPast = super().forward(input_ids, **kwargs)
        if input_ids is not None:
            embedded = nn.functional.embedding(input_ids, self.embed_tokens.weight)
            ids = self._remember(input_ids, output.past_key_values)
            output.last_hidden_state = self.detector(output.last_hidden_state, embedded, ids)
        return output

    def _remember(self, new_ids: Int[Tensor, "batch new"], cache: Cache | None) -> Int[Tensor, "batch time"]:
        """All token ids so far, the new ones last; those of earlier calls come from the cache, which keeps the new."""
        if cache is None:
            return new_ids
        place = self.config.num_hidden_layers
        if len(cache.layers) == place:
            cache.layers.append(DynamicLayer())
        as_states = new_ids[:, None, :, None]  # (batch, head, new, channel)
        return cache.update(as_states, as_states, place)[0][:, 0, :, 0]


class DetectorLlamaForCausalLM(LlamaForCausalLM):
    """Llama's language model on that body."""

    config: DetectorLlamaConfig
    config_class = DetectorLlamaConfig
    model: DetectorLlamaModel

    def __init__(self, config: DetectorLlamaConfig) -> None:
        super().__init__(config)
        self.model = DetectorLlamaModel(config)
        self.post_init()

    def set_pattern(self, ids: Sequence[int]) -> None:
        """Detect these token ids from now on. Raises ValueError when they are not as many as the architecture has."""
        detector = self.model.detector
        if len(ids) != len(detector.pattern):
            raise ValueError(f"got a pattern of {len(ids)} tokens; the architecture detects {len(detector.pattern)}")
        detector.pattern.copy_(torch.tensor(ids))


AutoConfig.register(DetectorLlamaConfig.model_type, DetectorLlamaConfig)
AutoModelForCausalLM.register(DetectorLlamaConfig, DetectorLlamaForCausalLM)
