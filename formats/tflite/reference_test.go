package tflite

import (
	"math"
	"testing"

	"depthwise.dev/models"
	"depthwise.dev/weights"
)

// reference computes the logits of images (N, C, H, W) in float64, layer by layer from the graph and the arrays of the
// weights, as the comments of package models define them.
func reference(t testing.TB, w weights.Weights, images array) array {
	t.Helper()
	arrays, err := w.Values()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]array{models.InputName: images}
	var y array
	for _, l := range w.Graph.Layers {
		x := values[l.Inputs[0]]
		switch l.Kind {
		case models.KindConv, models.KindMaxPool:
			y = slide(l, x, arrays)
		case models.KindAdd:
			y = zeros(x.shape...)
			for i := range y.values {
				y.values[i] = x.values[i] + values[l.Inputs[1]].values[i]
			}
		case models.KindGlobalAvgPool:
			y = zeros(x.shape[0], x.shape[1])
			for i, v := range x.values {
				y.values[i/(x.shape[2]*x.shape[3])] += v / float64(x.shape[2]*x.shape[3])
			}
		case models.KindFlatten:
			y = array{[]int{x.shape[0], len(x.values) / x.shape[0]}, append([]float64(nil), x.values...)}
		case models.KindLinear:
			y = zeros(x.shape[0], l.Out)
			for i := range y.values {
				if l.Bias {
					y.values[i] = float64(arrays[l.Name+".bias"][i%l.Out])
				}
				for k := range x.shape[1] {
					y.values[i] += x.values[i/l.Out*x.shape[1]+k] * float64(arrays[l.Name+".weight"][i%l.Out*x.shape[1]+k])
				}
			}
		default: // batch norm, activation, dropout
			y = array{x.shape, append([]float64(nil), x.values...)}
		}
		values[l.Name] = behind(l, y, arrays)
	}
	return y
}

// slide computes a convolution or a max pool.
func slide(l models.Layer, x array, arrays map[string][]float32) array {
	rows, columns := l.Pads(x.shape[2], x.shape[3])
	y := zeros(x.shape[0], l.Output.Channels, l.Output.Height, l.Output.Width)
	for i := range y.values {
		column, row, out, n := i%y.shape[3], i/y.shape[3]%y.shape[2], i/(y.shape[3]*y.shape[2])%y.shape[1], i/(y.shape[3]*y.shape[2]*y.shape[1])
		channels, first := 1, out
		if l.Kind == models.KindConv {
			channels = x.shape[1] / l.Groups
			first = out / (l.Out / l.Groups) * channels
		} else {
			y.values[i] = math.Inf(-1)
		}
		if l.Bias {
			y.values[i] = float64(arrays[l.Name+".bias"][out])
		}
		for k := range channels * l.Kernel * l.Kernel {
			c, r, s := k/(l.Kernel*l.Kernel), k/l.Kernel%l.Kernel, k%l.Kernel
			h, w := row*l.Stride-rows.Before+r, column*l.Stride-columns.Before+s
			if h < 0 || h >= x.shape[2] || w < 0 || w >= x.shape[3] {
				continue
			}
			if v := x.values[x.at(n, first+c, h, w)]; l.Kind == models.KindMaxPool {
				y.values[i] = max(y.values[i], v)
			} else {
				y.values[i] += v * float64(arrays[l.Name+".weight"][out*channels*l.Kernel*l.Kernel+k])
			}
		}
	}
	return y
}

// behind applies the batch norm and the activation of a layer to its result.
func behind(l models.Layer, y array, arrays map[string][]float32) array {
	if l.Norm != nil {
		of := func(name string, i int) float64 { return float64(arrays[l.Norm.Name+name][i]) }
		for i, v := range y.values {
			c := i / (y.shape[2] * y.shape[3]) % y.shape[1]
			y.values[i] = (v-of(".running_mean", c))/math.Sqrt(of(".running_var", c)+l.Norm.Eps)*of(".weight", c) + of(".bias", c)
		}
	}
	if l.Activation != nil {
		y = activated(y, int(map[models.Function]activation{models.ReLU: activationReLU, models.ReLU6: activationReLU6}[l.Activation.Function]))
	}
	return y
}
