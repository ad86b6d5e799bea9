"""Runs a TensorFlow Lite file with LiteRT: python client_litert.py MODEL INPUT.npy OUTPUT.npy

Requires: ai-edge-litert, numpy. INPUT.npy is float32 (N, 3, H, W), normalized, or uint8 (N, H, W, 3). The logits of the
default delegate (XNNPACK) are written; they must agree with those of the reference kernels, through the signature too.
"""

import io
import json
import sys
import zipfile
from importlib.metadata import version

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

TOLERANCE = 1e-4  # absolute, between kernels that sum in another order


def metadata(content):
    """The JSON object of the buffer named depthwise."""
    model = schema.Model.GetRootAsModel(content, 0)
    for i in range(model.MetadataLength()):
        entry = model.Metadata(i)
        if entry.Name() == b"depthwise":
            return json.loads(model.Buffers(entry.Buffer()).DataAsNumpy().tobytes())
    raise SystemExit("the file has no metadata named depthwise")


def class_names(content):
    """The names in the metadata, which labels.txt must agree with."""
    names = json.loads(metadata(content)["classes"])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        lines = archive.read("labels.txt").decode("utf-8").split("\n")
    if lines != [name.replace("\r", " ").replace("\n", " ") for name in names] + [""]:
        raise SystemExit(f"labels.txt has {lines}, the metadata {names}")
    return names


def run(interpreter, x):
    """The logits of a batch, through tensors."""
    detail = interpreter.get_input_details()[0]
    interpreter.resize_tensor_input(detail["index"], x.shape, strict=True)
    interpreter.allocate_tensors()
    interpreter.set_tensor(detail["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def run_signature(interpreter, x):
    """The logits of a batch, through the names of input and output."""
    runner = interpreter.get_signature_runner("serving_default")
    return runner(input=x)["logits"]


def main(path, inputs, outputs):
    x = np.load(inputs)
    if x.dtype != np.uint8:
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    with open(path, "rb") as file:
        content = file.read()
    logits = run(Interpreter(model_path=path), x)
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    others = {
        "signature": run_signature(Interpreter(model_path=path), x),
        "built-in kernels": run(Interpreter(model_path=path, experimental_op_resolver_type=plain), x),
        "reference kernels": run(Interpreter(model_path=path, experimental_op_resolver_type=OpResolverType.BUILTIN_REF), x),
        "one by one": np.concatenate([run(Interpreter(model_path=path), image[None]) for image in x]),
    }
    worst = {name: float(np.abs(other - logits).max()) for name, other in others.items()}
    for name, difference in worst.items():
        if not difference <= TOLERANCE:
            raise SystemExit(f"XNNPACK and {name} differ by {difference}")
    np.save(outputs, logits)
    note = "XNNPACK; largest difference " + ", ".join(f"{name} {difference:.1e}" for name, difference in worst.items())
    print(json.dumps({"client": "litert", "version": version("ai-edge-litert"), "classes": class_names(content), "note": note}))


if __name__ == "__main__":
    main(*sys.argv[1:])
