package weights

import (
	"fmt"
	"maps"

	"depthwise.dev/formats"
)

// ExportOptions says what is exported.
type ExportOptions struct {
	Weights string // a file or a run's folder, see [Read]
	Raw     bool   // the last weights of training in place of their average, see [Weights.Plain]
	Format  string // a name of [formats.All]; "": that of Output's extension
	Output  string // the file to write
}

// Export reads weights and writes them, and nothing else of a run, in another format.
func Export(o ExportOptions) error {
	w, err := Read(o.Weights)
	if err != nil {
		return err
	}
	if o.Raw {
		w = w.Plain()
	}
	w.Raw = nil
	maps.DeleteFunc(w.Meta, func(key, _ string) bool { return key != MetaBest && key != MetaValSplit && key != MetaSeed })
	if err := w.export(o); err != nil {
		return fmt.Errorf("weights: export %s: %w", o.Weights, err)
	}
	return nil
}

func (w Weights) export(o ExportOptions) error {
	format, err := formats.ForOutput(o.Output, o.Format)
	if err != nil {
		return err
	}
	f, err := w.File()
	if err != nil {
		return err
	}
	return format.Write(o.Output, f)
}
