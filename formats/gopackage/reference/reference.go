// Package reference computes networks for inference in float64 by plain loops: what faster code is compared with. It needs
// no libtorch. The conversions of products round them, so that processors with fused multiply-add give the same bits.
package reference

import (
	"fmt"
	"math"

	"depthwise.dev/formats/deploy"
	"depthwise.dev/models"
)

// Logits returns the logits of one normalized image, (channels, rows, columns).
func Logits(n deploy.Network, image []float64) ([]float64, error) {
	if len(image) != int(n.Input.Values()) {
		return nil, fmt.Errorf("reference: %d values for an input of %v", len(image), n.Input)
	}
	readers := map[string]int{}
	for _, l := range n.Layers {
		for _, input := range l.Inputs {
			readers[input]++
		}
	}
	results, last := map[string][]float64{models.InputName: image}, []float64(nil)
	for _, l := range n.Layers {
		inputs := make([][]float64, len(l.Inputs))
		for i, name := range l.Inputs {
			inputs[i] = results[name]
			if readers[name]--; readers[name] == 0 {
				delete(results, name)
			}
		}
		last = compute(l, inputs)
		if l.BatchNorm != nil {
			normalize(last, l)
		}
		activate(last, l.Function())
		results[l.Name] = last
	}
	return last, nil
}

// compute returns the layer's result before its batch norm and activation function.
func compute(l deploy.Layer, in [][]float64) []float64 {
	switch l.Kind {
	case models.KindConv:
		return conv(l, in[0])
	case models.KindMaxPool:
		return maxPool(l, in[0])
	case models.KindLinear:
		return linear(l, in[0])
	case models.KindGlobalAvgPool:
		return average(l, in[0])
	case models.KindAdd:
		out := make([]float64, len(in[0]))
		for i, v := range in[0] {
			out[i] = v + in[1][i]
		}
		return out
	}
	return append([]float64(nil), in[0]...) // activation, batch norm, flatten
}

// conv adds one tap of the kernel after another to each result.
func conv(l deploy.Layer, in []float64) []float64 {
	positions := l.Output.Height * l.Output.Width
	out := make([]float64, l.Out*positions)
	each, outs, k := l.In.Channels/l.Groups, l.Out/l.Groups, l.Kernel
	for o := range l.Out {
		dst := out[o*positions:][:positions]
		if l.Bias != nil {
			for i := range dst {
				dst[i] = float64(l.Bias[o])
			}
		}
		for c := range each {
			channel := o/outs*each + c
			src := in[channel*l.In.Height*l.In.Width:][:l.In.Height*l.In.Width]
			for t := range k * k {
				addTap(l, dst, src, t/k-l.Rows.Before, t%k-l.Columns.Before, float64(l.Weight[(o*each+c)*k*k+t]))
			}
		}
	}
	return out
}

// addTap adds a weight times the input that is (y, x) from the window's position.
func addTap(l deploy.Layer, dst, src []float64, y, x int, weight float64) {
	for oy := range l.Output.Height {
		iy := oy*l.Stride + y
		if iy < 0 || iy >= l.In.Height {
			continue
		}
		row, line := dst[oy*l.Output.Width:][:l.Output.Width], src[iy*l.In.Width:][:l.In.Width]
		for ox := range row {
			if ix := ox*l.Stride + x; ix >= 0 && ix < len(line) {
				row[ox] += float64(weight * line[ix])
			}
		}
	}
}

func maxPool(l deploy.Layer, in []float64) []float64 {
	out := make([]float64, 0, l.Output.Values())
	for c := range l.Output.Channels {
		for oy := range l.Output.Height {
			for ox := range l.Output.Width {
				largest := math.Inf(-1)
				for t := range l.Kernel * l.Kernel {
					y, x := oy*l.Stride-l.Rows.Before+t/l.Kernel, ox*l.Stride-l.Columns.Before+t%l.Kernel
					if y >= 0 && y < l.In.Height && x >= 0 && x < l.In.Width {
						largest = math.Max(largest, in[(c*l.In.Height+y)*l.In.Width+x])
					}
				}
				out = append(out, largest)
			}
		}
	}
	return out
}

func linear(l deploy.Layer, in []float64) []float64 {
	out := make([]float64, l.Out)
	for o := range out {
		if l.Bias != nil {
			out[o] = float64(l.Bias[o])
		}
		for i, v := range in {
			out[o] += float64(float64(l.Weight[o*len(in)+i]) * v)
		}
	}
	return out
}

func average(l deploy.Layer, in []float64) []float64 {
	positions := l.In.Height * l.In.Width
	out := make([]float64, l.In.Channels)
	for c := range out {
		for _, v := range in[c*positions:][:positions] {
			out[c] += v
		}
		out[c] /= float64(positions)
	}
	return out
}

func normalize(values []float64, l deploy.Layer) {
	scale, shift := l.BatchNorm.Affine()
	positions := len(values) / len(scale)
	for i := range values {
		c := i / positions
		values[i] = float64(values[i]*scale[c]) + shift[c]
	}
}

// activate applies a function; NaN propagates.
func activate(values []float64, f models.Function) {
	for i, v := range values {
		switch {
		case f != "" && v < 0:
			values[i] = 0
		case f == models.ReLU6 && v > 6:
			values[i] = 6
		}
	}
}
