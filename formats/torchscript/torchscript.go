// Package torchscript writes networks as TorchScript archives, which torch.jit.load and libtorch run: a zip file of a pickle
// of the arrays and the code of the network. It needs no libtorch.
//
// Sources: torch/csrc/jit/docs/serialization.md of PyTorch, and files that torch.jit.save writes.
package torchscript

import (
	"fmt"
	"io"

	"depthwise.dev/formats/deploy"
	"depthwise.dev/formats/pickle"
)

// Options are the options of [Write].
type Options struct {
	// Uint8Input makes the network take pixels, uint8 of (N, H, W, 3), and normalize them. Otherwise it takes normalized
	// float32 values, (N, C, H, W).
	Uint8Input bool
	// Metadata is the content of the extra file [MetadataFile].
	Metadata []byte
}

// MetadataFile is the name of the extra file of an archive that describes the network, for torch.jit.load's _extra_files.
const MetadataFile = "metadata.json"

// class is the name of the network's class.
const class = "Network"

// Write writes the archive. Its method forward takes a batch of any size and returns the logits, (N, classes).
func Write(w io.Writer, n deploy.Network, o Options) error {
	m := newModule()
	code, err := m.forward(n, o)
	if err != nil {
		return fmt.Errorf("torchscript: %w", err)
	}
	root := &pickle.Object{Module: "__torch__", Class: class, Attributes: m.attributes()}
	first := []pickle.Member{{Name: "code/__torch__.py", Content: []byte(m.class(code))}}
	last := []pickle.Member{{Name: "constants.pkl", Content: []byte("\x80\x02).")}} // an empty tuple
	if o.Metadata != nil {
		last = append(last, pickle.Member{Name: "extra/" + MetadataFile, Content: o.Metadata})
	}
	if err := pickle.Write(w, root, first, last); err != nil {
		return fmt.Errorf("torchscript: %w", err)
	}
	return nil
}
