package train

import (
	"fmt"
	"maps"

	"depthwise.dev/checkpoints"
)

// ExportFormats are the formats that Export writes.
var ExportFormats = []string{"safetensors", "npz"}

// Export reads weights (see [ReadWeights]) and writes them, and nothing else of
// a run, to output: "safetensors" with what is needed to use them in its
// metadata, or "npz", the arrays alone. It needs no libtorch.
func Export(weights, format, output string) error {
	w, err := ReadWeights(weights)
	if err != nil {
		return err
	}
	maps.DeleteFunc(w.Meta, func(key, _ string) bool { return key != metaBest && key != metaValSplit && key != metaSeed })
	switch format {
	case "safetensors":
		err = w.Write(output)
	case "npz":
		err = checkpoints.WriteNPZ(output, w.Arrays)
	default:
		err = wrong("format", format, oneOf(format, ExportFormats))
	}
	if err != nil {
		return fmt.Errorf("train: export %s: %w", weights, err)
	}
	return nil
}
