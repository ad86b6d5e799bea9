package kerasmodel

import (
	"math"
	"strings"

	"depthwise.dev/models"
)

// evaluate computes a graph in float64 as its documentation says. image is (channels, rows, columns).
func evaluate(g *models.Graph, values Arrays, image []float64) []float64 {
	results := map[string][]float64{models.InputName: image}
	var y []float64
	for _, l := range g.Layers {
		x := results[l.Inputs[0]]
		switch l.Kind {
		case models.KindConv:
			y = convolve(l, x, values)
		case models.KindMaxPool:
			y = maximum(l, x)
		case models.KindAdd:
			y = make([]float64, len(x))
			for i := range x {
				y[i] = x[i] + results[l.Inputs[1]][i]
			}
		case models.KindGlobalAvgPool:
			y = make([]float64, l.In.Channels)
			for i, v := range x {
				y[i/int(l.In.Positions())] += v / float64(l.In.Positions())
			}
		case models.KindLinear:
			y = linear(l, x, values)
		default: // batch norm and activation follow; flatten and dropout change nothing
			y = append([]float64(nil), x...)
		}
		finishLayer(l, y, values)
		results[l.Name] = y
	}
	return y
}

// finishLayer applies norm and activation in place.
func finishLayer(l models.Layer, y []float64, values Arrays) {
	for i := range y {
		if n := l.Norm; n != nil {
			c := i / int(l.Output.Positions())
			of := func(name string) float64 { return float64(values[n.Name+name][c]) }
			y[i] = (y[i]-of(".running_mean"))/math.Sqrt(of(".running_var")+n.Eps)*of(".weight") + of(".bias")
		}
		if a := l.Activation; a != nil {
			if y[i] = max(y[i], 0); a.Function == models.ReLU6 {
				y[i] = min(y[i], 6)
			}
		}
	}
}

// windows calls visit for each output position and each input position in its window that is not padding.
func windows(l models.Layer, visit func(out, in, tap int)) {
	rows, columns := l.Pads(l.In.Height, l.In.Width)
	for oy := range l.Output.Height {
		for ox := range l.Output.Width {
			for ky := range l.Kernel {
				for kx := range l.Kernel {
					y, x := oy*l.Stride+ky-rows.Before, ox*l.Stride+kx-columns.Before
					if y >= 0 && x >= 0 && y < l.In.Height && x < l.In.Width {
						visit(oy*l.Output.Width+ox, y*l.In.Width+x, ky*l.Kernel+kx)
					}
				}
			}
		}
	}
}

func convolve(l models.Layer, x []float64, values Arrays) []float64 {
	in, out, positions := int(l.In.Positions()), int(l.Output.Positions()), l.Kernel*l.Kernel
	y := make([]float64, l.Output.Values())
	each, group := l.In.Channels/l.Groups, l.Out/l.Groups
	weight, bias := values[l.Name+".weight"], values[l.Name+".bias"]
	for o := range l.Out {
		for i := range each {
			from := (o/group)*each + i
			windows(l, func(to, at, tap int) {
				y[o*out+to] += x[from*in+at] * float64(weight[(o*each+i)*positions+tap])
			})
		}
		for p := 0; p < out && l.Bias; p++ {
			y[o*out+p] += float64(bias[o])
		}
	}
	return y
}

func maximum(l models.Layer, x []float64) []float64 {
	y := make([]float64, l.Output.Values())
	for i := range y {
		y[i] = math.Inf(-1)
	}
	for c := range l.In.Channels {
		windows(l, func(to, at, _ int) {
			o := c*int(l.Output.Positions()) + to
			y[o] = max(y[o], x[c*int(l.In.Positions())+at])
		})
	}
	return y
}

func linear(l models.Layer, x []float64, values Arrays) []float64 {
	y := make([]float64, l.Out)
	for o := range y {
		if l.Bias {
			y[o] = float64(values[l.Name+".bias"][o])
		}
		for i, v := range x {
			y[o] += v * float64(values[l.Name+".weight"][o*len(x)+i])
		}
	}
	return y
}

// valuesOf are arrays whose values differ from each other; variances are positive.
func valuesOf(g *models.Graph) Arrays {
	values := Arrays{}
	for n, a := range g.Arrays() {
		v := make([]float32, a.Size())
		for i := range v {
			v[i] = float32((i*i*7+i*5+n*11)%31)/31 - 0.5
			if strings.HasSuffix(a.Name, ".running_var") {
				v[i] += 0.6
			}
		}
		values[a.Name] = v
	}
	return values
}

// picture is an input with values from -2 to 2.
func picture(g *models.Graph) []float64 {
	x := make([]float64, g.Input.Values())
	for i := range x {
		x[i] = 2 * math.Sin(float64(i*i%97)+float64(i)/7)
	}
	return x
}

// softmax of logits.
func softmax(x []float64) []float64 {
	y, sum := make([]float64, len(x)), 0.0
	for i, v := range x {
		y[i] = math.Exp(v)
		sum += y[i]
	}
	for i := range y {
		y[i] /= sum
	}
	return y
}
