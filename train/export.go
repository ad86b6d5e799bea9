package train

import (
	"fmt"
	"maps"

	"depthwise.dev/checkpoints"
	"depthwise.dev/internal/suggest"
	"depthwise.dev/internal/validate"
)

// ExportFormats are the formats that Export writes.
var ExportFormats = []string{"safetensors", "npz"}

// ExportConfig says what is exported.
type ExportConfig struct {
	Weights string // a file or a run's folder, see [ReadWeights]
	Raw     bool   // the plain weights where there is an average of them, see [Weights.Plain]
	Format  string // one of ExportFormats
	Output  string // the file to write
}

// Export reads weights and writes them, and nothing else of a run, to a file:
// "safetensors" with what is needed to use them in its metadata, or "npz", the
// arrays alone. It needs no libtorch.
func Export(c ExportConfig) error {
	w, err := readWeights(c.Weights, c.Raw)
	if err != nil {
		return err
	}
	w.Raw = nil
	maps.DeleteFunc(w.Meta, func(key, _ string) bool { return key != metaBest && key != metaValSplit && key != metaSeed })
	switch c.Format {
	case "safetensors":
		err = w.Write(c.Output)
	case "npz":
		err = checkpoints.WriteNPZ(c.Output, w.Arrays)
	default:
		err = validate.Field("format", c.Format, suggest.OneOf(c.Format, ExportFormats))
	}
	if err != nil {
		return fmt.Errorf("train: export %s: %w", c.Weights, err)
	}
	return nil
}
