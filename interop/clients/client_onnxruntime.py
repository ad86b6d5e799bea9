"""Check an exported ONNX model with the onnx package and run it with ONNX Runtime.

    python client_onnxruntime.py MODEL.onnx INPUT.npy OUTPUT.npy

INPUT is float32 (N, 3, H, W), normalized, or uint8 (N, H, W, 3) for models with --uint8-input. OUTPUT gets the logits,
float32 (N, classes). Prints a JSON object.
"""
import ast, json, sys

import numpy as np
import onnx
import onnxruntime as ort


def check(path):
    """The full check of onnx: schemas, and strict shape inference that must agree with the shapes in the file."""
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    return model


def session(path, level):
    options = ort.SessionOptions()
    options.graph_optimization_level = level
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def main(path, input_path, output_path):
    model = check(path)
    x = np.load(input_path)
    optimized = session(path, ort.GraphOptimizationLevel.ORT_ENABLE_ALL)
    plain = session(path, ort.GraphOptimizationLevel.ORT_DISABLE_ALL)
    name = optimized.get_inputs()[0].name
    logits = optimized.run(None, {name: x})[0]
    # The batch dimension is dynamic: image by image gives the same, and so do the operations without optimizations.
    single = np.concatenate([optimized.run(None, {name: x[i:i + 1]})[0] for i in range(len(x))])
    for what, other in [("one image at a time", single), ("without optimizations", plain.run(None, {name: x})[0])]:
        if not np.allclose(logits, other, rtol=0, atol=1e-4):
            sys.exit(f"{path}: logits {what} differ by {np.abs(logits - other).max()}")
    np.save(output_path, logits)
    meta = optimized.get_modelmeta().custom_metadata_map
    classes = json.loads(meta["classes"])
    if list(ast.literal_eval(meta["names"]).values()) != classes:
        sys.exit(f"{path}: the metadata names and classes differ")
    opset = model.opset_import[0].version
    print(json.dumps({"client": "onnxruntime", "version": ort.__version__, "classes": classes,
                      "note": f"onnx {onnx.__version__}: full check passed, opset {opset}"}))


if __name__ == "__main__":
    main(*sys.argv[1:])
