//go:build interop

package interop

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"depthwise.dev/backend"
	"depthwise.dev/formats"
	"depthwise.dev/internal/host"
)

const (
	environmentLimit = 30 * time.Minute // to download and install; measured 2:14
	clientLimit      = 3 * time.Minute  // for one model and input, imports included; measured at most 15 s
)

// TestInterop exports each network by each row and opens it with the row's client. INTEROP_PYTHON names a Python that has the
// packages of requirements.txt already.
func TestInterop(t *testing.T) {
	python := environment(t)
	list := subjects(t)
	var results table
	for chunk := range clients(rows) {
		client := &Client{Name: chunk[0].client, Python: python, Dir: "clients"}
		for _, r := range chunk {
			t.Run(r.name(), func(t *testing.T) {
				for _, s := range list {
					t.Run(s.name, func(t *testing.T) { results.add(r, s, r.check(t, client, s)) })
				}
			})
		}
		client.Close()
	}
	fmt.Println(results.String())
}

// clients divides rows by client, which runs from its first row to its last.
func clients(rows []row) iter.Seq[[]row] {
	return func(yield func([]row) bool) {
		for len(rows) > 0 {
			n := 1
			for n < len(rows) && rows[n].client == rows[0].client {
				n++
			}
			if !yield(rows[:n]) {
				return
			}
			rows = rows[n:]
		}
	}
}

// environment returns the Python of the clients of exports.
func environment(t *testing.T) string {
	return pythonOf(t, "INTEROP_PYTHON", Environment{Requirements: "requirements.txt", Size: "3.5 GB, needs 8 GB"})
}

// pythonOf returns the Python that a variable names, or that of an environment in the cache folder.
func pythonOf(t *testing.T, variable string, e Environment) string {
	if python := os.Getenv(variable); python != "" {
		return fromRoot(python)
	}
	cache, err := host.CacheFolder()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), environmentLimit)
	defer cancel()
	e.Cache, e.BasePython, e.Log = cache, "python3", os.Stdout
	python, err := e.Python(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return python
}

// fromRoot makes a path of an environment variable relative to the repository, where make runs, and not to this package.
func fromRoot(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join("..", path)
}

// name is the format with its options, then the client.
func (r row) name() string { return r.variant() + " by " + r.client }

// variant is the format with its options.
func (r row) variant() string {
	name := r.format
	if r.extension != "" {
		name += " " + r.extension
	}
	if r.options.KeepBatchNorm {
		name += ", batch norm kept"
	}
	if r.options.Uint8Input {
		name += ", uint8 input"
	}
	if r.options.DType != "" {
		name += ", " + r.options.DType
	}
	return name
}

// check exports a network and has the client open it.
func (r row) check(t *testing.T, client *Client, s subject) (o outcome) {
	start := time.Now()
	defer func() { o.seconds = time.Since(start).Seconds() }()
	taken := r.takes == nil || r.takes(s.w)
	if !taken && r.refusal == "" {
		return outcome{}
	}
	model, err := r.export(t, s)
	if err != nil && !taken && strings.Contains(err.Error(), r.refusal) {
		return outcome{refused: true}
	}
	if err != nil {
		t.Error(err)
		return outcome{failed: true}
	}
	if r.client == self {
		o = r.readBack(t, model, s)
	} else {
		o = r.open(t, client, model, s)
	}
	o.failed = t.Failed()
	return o
}

// export writes the network in the row's format.
func (r row) export(t *testing.T, s subject) (string, error) {
	output, extension := filepath.Join(t.TempDir(), "model"), r.extension
	i := slices.IndexFunc(formats.All, func(f formats.Format) bool { return f.Name == r.format })
	if i >= 0 && !formats.All[i].Folder && extension == "" {
		extension = formats.All[i].Extensions[0]
	}
	if r.beside != "" {
		if err := formats.Export(formats.ExportOptions{Weights: s.path, Output: output + r.beside}); err != nil {
			return "", err
		}
	}
	output += extension
	return output, formats.Export(formats.ExportOptions{Weights: s.path, Output: output, Format: r.format, WriteOptions: r.options})
}

// readBack compares the logits of the export that this program reads.
func (r row) readBack(t *testing.T, model string, s subject) outcome {
	w, err := formats.Read(model)
	if err != nil {
		t.Error(err)
		return outcome{}
	}
	if !slices.Equal(w.Classes, s.w.Classes) {
		t.Errorf("classes %q, want %q", w.Classes, s.w.Classes)
	}
	for _, in := range s.inputs {
		if !slices.Equal(logits(t, backend.Torch{}, w, in.values, in.n), in.logits) {
			t.Errorf("%s: logits differ from those before the export; want the same bits", in.name)
		}
	}
	return outcome{opened: true, note: "the same bits"}
}

// open runs the client on each input.
func (r row) open(t *testing.T, client *Client, model string, s subject) outcome {
	o := outcome{opened: true}
	for _, in := range s.inputs {
		if r.options.Uint8Input && in.pixels == nil {
			continue
		}
		a, err := r.run(t, client, model, s, in)
		if err != nil {
			t.Errorf("%s: %v", in.name, err)
			return o
		}
		o.version, o.note = a.Version, a.Note
		if !slices.Equal(a.Classes, s.w.Classes) {
			t.Errorf("classes %q, want %q", a.Classes, s.w.Classes)
		}
		o.worst = max(o.worst, r.difference(t, a, in, s))
	}
	progress("%s: %s: largest difference %.2g", r.name(), s.name, o.worst)
	return o
}

// run runs the client on one input.
func (r row) run(t *testing.T, client *Client, model string, s subject, in input) (Answer, error) {
	ctx, cancel := context.WithTimeout(t.Context(), clientLimit)
	defer cancel()
	if r.client == golang {
		return runGo(ctx, t, model, s, in)
	}
	dir := t.TempDir()
	from, to := filepath.Join(dir, "input.npy"), filepath.Join(dir, "output.npy")
	in.write(t, from, s.w.Graph.Input, r.options.Uint8Input)
	return client.Run(ctx, model, from, to)
}

// difference compares an answer with the reference and with the fused kernels, and returns the larger difference.
func (r row) difference(t *testing.T, a Answer, in input, s subject) (worst float64) {
	compare := []reference{{"torch", in.logits}, {"fused", in.fused}}
	if r.options.DType != "" {
		compare = []reference{{"torch with rounded weights", logits(t, backend.Torch{}, rounded(t, s.w, r.options), in.values, in.n)}}
	}
	for _, ours := range compare {
		if ours.logits == nil {
			continue
		}
		d, err := Compare(a, ours.logits, s.w.Graph.Classes())
		if err != nil {
			t.Errorf("%s: %v", in.name, err)
		} else if !(d <= Tolerance) {
			t.Errorf("%s, backend %s: largest difference %.2g, %.2g allowed", in.name, ours.backend, d, Tolerance)
		}
		worst = max(worst, d)
	}
	return worst
}

// reference are our logits.
type reference struct {
	backend string
	logits  []float32
}
