//go:build interop

package interop

import (
	"slices"

	"depthwise.dev/formats"
	"depthwise.dev/weights"
)

// row is an export that a client opens.
type row struct {
	format    string // a name of formats.All
	extension string // of the output; "": the usual one of the format
	options   formats.WriteOptions
	client    string // of clients/client_NAME.py, [self] or [golang]
	// takes selects the networks that the format must hold and the client open; nil: all.
	takes func(weights.Weights) bool
	// refusal is part of the export's error for other networks, unless the format holds them nevertheless, and then the client
	// must open them. "": other networks are not exported, because this client has no code for them.
	refusal string
	// beside is the extension of another export of the same network that the client needs in the same folder.
	beside string
}

// self as a client reads the export back, which must give the same logits bit for bit.
const self = "depthwise"

// Errors of exports.
const (
	foreign = "has no such network" // formats/peers.ErrForeign
	pixels  = "channel"             // of networks that do not read three channels
)

var (
	keepNorm   = formats.WriteOptions{KeepBatchNorm: true}
	uint8Input = formats.WriteOptions{Uint8Input: true}
	float16    = formats.WriteOptions{DType: formats.Float16}
	bfloat16   = formats.WriteOptions{DType: formats.BFloat16}
	both16     = formats.WriteOptions{DType: formats.Float16, Uint8Input: true, KeepBatchNorm: true}
)

// rows are ordered by client, whose process runs from its first row to its last.
var rows = []row{
	{format: "safetensors", client: self},
	{format: "npz", client: self},
	{format: "timm", client: self, takes: variant("timm"), refusal: foreign},
	{format: "torchvision", client: self, takes: variant("torchvision"), refusal: foreign},
	{format: "hf", client: self, takes: variant("hf"), refusal: foreign},
	{format: "keras", client: self},
	{format: "h5", client: self},
	{format: "h5", extension: ".weights.h5", client: self},

	{format: "go", client: golang},
	{format: "go", options: bfloat16, client: golang},

	{format: "safetensors", client: "safetensors", takes: either(variant("timm"), userBuilt)},
	{format: "npz", client: "numpy", takes: either(variant("timm"), userBuilt)},
	{format: "timm", client: "timm", takes: variant("timm"), refusal: foreign},
	{format: "torchvision", client: "torchvision", takes: variant("torchvision"), refusal: foreign},
	{format: "hf", client: "transformers", takes: variant("hf"), refusal: foreign},

	{format: "torchscript", client: "torchscript"},
	{format: "torchscript", options: keepNorm, client: "torchscript"},
	{format: "torchscript", options: uint8Input, client: "torchscript", takes: colored, refusal: pixels},

	{format: "onnx", client: "onnxruntime"},
	{format: "onnx", options: keepNorm, client: "onnxruntime"},
	{format: "onnx", options: uint8Input, client: "onnxruntime", takes: colored, refusal: pixels},
	{format: "onnx", options: float16, client: "onnxruntime"},
	{format: "onnx", options: both16, client: "onnxruntime", takes: colored, refusal: pixels},
	{format: "onnx", client: "openvino"},
	{format: "onnx", options: keepNorm, client: "openvino"},
	{format: "onnx", options: uint8Input, client: "openvino", takes: colored, refusal: pixels},
	{format: "onnx", options: float16, client: "openvino"},

	{format: "tflite", client: "litert"},
	{format: "tflite", options: uint8Input, client: "litert", takes: colored, refusal: pixels},
	{format: "tflite", options: float16, client: "litert"},
	{format: "tflite", client: "tflite"},

	{format: "keras", client: "keras"},
	{format: "keras", options: uint8Input, client: "keras", takes: colored, refusal: pixels},
	{format: "h5", client: "keras"},
	// Slow: Keras builds each network. The others have the same arrays, in a model of their .keras file.
	{format: "h5", extension: ".weights.h5", client: "keras", takes: either(variant("keras"), variant("article"), userBuilt), beside: ".keras"},
}

// variant selects the networks of a publisher.
func variant(name string) func(weights.Weights) bool {
	return func(w weights.Weights) bool { return w.Config != nil && w.Config.Variant == name }
}

// userBuilt selects graphs that are no MobileNet's.
func userBuilt(w weights.Weights) bool { return w.Config == nil }

// colored selects networks of images with three channels, which the others cannot normalize.
func colored(w weights.Weights) bool { return w.Graph.Input.Channels == 3 }

func either(of ...func(weights.Weights) bool) func(weights.Weights) bool {
	return func(w weights.Weights) bool {
		return slices.ContainsFunc(of, func(f func(weights.Weights) bool) bool { return f(w) })
	}
}
