package formats

import (
	"fmt"
	"io"
	"strings"

	"depthwise.dev/formats/deploy"
	"depthwise.dev/formats/torchscript"
	"depthwise.dev/weights"
)

// scripted is TorchScript: the operations of a network with its arrays, for PyTorch and libtorch. Files are .pt too, as are
// state dicts.
var scripted = Format{
	Name:        "torchscript",
	Description: "TorchScript, for PyTorch and libtorch",
	Extensions:  []string{".torchscript", ".pt"},
	Detect:      isTorchScript,
	Write:       writeTorchScript,
	Options:     []Option{OptionFoldBatchNorm, OptionUint8Input},
	Usage:       func(path string, _ weights.Weights) string { return fmt.Sprintf("torch.jit.load(%q)", path) },
}

// isTorchScript looks for a first member that only TorchScript archives have.
func isTorchScript(head []byte) bool {
	_, name, nested := strings.Cut(firstMember(head), "/")
	return nested && (strings.HasPrefix(name, "code/") || name == "constants.pkl")
}

func writeTorchScript(path string, w weights.Weights, o WriteOptions) error {
	n, err := deploy.New(w, deploy.Options{KeepBatchNorm: o.KeepBatchNorm})
	if err != nil {
		return err
	}
	metadata, err := metadataJSON(w)
	if err != nil {
		return err
	}
	return writeFile(path, func(out io.Writer) error {
		return torchscript.Write(out, n, torchscript.Options{Uint8Input: o.Uint8Input, Metadata: metadata})
	})
}
