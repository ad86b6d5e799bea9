package formats

import (
	"depthwise.dev/formats/deploy"
	"depthwise.dev/formats/onnx"
	"depthwise.dev/internal/host"
	"depthwise.dev/weights"
)

// onnxModel is a network with its operations, for ONNX Runtime, OpenVINO and other programs.
// https://onnx.ai
var onnxModel = Format{
	Name:        "onnx",
	Description: "operations for ONNX Runtime, OpenVINO and others",
	Extensions:  []string{".onnx"},
	Detect:      isONNX,
	Write:       writeONNX,
	Options:     []Option{OptionFoldBatchNorm, OptionUint8Input, OptionFloat16},
}

// isONNX looks for the version of the intermediate representation, field 1 of a ModelProto, and a field that may follow it:
// the opset, the name of the program that wrote it, the graph, and others.
func isONNX(head []byte) bool {
	const maxIRVersion = 32 // 13 in ONNX 1.19
	return len(head) > 3 && head[0] == 1<<3 && head[1] >= 1 && head[1] <= maxIRVersion && head[2]&7 == 2 && head[2]>>3 >= 2 && head[2]>>3 <= 8
}

func writeONNX(path string, w weights.Weights, o WriteOptions) error {
	n, err := deploy.New(w, deploy.Options{KeepBatchNorm: o.KeepBatchNorm})
	if err != nil {
		return err
	}
	file, err := w.File()
	if err != nil {
		return err
	}
	m, err := onnx.Encode(n, onnx.Options{Uint8Input: o.Uint8Input, Float16: o.DType == Float16, Version: host.Version(), Metadata: file.Meta})
	if err != nil {
		return err
	}
	return writeFile(path, m.Write)
}
