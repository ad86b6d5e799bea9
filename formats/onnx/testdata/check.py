"""Check the files that go test ./formats/onnx -run TestGolden -files DIR writes: the full check of onnx, and logits of ONNX
Runtime, with and without optimizations, and OpenVINO beside those of PyTorch.

    pip install onnx onnxruntime openvino numpy
    python formats/onnx/testdata/check.py DIR
"""
import json, pathlib, sys

import numpy as np
import onnx
import onnxruntime as ort
import openvino as ov


def runtime(path, level):
    options = ort.SessionOptions()
    options.graph_optimization_level = level
    options.log_severity_level = 3
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(["logits"], {"input": x})[0]


def vino(path):
    compiled = ov.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda x: compiled(x)[0]


failed = False
for file in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx"), key=lambda p: int(p.stem)):
    case = json.loads(file.with_suffix(".json").read_text())
    raw = file.read_bytes()
    model = onnx.load_from_string(raw)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    newer = onnx.version_converter.convert_version(model, 21)
    onnx.checker.check_model(newer, full_check=True)
    canonical = model.SerializeToString(deterministic=True) == raw
    x = np.array(case["images"], np.float32).reshape(case["shape"])
    want, tolerance = np.array(case["logits"]).reshape(len(x), -1), 1e-5
    engines = {"ort": runtime(str(file), ort.GraphOptimizationLevel.ORT_ENABLE_ALL),
               "ort plain": runtime(str(file), ort.GraphOptimizationLevel.ORT_DISABLE_ALL), "openvino": vino(str(file))}
    if case["option"] == "float16":
        tolerance = 2e-2
    if case["option"] == "pixels":  # beside the unoptimized file with normalized images
        other = runtime(str(file.with_stem(str(int(file.stem) - 3))), ort.GraphOptimizationLevel.ORT_DISABLE_ALL)
        pixels = np.arange(x.size, dtype=np.int64).reshape(len(x), *x.shape[2:], 3) * 7 % 256
        mean, std = (np.float32(case[k]).reshape(3, 1, 1) for k in ("mean", "std"))
        want = other((np.moveaxis(pixels, 3, 1).astype(np.float32) / np.float32(255) - mean) / std)
        x = pixels.astype(np.uint8)
    differences = {}
    for name, run in engines.items():
        logits = np.concatenate([run(x[:1]), run(x[1:])])
        differences[name] = max(np.abs(logits - want).max(), np.abs(run(x) - want).max())
    good = canonical and all(d <= tolerance for d in differences.values())
    failed |= not good
    print("ok  " if good else "FAIL", case["name"], "" if canonical else "not canonical,", {k: f"{d:.1e}" for k, d in differences.items()})
sys.exit(failed)
