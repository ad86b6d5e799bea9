"""Runs a TorchScript archive in PyTorch, as it is, frozen and optimized: python client_torchscript.py MODEL INPUT.npy OUTPUT.npy"""
import json
import sys

import numpy
import torch


def main(path, source, target):
    extra = {"metadata.json": ""}
    model = torch.jit.load(path, _extra_files=extra).eval()
    x = torch.from_numpy(numpy.load(source))
    with torch.inference_mode():
        logits = model(x)
        frozen = torch.jit.freeze(torch.jit.load(path).eval())
        optimized = torch.jit.optimize_for_inference(torch.jit.load(path).eval())
        worst = {"freeze": 0.0, "optimize_for_inference": 0.0}
        for name, other in ("freeze", frozen), ("optimize_for_inference", optimized):
            for _ in range(3):  # the profiling executor compiles at the second call
                worst[name] = max(worst[name], (other(x) - logits).abs().max().item())
    if max(worst.values()) > 1e-4:
        sys.exit(f"{path}: the logits change: {worst}")
    numpy.save(target, logits.numpy())
    print(json.dumps({"client": "torchscript", "version": torch.__version__, "classes": json.loads(extra["metadata.json"])["classes"],
                      "note": ", ".join(f"{name} differs by {d:.1g}" for name, d in worst.items())}))


if __name__ == "__main__":
    main(*sys.argv[1:])
