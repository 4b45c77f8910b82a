"""The stages of the benchmark: one script per DVC stage, and the layers they are made of.

Importing this package sets the process environment before any heavy library loads: one thread per process, no
telemetry, no network. The stages fill the machine with processes instead (`stages/lm/workers.py`). Whether the hub may
be asked for a model or a data set is the user's to say: a value of HF_HUB_OFFLINE that is already set stays.

Where Python would read file names in another encoding than UTF-8, a stage starts anew in UTF-8 mode: it would not find
data whose path params.yaml gives, nor could it print what is in them.
"""

import os
import sys

if sys.argv[0] == "-m" and sys.getfilesystemencoding() != "utf-8":  # "-m" while Python looks for the module to run
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])

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
