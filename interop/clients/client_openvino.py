"""Run an exported ONNX model with OpenVINO, which reads the file as it is.

    python client_openvino.py MODEL.onnx INPUT.npy OUTPUT.npy

INPUT is float32 (N, 3, H, W), normalized, or uint8 (N, H, W, 3) for models with --uint8-input. OUTPUT gets the logits,
float32 (N, classes). Prints a JSON object.
"""
import json, sys

import numpy as np
import openvino as ov


def main(path, input_path, output_path):
    core = ov.Core()
    model = core.read_model(path)
    # float32 whatever the processor computes faster; bfloat16 is OpenVINO's default on processors that have it.
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    logits = compiled(np.load(input_path))[0]
    np.save(output_path, logits)
    entry = ["framework", "classes"]  # metadata_props of ONNX
    classes = json.loads(model.get_rt_info(entry).value) if model.has_rt_info(entry) else None
    names = [model.input(0).any_name, model.output(0).any_name]
    if names != ["input", "logits"]:
        sys.exit(f"{path}: input and output are named {names}")
    print(json.dumps({"client": "openvino", "version": ov.get_version(), "classes": classes, "note": f"input {model.input(0).partial_shape}"}))


if __name__ == "__main__":
    main(*sys.argv[1:])
