"""Compares logits: parity.py make FILE SIZE writes a batch of inputs; parity.py onnx MODEL INPUT OUTPUT computes logits with
ONNX Runtime; parity.py compare NAME=FILE... prints the largest differences from the first, relative to its largest logit.
"""
import sys

import numpy as np


def make(path, size):
    """Smooth random images with the range of normalized ones, (8, 3, size, size)."""
    coarse = np.random.default_rng(1).standard_normal((8, 3, size // 16, size // 16)).astype(np.float32)
    np.save(path, np.ascontiguousarray(np.kron(coarse, np.ones((16, 16), np.float32))))


def onnx(model, inputs, output):
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    np.save(output, session.run(None, {session.get_inputs()[0].name: np.load(inputs)})[0])
    print("ONNX Runtime", onnxruntime.__version__)


def compare(*files):
    """The exit status is 1 if a name that ends in :TOLERANCE differs by more, or another class is the largest in 1 of 8."""
    names = [f.partition("=")[0] for f in files]
    logits = [np.load(f.partition("=")[2]).astype(np.float64) for f in files]
    scale, failed, parts = np.abs(logits[0]).max(), False, []
    for name, other in zip(names[1:], logits[1:]):
        name, _, tolerance = name.partition(":")
        difference = np.abs(other - logits[0]).max() / scale
        same = int((other.argmax(1) == logits[0].argmax(1)).sum())
        failed |= not difference <= float(tolerance)
        parts.append(f"{name} {difference:.1e} (tolerance {float(tolerance):.0e}), {same} of {len(other)} classes equal")
    print(f"from {names[0]}: " + "; ".join(parts))
    return failed


if __name__ == "__main__":
    command, arguments = sys.argv[1], sys.argv[2:]
    if command == "make":
        make(arguments[0], int(arguments[1]))
    elif command == "onnx":
        onnx(*arguments)
    else:
        sys.exit(compare(*arguments))
