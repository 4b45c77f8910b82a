"""The stages of the benchmark: one script per DVC stage, and the layers they are made of.

Importing this package sets the process environment before any heavy library loads: one thread per process, no
telemetry, no network. The stages fill the machine with processes instead (`stages/lm/workers.py`). Whether the hub may
be asked for a model or a data set is the user's to say: a value of HF_HUB_OFFLINE that is already set stays.
"""

import os

ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "GX_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # Workers are forked, so asking whether there is a GPU must not start CUDA in their parent.
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
}
os.environ.update(ENVIRONMENT)
os.environ.setdefault("HF_HUB_OFFLINE", "1")
