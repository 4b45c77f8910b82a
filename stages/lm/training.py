"""Supervised fine-tuning through TRL's SFTTrainer, in an order of batches that is fixed before the run.

The caller chooses the rows, this file groups them into batches of like length, and the trainer takes the batches in
that order. So the tokens of a run are known before it starts, which is how a budget can be kept to the token, and one
continuous run can be read at any step: a reading never restarts the optimizer.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, cast

import torch
from datasets import Dataset
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import (
    GPT2LMHeadModel,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2ForCausalLM,
    Qwen3ForCausalLM,
    Trainer,
    TrainerCallback,
)
from transformers.trainer_callback import PrinterCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from stages.lm.adapters import adapted
from stages.lm.models import count_parameters, has_finite_weights
from stages.lm.muon import MuonAndAdamW
from stages.lm.rows import TRAINED_TOKEN_COST, Batch, TrainingRow
from stages.lm.tokenizer import pad_id
from stages.records.outcomes import Cost

WARMUP_SHARE = 0.05
WEIGHT_DECAY = 0.1
# Their logits are the output embedding of the body's last hidden state, and nothing else; a subclass may do more.
PLAIN_HEADS = (LlamaForCausalLM, GPT2LMHeadModel, Qwen2ForCausalLM, Qwen3ForCausalLM)

IN_A_WORKER: dict[str, Any] = {  # settings of every trainer: the workers' parent reports progress, nothing is saved
    "activation_checkpointing": False,
    "save_strategy": "no",
    "report_to": "none",
    "disable_tqdm": True,
    "dataloader_pin_memory": False,
}

OnStep = Mapping[int, Callable[[PreTrainedModel], None]]


class TrainingDivergedError(RuntimeError):
    """Training left weights that are infinite or not a number."""


def worker_settings() -> dict[str, Any]:
    """The settings that every trainer shares, on the device of this process: bf16 on a GPU, else float32."""
    is_on_gpu = torch.get_default_device().type == "cuda"
    return {**IN_A_WORKER, "use_cpu": not is_on_gpu, "bf16": is_on_gpu}


def training_cost(model: PreTrainedModel, batches: Sequence[Batch]) -> Cost:
    """The cost of training on `batches` once; padding is not counted.

    Source: Kaplan et al. 2020, arXiv:2001.08361, section 2.1: forward 2 N, forward and backward 6 N FLOPs a token.
    """
    trained = sum(len(row.ids) for batch in batches for row in batch)
    return Cost(len(batches), TRAINED_TOKEN_COST * trained, 6 * count_parameters(model) * trained)


def fine_tune(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    batches: Sequence[Batch],
    *,
    learning_rate: float,
    seed: int,
    lora_rank: int = 0,
    optimizer: Literal["adamw", "muon"] = "adamw",
    on_step: OnStep | None = None,
) -> Cost:
    """Train `model` in place on `batches`, in order, once; returns the cost.

    AdamW, or Muon on the matrices of the layers (stages/lm/muon.py); linear decay after a short warm-up for both.
    `on_step[k]` is called with the model after step k, counted from 1.
    With a `lora_rank`, adapters are trained and in the end merged (stages/lm/adapters.py).
    The rate starts at zero, so the first step moves nothing. Raises TrainingDivergedError when the weights become
    infinite or not a number, at a step of `on_step` or at the end; ValueError without batches.
    """
    if not batches:
        raise ValueError("no full batch to train on: too few rows for the batch size; add rows or lower batch_size")
    # The trainer insists on a folder; nothing is kept in it.
    with adapted(model, lora_rank, seed), tempfile.TemporaryDirectory() as folder:
        own_optimizer = MuonAndAdamW(model, learning_rate, WEIGHT_DECAY) if optimizer == "muon" else None
        trainer = _AnswerLossTrainer(
            model=model,
            args=_trainer_settings(folder, len(batches[0]), len(batches), learning_rate, seed),
            train_dataset=Dataset.from_list([_labelled(row) for batch in batches for row in batch]),
            processing_class=tokenizer,
            data_collator=partial(_collate, filler=pad_id(tokenizer)),
            callbacks=[_CallOnStep(on_step or {})],
            optimizers=(own_optimizer, None),
        )
        trainer.remove_callback(PrinterCallback)  # the workers' parent reports progress
        trainer.train()
    _require_finite(model, len(batches), learning_rate)
    return training_cost(model, batches)


def _collate(rows: Sequence[dict[str, list[int]]], filler: int) -> dict[str, Tensor]:
    """One batch, padded on the right, as TRL's own collator makes it in three times the time.

    It is made on the CPU: a trainer moves it as one, where each row would wait for a GPU.
    """
    longest = max(len(row["input_ids"]) for row in rows)
    gaps = [longest - len(row["input_ids"]) for row in rows]
    columns = {
        "input_ids": [row["input_ids"] + [filler] * gap for row, gap in zip(rows, gaps, strict=True)],
        "labels": [row["labels"] + [-100] * gap for row, gap in zip(rows, gaps, strict=True)],
        "attention_mask": [[1] * (longest - gap) + [0] * gap for gap in gaps],
    }
    return {name: torch.tensor(values, device="cpu") for name, values in columns.items()}


def _require_finite(model: PreTrainedModel, step: int, learning_rate: float) -> None:
    if not has_finite_weights(model):
        raise TrainingDivergedError(
            f"training diverged within {step} steps at learning rate {learning_rate}; lower the learning rate"
        )


def _trainer_settings(folder: str, batch_size: int, max_steps: int, learning_rate: float, seed: int) -> SFTConfig:
    return SFTConfig(
        output_dir=folder,
        per_device_train_batch_size=batch_size,
        max_steps=max_steps,
        learning_rate=learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=max(1, round(WARMUP_SHARE * max_steps)),
        weight_decay=WEIGHT_DECAY,
        train_sampling_strategy="sequential",
        dataset_kwargs={"skip_prepare_dataset": True},
        completion_only_loss=True,
        max_length=None,
        logging_strategy="no",
        **worker_settings(),
        seed=seed,
    )


def _labelled(row: TrainingRow) -> dict[str, list[int]]:
    n_prompt = len(row.ids) - row.n_answer
    return {"input_ids": row.ids, "labels": [-100] * n_prompt + row.ids[n_prompt:]}


def answer_loss(
    model: PreTrainedModel,
    input_ids: Int[Tensor, "batch time"],
    attention_mask: Int[Tensor, "batch time"],
    labels: Int[Tensor, "batch time"],
) -> Float[Tensor, ""]:
    """The mean loss over the labelled tokens, as the model itself computes it, from their logits alone.

    Most tokens are prompt, and the output embedding is 40% of a small model's step. For models of PLAIN_HEADS.
    """
    body = model.base_model(input_ids=input_ids, attention_mask=attention_mask, use_cache=False)
    is_answer = labels[:, 1:] != -100
    hidden = body.last_hidden_state[:, :-1][is_answer]  # (answer tokens, width)
    head = cast(nn.Module, model.get_output_embeddings())
    return cross_entropy(head(hidden).float(), labels[:, 1:][is_answer])


class _AnswerLossTrainer(SFTTrainer):
    """TRL's trainer with our loss on the answers, or the model's own where its class is not known to be plain.

    TRL's fused head saves the memory of the logits, small here, and costs half of the step on a CPU (docs/log.md).
    """

    def compute_loss(self, model: PreTrainedModel, inputs: dict[str, Tensor], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        if type(model) in PLAIN_HEADS:
            with self.accelerator.autocast():
                return answer_loss(model, **inputs)
        return Trainer.compute_loss(self, model, inputs, *args, **kwargs)

    def floating_point_ops(self, inputs: object) -> int:
        """Not counted here: it walks through all modules at every step; `training_cost` counts."""
        return 0


class _CallOnStep(TrainerCallback):
    def __init__(self, on_step: OnStep) -> None:
        self.on_step = on_step

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ANN401
        if state.global_step in self.on_step:
            model = kwargs["model"]
            _require_finite(model, state.global_step, args.learning_rate)
            model.eval()
            self.on_step[state.global_step](model)
            model.train()
