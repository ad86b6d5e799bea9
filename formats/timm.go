package formats

import (
	"fmt"

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

// useTimm constructs the network with what differs from timm's defaults.
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
	if code, create := peers.TimmModel(f.Config, fmt.Sprintf("%s, checkpoint_path=%q", arguments, path)); create {
		return code + ".eval()"
	}
	code, _ := peers.TimmModel(f.Config, arguments)
	return fmt.Sprintf("model = %s; timm.models.load_checkpoint(model, %q); model.eval()", code, path)
}
