"""PyTorch's speed for gpu_check.sh: answers a request, a JSON object a line, with a JSON object a line.

Request: {"mode": "eager" or "compile", "arch": "mobilenet_v1" or "mobilenet_v2", "what": "step" or "infer", "batch": 256,
"precision": "bf16", "fp16" or "fp32", "prepare": true to compile and warm up only, "profile": true for the longest kernels}.
Reply: {"img_s": median of three windows, "peak_mb": ..., "top": ...} or {"error": ...}.

It is PyTorch at its best: channels-last, autocast, cuDNN's benchmark mode, foreach SGD, and torch.compile with CUDA graphs. In
fp16 it scales the loss by GradScaler, with fused SGD, which does not wait for the GPU to know whether gradients are finite.
"""
import json
import sys
import time
import warnings

import timm
import torch

WINDOWS, WINDOW = 3, 0.25  # number and seconds
KEPT = 4  # networks that are kept for the rounds to come; those of large batches are not
LARGE = 512
NAMES = {"mobilenet_v1": "mobilenetv1_100", "mobilenet_v2": "mobilenetv2_100"}
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}

warnings.filterwarnings("ignore")
torch.backends.cudnn.benchmark = True
prepared = {}


def synchronize(device):
    if device.type == "cuda":
        torch.cuda.synchronize()


def compiled(model, device):
    if device.type == "cuda":
        return torch.compile(model, mode="reduce-overhead")  # with CUDA graphs
    return torch.compile(model, backend="aot_eager")  # only to try this script: the default takes minutes on few cores


def prepare(r, device, size):
    """Returns a function that runs one step or forward pass."""
    torch.manual_seed(0)
    model = timm.create_model(NAMES[r["arch"]]).to(device, memory_format=torch.channels_last)
    run = compiled(model, device) if r["mode"] == "compile" else model
    x = torch.randn(r["batch"], 3, size, size, device=device).to(memory_format=torch.channels_last)
    y = torch.randint(0, 1000, (r["batch"],), device=device)
    autocast = torch.autocast(device.type, DTYPES[r["precision"]], enabled=r["precision"] != "fp32")
    if r["what"] == "infer":
        model.eval()

        def infer():
            with torch.inference_mode(), autocast:
                run(x)

        return infer
    model.train()
    half = r["precision"] == "fp16"
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, foreach=not half, fused=half)
    scaler = torch.amp.GradScaler(device.type, enabled=half)

    def step():
        optimizer.zero_grad(set_to_none=True)
        with autocast:
            loss = torch.nn.functional.cross_entropy(run(x).float(), y)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()

    return step


def seconds(f, steps, device):
    synchronize(device)
    start = time.perf_counter()
    for _ in range(steps):
        f()
    synchronize(device)
    return time.perf_counter() - start


def windows(f, batch, device):
    """Returns the median images per second of the windows."""
    steps = max(2, round(WINDOW / seconds(f, 2, device) * 2))
    return sorted(batch * steps / seconds(f, steps, device) for _ in range(WINDOWS))[WINDOWS // 2]


def top(f, device):
    """Returns the time of a step's kernels and the five longest: name and microseconds."""
    from torch.profiler import ProfilerActivity, profile

    activity = ProfilerActivity.CUDA if device.type == "cuda" else ProfilerActivity.CPU
    steps = 5
    with profile(activities=[activity]) as p:
        for _ in range(steps):
            f()
        synchronize(device)
    kind = "self_device_time_total" if device.type == "cuda" else "self_cpu_time_total"
    events = sorted(((getattr(e, kind) / steps, e.key) for e in p.key_averages()), reverse=True)
    return {"kernels_us": round(sum(t for t, _ in events)), "top": [[name[:90], round(t)] for t, name in events[:5]]}


def allocated(device, read):
    return read() if device.type == "cuda" else 0


def ready(r, device, size):
    """Returns the function of a request and its peak memory in MB. What was prepared before is used again."""
    key = json.dumps([r["mode"], r["arch"], r["what"], r["batch"], r["precision"]])
    if key not in prepared:
        if r["mode"] != "compile" and (len(prepared) >= KEPT or r["batch"] >= LARGE):
            prepared.clear()
            allocated(device, torch.cuda.empty_cache)
        allocated(device, torch.cuda.reset_peak_memory_stats)
        before = allocated(device, torch.cuda.memory_allocated)
        f = prepare(r, device, size)
        for _ in range(8 if device.type == "cuda" else 1):
            f()
        synchronize(device)
        prepared[key] = f, (allocated(device, torch.cuda.max_memory_allocated) - before) // 2**20
    return prepared[key]


def answer(r, device, size):
    f, peak = ready(r, device, size)
    if r.get("prepare"):
        return {"peak_mb": peak}
    if r.get("profile"):
        return top(f, device)
    return {"img_s": round(windows(f, r["batch"], device), 1), "peak_mb": peak}


def main():
    device, size = torch.device(sys.argv[1]), int(sys.argv[2])
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line), device, size)
        except Exception as e:  # the reply says what failed; the next request may succeed
            reply = {"error": f"{type(e).__name__}: {str(e).splitlines()[0] if str(e) else ''}"[:300]}
        print(json.dumps(reply), flush=True)


main()
