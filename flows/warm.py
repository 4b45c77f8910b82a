"""Pay for the heavy imports once: a server that has them runs each stage in a fork of itself.

    python -m flows.warm -- dvc repro        run a command whose stages start warm

The server imports the heavy libraries, but never `stages`, so edited code is always read afresh. It starts no thread
and does not touch the accelerator: a fork would inherit both broken. A stage joins the process group of the command
that asked for it (stages/__main__.py), so whatever ends that ends it as well. multiprocessing's forkserver does not
serve: only the process that started it can use it. Until the server is ready or where there is none, stages start cold.
"""

import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

SOCKET_VARIABLE = "WARM_START_SOCKET"
# transformers and trl import lazily: naming an attribute is what loads its module.
HEAVY_MODULES = (
    "torch transformers:LlamaForCausalLM transformers:PreTrainedTokenizerFast trl:SFTTrainer trl:RLOOTrainer peft "
    "datasets pyarrow.parquet scipy.stats pandas great_expectations.expectations great_expectations.checkpoint.actions"
).split()


@contextmanager
def warm_start(modules: Sequence[str] = HEAVY_MODULES) -> Iterator[dict[str, str]]:
    """The environment that makes stages start warm, while the block lasts. Does not wait for the server."""
    root = Path(__file__).resolve().parent.parent
    with TemporaryDirectory(prefix="warm-") as folder:  # mode 0700: nobody else can ask us to run things
        command = [sys.executable, "-um", "flows.warm", "--serve", f"{folder}/socket", *modules]
        # Its stdin is a lifeline: it reads end-of-file, and stops, even if we are killed.
        server = subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, process_group=0)
        try:
            yield {SOCKET_VARIABLE: f"{folder}/socket"}
        finally:
            server.terminate()
            server.communicate()


def serve(path: str, modules: Sequence[str]) -> None:
    """Run stages for whoever asks at `path`, until stdin ends."""
    # Asking whether CUDA is there would initialise it, unless NVML is asked; pyarrow's allocator would start a thread.
    os.environ |= {"PYTORCH_NVML_BASED_CUDA_CHECK": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
    for module, _, attribute in (name.partition(":") for name in modules):
        getattr(import_module(module), attribute or "__name__")
    gc.freeze()  # else the end of each stage walks through all that was imported: two seconds
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that answer
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        listener.listen()
        while listener in select.select([listener, 0], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                return answer(connection)
            connection.close()


def answer(connection: socket.socket) -> None:
    """Fork once more: one process waits for the status of the stage, the other becomes `python -m stages`."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, streams, _, _ = socket.recv_fds(connection, 2**20, 3)
    request = json.loads(message)
    try:
        os.setpgid(0, os.getpgid(request["client"]))
        os.sched_setaffinity(0, os.sched_getaffinity(request["client"]))
    except OSError:  # a client that has ended, or one of another session, as Ray's are: it starts cold
        return
    connection.send(b"taken")
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # an interrupt between here and there is for the stage
    if stage := os.fork():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        status = os.waitstatus_to_exitcode(os.waitpid(stage, 0)[1])
        connection.send(str(status if status >= 0 else 128 - status).encode())
        os._exit(0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    connection.close()
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update({key: value for key, value in request["environment"].items() if key != SOCKET_VARIABLE})
    sys.path[0], sys.argv = request["folder"], request["argv"]
    runpy.run_module("stages", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--serve", where, *heavy]:
            serve(where, heavy)
        case ["--", *words] if words:
            with warm_start() as additions:
                sys.exit(subprocess.run(words, env={**os.environ, **additions}, check=False).returncode)
        case _:
            sys.exit("error: no command came. Usage: python -m flows.warm -- dvc repro")
