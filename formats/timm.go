package formats

import (
	"fmt"
	"math"
	"strings"

	"depthwise.dev/checkpoints"
	"depthwise.dev/formats/peers"
	"depthwise.dev/models"
	"depthwise.dev/weights"
)

// timm is a checkpoint of timm's MobileNets: the native format, whose names are timm's, for networks that timm can construct.
var timm = Format{
	Name:        "timm",
	Description: "checkpoint for timm.create_model, in safetensors",
	Extensions:  []string{".safetensors"},
	Write:       writeTimm,
	Usage:       useTimm,
}

func writeTimm(path string, w weights.Weights, _ WriteOptions) error {
	foreign, err := peers.Export(w, peers.Timm)
	if err != nil {
		return fmt.Errorf("%w%s", err, anyNetwork)
	}
	w.Raw = nil
	f, err := w.File()
	if err != nil {
		return err
	}
	f.Arrays = foreign.Arrays
	return checkpoints.Write(path, f)
}

// timmWidths are the width multipliers for which timm has a function.
var timmWidths = map[string][]float64{"mobilenet_v1": {1, 1.25}, "mobilenet_v2": {0.35, 0.5, 0.75, 1, 1.4}}

// useTimm constructs the network with what differs from timm's defaults. A width without a function of its own needs the
// function that those call.
func useTimm(path string, w weights.Weights) string {
	f, err := peers.Export(w, peers.Timm)
	if err != nil {
		return ""
	}
	arguments := fmt.Sprintf("num_classes=%d", f.Config.Classes)
	if f.Config.Activation != models.ReLU6 {
		arguments += fmt.Sprintf(", act_layer=%q", f.Config.Activation)
	}
	if f.Config.BNEps != 1e-5 {
		arguments += fmt.Sprintf(", bn_eps=%v", f.Config.BNEps)
	}
	if f.Config.Padding != models.Symmetric {
		arguments += `, pad_type="same"`
	}
	version := strings.TrimPrefix(f.Config.Arch, "mobilenet_") // v1
	for _, width := range timmWidths[f.Config.Arch] {
		if width == f.Config.Width {
			return fmt.Sprintf("timm.create_model(\"mobilenet%s_%03d\", %s, checkpoint_path=%q)", version, int(math.Round(100*width)), arguments, path)
		}
	}
	return fmt.Sprintf("model = timm.models.efficientnet._gen_mobilenet_%s(\"mobilenet%s_100\", %v, %s); timm.models.load_checkpoint(model, %q)", version, version, f.Config.Width, arguments, path)
}
