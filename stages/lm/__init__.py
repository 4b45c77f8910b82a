"""Language models: tokenizer, architecture, training through TRL, generation. Knows nothing of backdoors."""

import os

# Workers are forked, so asking whether there is a GPU must not start CUDA in their parent.
os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
