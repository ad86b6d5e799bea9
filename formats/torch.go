package formats

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"depthwise.dev/checkpoints"
	"depthwise.dev/formats/peers"
	"depthwise.dev/formats/pickle"
	"depthwise.dev/weights"
)

// torch is PyTorch's torch.save: a zip file of a pickle and storages, or before version 1.6 pickles and storages alone.
var torch = Format{
	Name:        "torch",
	Description: "PyTorch's state dicts and training checkpoints",
	Extensions:  []string{".pth", ".pt"},
	Detect:      isTorch,
	Read:        readTorch,
}

// isTorch looks for the first member of a zip of torch.save, NAME/data.pkl or a file beside it, or for a pickle. A
// pickle of something else is refused by its reader.
func isTorch(head []byte) bool {
	if len(head) > 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5 {
		return true
	}
	_, name, nested := strings.Cut(firstMember(head), "/")
	return nested && (slices.Contains([]string{"data.pkl", "version", "byteorder", ".format_version", ".storage_alignment"}, name) || strings.HasPrefix(name, "data/") || strings.HasPrefix(name, "extra/"))
}

func readTorch(path string, o ReadOptions) (weights.Weights, error) {
	f, err := pickle.Open(path)
	if err != nil {
		return weights.Weights{}, fmt.Errorf("formats: %w", err)
	}
	s, err := torchState(f)
	var text []byte
	if err == nil {
		text, err = f.Member(metadataMember)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return weights.Weights{}, fmt.Errorf("formats: %s: %w", path, err)
	}
	if text == nil || s.Average != nil {
		return fromPeer(path, s, o)
	}
	return fromExported(path, text, s)
}

// fromExported reads a state dict that this program exported, with its metadata.
func fromExported(path string, text []byte, s peers.State) (weights.Weights, error) {
	meta, err := parseMetadata(text)
	if err != nil {
		return weights.Weights{}, fmt.Errorf("formats: %s: the member %s: %w", path, metadataMember, err)
	}
	f := checkpoints.File{Meta: meta}
	for _, a := range s.Arrays {
		array, err := checkpoints.NewArray(a.Name, a.Values, a.Shape...)
		if err != nil {
			return weights.Weights{}, fmt.Errorf("formats: %s: %w", path, err)
		}
		f.Arrays = append(f.Arrays, array)
	}
	return fromDescribed(path, f)
}

func torchState(f *pickle.File) (s peers.State, err error) {
	entries, average, err := f.State()
	if err != nil {
		return s, err
	}
	if s.Arrays, err = torchArrays(f, entries); err != nil || average == nil {
		return s, err
	}
	s.Average, err = torchArrays(f, average)
	return s, err
}

func torchArrays(f *pickle.File, entries []pickle.Entry) ([]peers.Array, error) {
	var arrays []peers.Array
	for _, e := range entries {
		if peers.Ignored(e.Name) {
			continue
		}
		kind, known := e.Tensor.Type()
		if known && !kind.Floating() {
			return nil, fmt.Errorf("tensor %q has elements of type %v; float16, bfloat16, float32 and float64 are weights", e.Name, kind)
		}
		values, err := f.Read(e.Tensor)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", e.Name, err)
		}
		arrays = append(arrays, peers.Array{Name: e.Name, Shape: e.Tensor.Size, Values: values})
	}
	return arrays, nil
}
