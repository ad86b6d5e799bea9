package gopackage

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"

	"depthwise.dev/data"
	"depthwise.dev/formats/deploy"
	"depthwise.dev/formats/gopackage/classifier"
	"depthwise.dev/internal/floats"
	"depthwise.dev/models"
)

// round rounds weights to the type in which they are stored. It copies what it changes.
func round(n *deploy.Network, dtype string) error {
	if dtype != classifier.BFloat16 {
		return nil
	}
	for i := range n.Layers {
		l := &n.Layers[i]
		rounded := make([]float32, len(l.Weight))
		for j, v := range l.Weight {
			rounded[j] = floats.Brain(floats.ToBrain(v))
			if math.IsInf(float64(rounded[j]), 0) && !math.IsInf(float64(v), 0) {
				return fmt.Errorf("gopackage: weight %d of layer %q, %g, is beyond bfloat16: use --dtype fp32", j, l.Name, v)
			}
		}
		if l.Weight != nil {
			l.Weight = rounded
		}
	}
	return nil
}

// encode writes the file of weights that package classifier reads.
func encode(n deploy.Network, dtype string, metadata map[string]string) ([]byte, error) {
	h := classifier.Header{Name: n.Name, Input: [3]int{n.Input.Channels, n.Input.Height, n.Input.Width}, Classes: n.Classes,
		Preprocess: preprocess(n.Preprocess), DType: dtype, Metadata: metadata}
	index, size := map[string]int{models.InputName: -1}, 0
	for i, l := range n.Layers {
		layer, err := header(l, index)
		if err != nil {
			return nil, err
		}
		h.Layers = append(h.Layers, layer)
		index[l.Name] = i
		size += 4 * (len(l.Weight) + 3*l.Output.Channels)
	}
	text, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("gopackage: %w", err)
	}
	file := make([]byte, 0, len(classifier.Magic)+4+len(text)+size)
	file = append(file, classifier.Magic...)
	file = binary.LittleEndian.AppendUint32(file, uint32(len(text)))
	file = append(file, text...)
	for _, l := range n.Layers {
		file = appendArrays(file, l, dtype)
	}
	return file, nil
}

// kinds are the kinds of layers that package classifier computes.
var kinds = map[models.Kind]string{models.KindConv: classifier.KindConv, models.KindBatchNorm: classifier.KindBatchNorm,
	models.KindActivation: classifier.KindActivation, models.KindAdd: classifier.KindAdd, models.KindMaxPool: classifier.KindMaxPool,
	models.KindGlobalAvgPool: classifier.KindGlobalAvgPool, models.KindFlatten: classifier.KindFlatten, models.KindLinear: classifier.KindLinear}

// header describes a layer. index has the layers before it.
func header(l deploy.Layer, index map[string]int) (classifier.Layer, error) {
	kind, ok := kinds[l.Kind]
	if f := l.Function(); !ok || f != "" && f != models.ReLU && f != models.ReLU6 {
		return classifier.Layer{}, fmt.Errorf("gopackage: layer %q: the Go package has no %s with the activation function %q; export to another format", l.Name, l.Kind, f)
	}
	layer := classifier.Layer{Kind: kind, Name: l.Name, Out: l.Out, Kernel: l.Kernel, Stride: l.Stride, Groups: l.Groups,
		Rows: [2]int{l.Rows.Before, l.Rows.After}, Cols: [2]int{l.Columns.Before, l.Columns.After}, Bias: l.Bias != nil, Activation: string(l.Function())}
	for _, input := range l.Inputs {
		layer.Inputs = append(layer.Inputs, index[input])
	}
	return layer, nil
}

// appendArrays appends the arrays of a layer in the order in which package classifier reads them.
func appendArrays(file []byte, l deploy.Layer, dtype string) []byte {
	for _, v := range l.Weight {
		if dtype == classifier.BFloat16 {
			file = binary.LittleEndian.AppendUint16(file, floats.ToBrain(v))
		} else {
			file = binary.LittleEndian.AppendUint32(file, math.Float32bits(v))
		}
	}
	if l.BatchNorm != nil {
		scale, shift := l.BatchNorm.Affine()
		for _, values := range [][]float64{scale, shift} {
			for _, v := range values {
				file = binary.LittleEndian.AppendUint32(file, math.Float32bits(float32(v)))
			}
		}
	}
	for _, v := range l.Bias {
		file = binary.LittleEndian.AppendUint32(file, math.Float32bits(v))
	}
	return file
}

// preprocess names what is empty in p.
func preprocess(p data.Preprocess) classifier.Preprocess {
	c := classifier.Preprocess{Resolution: p.Resolution, Fit: p.Fit, Resize: p.Resize, EXIF: p.EXIF, Interpolation: p.Interpolation, Mean: p.Mean, Std: p.Std}
	if c.Fit == "" {
		c.Fit = data.FitCrop
	}
	if c.Fit == data.FitCrop {
		c.Resize = p.Shorter()
	}
	if c.Interpolation == "" {
		c.Interpolation = data.Bilinear
	}
	return c
}
