"""Running the benchmark: DVC's graph through Prefect, profiles, warm starts. Holds no science.

Importing this package sets the process environment before any heavy library loads: one thread per process, no
telemetry, no network, Prefect's files inside the project (in `.prefect/`) instead of the user's home, and the `python`
of dvc.yaml is this one. Settings a user may want otherwise (Prefect's, how log lines look, whether the hub may be asked
for a model or a data set) give way to what is already set.

Where Python would read file names in another encoding than UTF-8, a program of ours starts anew in UTF-8 mode: DVC
cannot handle such names, and the stages would write what we cannot read.
"""

import os
import platform
import sys
from io import TextIOWrapper
from pathlib import Path

if sys.argv[0] == "-m" and sys.getfilesystemencoding() != "utf-8":  # "-m" while Python looks for the module to run
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])

ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONUTF8": "1",  # of what we start: names of files and what it prints, whatever the locale
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "GX_ANALYTICS_ENABLED": "false",
    "DVC_NO_ANALYTICS": "1",
    "DO_NOT_TRACK": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}
# As in stages/__main__.py: processors with wider instructions add in another order, and would make other bytes.
SAME_ARITHMETIC = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Zen",
}
DEFAULTS = {
    **(SAME_ARITHMETIC if platform.machine() == "x86_64" else {}),
    "HF_HUB_OFFLINE": "1",
    "PREFECT_HOME": str(Path(__file__).resolve().parent.parent / ".prefect"),
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # Once a second and not at each event: a task that asks for its tags' limits while SQLite writes waits 2 s for them.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_LOGGING_SERVER_LEVEL": "ERROR",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    "RAY_DEDUP_LOGS": "0",
    "PREFECT_LOGGING_FORMATTERS_STANDARD_FLOW_RUN_FMT": "%(asctime)s | %(message)s",
    "PREFECT_LOGGING_FORMATTERS_STANDARD_TASK_RUN_FMT": "%(asctime)s | %(task_run_name)s | %(message)s",
}
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
os.environ.update({**DEFAULTS, **os.environ, **ENVIRONMENT, "PATH": PATH})
for stream in (sys.stdout, sys.stderr):
    if isinstance(stream, TextIOWrapper):  # a terminal that knows only ASCII is shown an escape, and not a traceback
        stream.reconfigure(errors="backslashreplace")
