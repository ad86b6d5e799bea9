package formats

import (
	"fmt"
	"os"

	"depthwise.dev/weights"
)

// ExportOptions are the options of [Export].
type ExportOptions struct {
	Weights string // a file or a run's folder, see [Read]
	Raw     bool   // the last weights of training instead of their average, see [weights.Weights.Plain]
	Format  string // a name of [All]; "": that of Output's extension
	Output  string // the file to write
	// ModelCard writes a README.md for Hugging Face too, see package modelcard: into the folder of a format that is one,
	// otherwise beside the file.
	ModelCard bool
	// Wrote is called with the path of each file besides Output. nil: not called.
	Wrote func(path string)
	ReadOptions
	WriteOptions
}

// Export converts weights to another format. Other state of a checkpoint is not exported. The
// origin of published weights is kept, for files without metadata in a [weights.Sidecar].
func Export(o ExportOptions) error {
	f, err := ForOutput(o.Output, o.Format)
	if err != nil {
		return fmt.Errorf("export %s: %w", o.Weights, err)
	}
	if err := f.Check(o.WriteOptions); err != nil {
		return fmt.Errorf("export %s: %w", o.Weights, err)
	}
	if err := CheckNotWeights(o.Weights, o.Output); err != nil {
		return err
	}
	w, err := ReadWith(o.Weights, o.ReadOptions)
	if err != nil {
		return err
	}
	if o.Raw {
		if w.Raw != nil {
			delete(w.Meta, weights.MetaBest) // that of the average
		}
		w = w.Plain()
	}
	w = w.Derived()
	card, err := newCard(w, f, o)
	if err == nil {
		err = f.Write(o.Output, w, o.WriteOptions)
	}
	if err == nil {
		err = writeOrigin(w, f, o.Output)
	}
	if err == nil {
		err = card.write(o)
	}
	if err != nil {
		return fmt.Errorf("export %s: %w", o.Weights, err)
	}
	if info, err := os.Stat(o.Output); o.Log != nil && f.Usage != nil && err == nil && (info.IsDir() || info.Mode().IsRegular()) {
		if code := f.Usage(o.Output, w); code != "" {
			o.Log("to load it in Python: " + code)
		}
	}
	return nil
}

// CheckNotWeights refuses to replace weights by a file that is made of them: an export lacks the state that a run continues from.
func CheckNotWeights(weights, output string) error {
	file, err := Find(weights)
	if err != nil {
		return err
	}
	a, errA := os.Stat(file)
	b, errB := os.Stat(output)
	if errA == nil && errB == nil && os.SameFile(a, b) && a.Mode().IsRegular() {
		return fmt.Errorf("formats: %s: the output is the file of the weights: choose another name", output)
	}
	return nil
}
