package formats

import (
	"fmt"
	"maps"

	"depthwise.dev/weights"
)

// ExportOptions are the options of [Export].
type ExportOptions struct {
	Weights string // a file or a run's folder, see [Read]
	Raw     bool   // the last weights of training instead of their average, see [weights.Weights.Plain]
	Format  string // a name of [All]; "": that of Output's extension
	Output  string // the file to write
}

// Export converts weights to another format. Other state of a checkpoint is not exported.
func Export(o ExportOptions) error {
	w, err := Read(o.Weights)
	if err != nil {
		return err
	}
	if o.Raw {
		w = w.Plain()
	}
	w.Raw = nil
	maps.DeleteFunc(w.Meta, func(key, _ string) bool {
		return key != weights.MetaBest && key != weights.MetaValSplit && key != weights.MetaSeed && key != weights.MetaSplit
	})
	f, err := ForOutput(o.Output, o.Format)
	if err == nil {
		err = f.Write(o.Output, w)
	}
	if err != nil {
		return fmt.Errorf("export %s: %w", o.Weights, err)
	}
	return nil
}
