package formats

import (
	"errors"
	"fmt"
	"strconv"

	"depthwise.dev/internal/validate"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/weights"
)

// ReadOptions are the options of [ReadWith].
type ReadOptions struct {
	// Variant of the network in a file that does not name it, such as those of other tools; "": that of the tool whose
	// names the arrays have. A file that names another variant is an error.
	Variant string
	// Log receives a line about what was inferred about the weights of another tool. nil: nothing.
	Log func(line string)
}

// Read reads the weights of a file, in the format of its content, or of a folder, see [Find]. Files of other tools are
// recognized by the names of their arrays; see package peers. For a run with a weight average it returns the average;
// see [weights.Weights.Plain]. If the content identifies no format, as that of a damaged file, the extension selects it,
// and its reader then names the defect. A sidecar of the file (see [weights.Sidecar]) adds its origin.
func Read(path string) (weights.Weights, error) { return ReadWith(path, ReadOptions{}) }

// ReadWith is [Read] with options.
func ReadWith(path string, o ReadOptions) (weights.Weights, error) {
	file, err := Find(path)
	if err != nil {
		return weights.Weights{}, err
	}
	f, err := Detect(file)
	if errors.Is(err, ErrUnknown) {
		f, err = ByExtension(file)
	}
	if err != nil {
		return weights.Weights{}, err
	}
	if f.Read == nil {
		return weights.Weights{}, fmt.Errorf("formats: %s: files of the format %s can only be written; name the weights that it was exported from, such as a .safetensors file", file, f.Name)
	}
	w, err := f.Read(file, o)
	if err == nil {
		err = addOrigin(&w, file)
	}
	if err != nil {
		return weights.Weights{}, err
	}
	if o.Variant != "" && w.Origin == "" {
		if err := checkVariant(w, o.Variant); err != nil {
			return weights.Weights{}, fmt.Errorf("formats: %s: %w", file, err)
		}
	}
	if o.Log != nil && w.Origin != "" {
		o.Log(fmt.Sprintf("%s: %s", file, w.Origin))
	}
	return w, nil
}

// checkVariant compares the variant that the user names with that of weights that describe themselves.
func checkVariant(w weights.Weights, variant string) error {
	if w.Config == nil {
		return validate.Field("variant", strconv.Quote(variant), "the weights hold a graph, which has no variant; leave it out")
	}
	c, err := mobilenet.Default(w.Config.Arch, variant) // of an alias, the variant's name
	if err == nil && c.Variant != w.Config.Variant {
		err = validate.Field("variant", strconv.Quote(variant), fmt.Sprintf("the weights say that they are of %s; leave it out", w.Config.Variant))
	}
	return err
}
