package formats

import (
	"bytes"
	"io"

	"depthwise.dev/formats/tflite"
	"depthwise.dev/internal/host"
	"depthwise.dev/weights"
)

// tensorflowLite is TensorFlow Lite's FlatBuffer of operators and weights, which LiteRT reads.
var tensorflowLite = Format{
	Name:        "tflite",
	Description: "TensorFlow Lite and LiteRT, for phones",
	Extensions:  []string{".tflite"},
	Detect:      func(head []byte) bool { return len(head) >= 8 && bytes.Equal(head[4:8], []byte("TFL3")) },
	Write:       writeTFLite,
	Options:     []Option{OptionFloat16, OptionUint8Input},
}

func writeTFLite(path string, w weights.Weights, o WriteOptions) error {
	options := tflite.Options{Float16: o.DType == Float16, Uint8Input: o.Uint8Input, Producer: "depthwise " + host.Version()}
	return writeFile(path, func(out io.Writer) error { return tflite.Write(out, w, options) })
}
