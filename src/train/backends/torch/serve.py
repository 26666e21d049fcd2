"""The backend `torch`: trains Uno on PyTorch for the process that started it (torch-process.ts).

Usage: serve.py probe                      one line of JSON: why each device does not work, or null
       serve.py DEVICE PRECISION THREADS   cpu | cuda | xpu, fp32 | tf32 | bf16

Requests, one at a time, as frames (frames.py) on stdin:

    create   layers, size, features, optimiser, loss, batch, key, step, momentum;
             tables of cells and drugs, weights, moments …
    epoch    epoch, rate; cells, drugs, y           → mean loss as float64; no array if stopped
    predict  cells, drugs                           → predictions
    state                                           → step, momentum; weights, moments …
    load     step, momentum; weights, moments …
    stop     no reply: ends the running epoch after its step

The reply is {"type": "ok"} or {"type": "error", "message", "memory"}; an epoch tells
{"type": "progress", "done", "total"} before it, in rows. The process ends with its stdin.
"""
import json
import os
import signal
import sys
import traceback
from importlib import util

sys.dont_write_bytecode = True  # nothing is written beside the installed program


def probe():
    """Why each device does not work. Loads PyTorch only if it was built for more than the CPU."""
    found = util.find_spec("torch")
    if found is None:
        return {"why": f"{sys.executable} has no PyTorch"}
    version = {}
    with open(os.path.join(os.path.dirname(found.origin), "version.py")) as file:
        exec(file.read(), version)
    name = f"PyTorch {version['__version__']} of {sys.executable}"
    devices = {"cpu": None}
    for device, kinds in {"cuda": ("cuda", "hip"), "xpu": ("xpu",)}.items():
        if any(version.get(kind) for kind in kinds):
            devices[device] = trouble(device, name)
        else:
            devices[device] = f"{name} is built without it"
    return {"devices": devices}


def trouble(device, name):
    try:
        import torch

        take_gpu(torch, device)
        (torch.ones(2, device=device) + 1).cpu()
        return None
    except Exception as error:
        return f"{name}: {first_line(error)}"


def take_gpu(torch, device):
    """Executors of a node share its GPUs evenly; one that a launcher gave its own sees no other."""
    gpus = getattr(torch, device)
    gpus.set_device(int(os.environ.get("UPF_HEDS_SLOT", 0)) % max(1, gpus.device_count()))


def first_line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def serve(device, precision, threads):
    # Ctrl-C, a scheduler's notice: the executor decides, and this process ends with it
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    from frames import Pipe

    pipe = Pipe()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = threads
    # else cuBLAS and MKL may not repeat
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    os.environ.setdefault("MKL_CBWR", "AUTO")
    os.environ.setdefault("MKL_DYNAMIC", "FALSE")
    import torch
    from uno import Trainer

    torch.set_num_threads(int(threads))
    torch.set_grad_enabled(False)
    torch.use_deterministic_algorithms(True)
    if precision == "tf32":
        torch.set_float32_matmul_precision("high")
    if device != "cpu":
        take_gpu(torch, device)
    trainer = None
    while True:
        head, arrays = pipe.next()
        try:
            if head["type"] == "create":
                trainer = None  # its memory before that of the next one
                trainer, words, answer = Trainer(device, precision, head, *arrays), {}, []
            else:
                words, answer = perform(pipe, trainer, head, arrays)
            pipe.send({"type": "ok", **words}, answer)
        except BrokenPipeError:
            os._exit(0)
        except Exception as error:
            if not isinstance(error, ValueError):
                traceback.print_exc()
            text = str(error)
            memory = "out of memory" in text or "can't allocate memory" in text
            pipe.send({"type": "error", "message": first_line(error), "memory": memory})


def perform(pipe, trainer, head, arrays):
    """Returns what the reply says, and its arrays."""
    kind = head["type"]
    if kind == "epoch":
        loss = trainer.epoch(head, *arrays, pipe.stop.is_set, pipe.tell)
        return {}, [] if loss is None else [loss]
    if kind == "predict":
        return {}, [trainer.predict(*arrays)]
    if kind == "state":
        return trainer.state()
    if kind == "load":
        trainer.load(head, *arrays)
        return {}, []
    raise ValueError(f"no request {kind}")


if __name__ == "__main__":
    if sys.argv[1:] == ["probe"]:
        print(json.dumps(probe()))
    else:
        serve(*sys.argv[1:])
