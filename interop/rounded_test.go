//go:build interop

package interop

import (
	"math"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/formats"
	"depthwise.dev/formats/deploy"
	"depthwise.dev/models"
	"depthwise.dev/weights"
)

// rounded returns the network that an export with weights of float16 or bfloat16 computes: batch norm folded as it is in the
// export, weights of convolutions and linear layers rounded to the nearest.
func rounded(t *testing.T, w weights.Weights, o formats.WriteOptions) weights.Weights {
	n, err := deploy.New(w, deploy.Options{KeepBatchNorm: o.KeepBatchNorm})
	if err != nil {
		t.Fatal(err)
	}
	round := half
	if o.DType == formats.BFloat16 {
		round = bfloat
	}
	r := w
	var layers []models.Layer
	values := map[string][]float32{}
	for _, l := range n.Layers {
		layer := l.Layer
		layer.Bias = l.Bias != nil
		if l.Weight != nil {
			values[l.Name+".weight"] = make([]float32, len(l.Weight))
			for i, v := range l.Weight {
				values[l.Name+".weight"][i] = round(v)
			}
		}
		values[l.Name+".bias"] = l.Bias
		if b := l.BatchNorm; b != nil {
			for end, v := range map[string][]float32{".weight": b.Scale, ".bias": b.Shift, ".running_mean": b.Mean, ".running_var": b.Variance} {
				values[l.Norm.Name+end] = v
			}
		}
		layers = append(layers, layer)
	}
	if r.Graph, err = models.NewGraph(n.Name, n.Input, layers); err != nil {
		t.Fatal(err)
	}
	r.Config, r.Arrays = nil, nil
	for _, a := range r.Graph.Arrays() {
		array, err := checkpoints.NewArray(a.Name, values[a.Name], shapeOf(a)...)
		if err != nil {
			t.Fatal(err)
		}
		r.Arrays = append(r.Arrays, array)
	}
	return r
}

func shapeOf(a models.Array) []int {
	shape := make([]int, len(a.Shape))
	for i, d := range a.Shape {
		shape[i] = int(d)
	}
	return shape
}

// half is the nearest float16, whose smallest normal number is 2^-14.
func half(v float32) float32 { return nearest(v, 10, -14) }

// bfloat is the nearest bfloat16.
func bfloat(v float32) float32 { return nearest(v, 7, -126) }

// nearest is the nearest number with so many bits behind the point, to even where two are equally near.
func nearest(v float32, bits, least int) float32 {
	if v == 0 {
		return v
	}
	_, exponent := math.Frexp(float64(v)) // |v| is in [2^(exponent-1), 2^exponent)
	unit := math.Ldexp(1, max(exponent-1, least)-bits)
	return float32(math.RoundToEven(float64(v)/unit) * unit)
}
