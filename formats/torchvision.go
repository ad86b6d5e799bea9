package formats

import (
	"fmt"
	"io"
	"strings"

	"depthwise.dev/checkpoints"
	"depthwise.dev/formats/peers"
	"depthwise.dev/formats/pickle"
	"depthwise.dev/weights"
)

// torchvision is a state dict of torchvision.models.mobilenet_v2 in the zip form of torch.save. What it has no place for is in
// a member that PyTorch ignores and this program reads.
var torchvision = Format{
	Name:        "torchvision",
	Description: "state dict of torchvision.models.mobilenet_v2",
	Extensions:  []string{".pth", ".pt"},
	Write:       writeTorchvision,
	Usage:       useTorchvision,
}

// metadataMember is that of a state dict that this program wrote.
const metadataMember = "extra/metadata.json"

// anyNetwork is advice for networks that a tool does not have.
const anyNetwork = "; for any network write TorchScript: --output NAME.torchscript"

func writeTorchvision(path string, w weights.Weights, _ WriteOptions) error {
	f, err := peers.Export(w, peers.Torchvision)
	if err != nil {
		return fmt.Errorf("%w%s", err, anyNetwork)
	}
	var state pickle.OrderedDict
	for _, a := range f.Arrays {
		tensor := pickle.Array{Shape: a.Data.Shape().Clone()}
		if peers.Ignored(a.Name) {
			tensor.Values, err = checkpoints.Values[int64](a)
		} else {
			tensor.Values, err = checkpoints.Values[float32](a)
		}
		if err != nil {
			return err
		}
		state.Keys, state.Values = append(state.Keys, a.Name), append(state.Values, tensor)
	}
	metadata, err := metadataJSON(w)
	if err != nil {
		return err
	}
	return writeFile(path, func(out io.Writer) error {
		return pickle.Write(out, &state, nil, []pickle.Member{{Name: metadataMember, Content: metadata}})
	})
}

// useTorchvision constructs the class with what differs from its defaults.
func useTorchvision(path string, w weights.Weights) string {
	f, err := peers.Export(w, peers.Torchvision)
	if err != nil {
		return ""
	}
	arguments := []string{fmt.Sprintf("num_classes=%d", f.Config.Classes)}
	if f.Config.Width != 1 {
		arguments = append(arguments, fmt.Sprintf("width_mult=%v", f.Config.Width))
	}
	if f.Config.BNEps != 1e-5 {
		arguments = append(arguments, fmt.Sprintf("norm_layer=functools.partial(torch.nn.BatchNorm2d, eps=%v)", f.Config.BNEps))
	}
	return fmt.Sprintf("model = torchvision.models.mobilenet_v2(%s); model.load_state_dict(torch.load(%q)); model.eval()", strings.Join(arguments, ", "), path)
}
