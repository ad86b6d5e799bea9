package models

// Summary describes a network as Keras' model.summary() does, with a column of multiply-adds: a row for
// each input, convolution, normalization, activation, pool, dropout, dense layer, and the totals.
type Summary struct {
	Model        string       `json:"model"` // the graph's name
	Input        Shape        `json:"input"`
	Classes      int          `json:"classes"`
	Rows         []SummaryRow `json:"layers"`
	Params       int64        `json:"params"`               // of all arrays
	Trainable    int64        `json:"trainable_params"`     // those that gradients change
	NonTrainable int64        `json:"non_trainable_params"` // running means and variances
	MultiplyAdds int64        `json:"multiply_adds"`        // of one image, see [Layer.MultiplyAdds]
}

// SummaryRow is a line of the summary.
type SummaryRow struct {
	Name         string `json:"name"`
	Type         string `json:"type"`   // Keras' name of the layer's class
	Output       []int  `json:"output"` // height, width, channels; or channels alone
	Params       int64  `json:"params"`
	MultiplyAdds int64  `json:"multiply_adds"`
}

// normArrays are the arrays of a batch norm, one value a channel each: weight and bias are trained, the
// running mean and variance are not.
const normArrays = 4

// Summary counts the network.
func (g *Graph) Summary() Summary {
	sum := Summary{Model: g.Name, Input: g.Input, Classes: g.Classes()}
	sum.add(InputName, "InputLayer", g.Input, 0, 0)
	for _, l := range g.Layers {
		if l.Kind != KindBatchNorm && l.Kind != KindActivation {
			sum.add(l.Name, l.kerasClass(), l.Output, l.Params(), l.MultiplyAdds())
		}
		if l.Norm != nil {
			sum.add(l.Norm.Name, "BatchNormalization", l.Output, normArrays*int64(l.Output.Channels), 0)
		}
		if l.Activation != nil {
			sum.add(l.Activation.Name, "ReLU", l.Output, 0, 0)
		}
		for _, a := range l.Arrays() {
			if a.Role == "" {
				sum.NonTrainable += int64(a.Size())
			} else {
				sum.Trainable += int64(a.Size())
			}
		}
	}
	return sum
}

func (s *Summary) add(name, class string, out Shape, params, multiplyAdds int64) {
	output := []int{out.Channels}
	if out.Spatial() {
		output = []int{out.Height, out.Width, out.Channels}
	}
	s.Rows = append(s.Rows, SummaryRow{Name: name, Type: class, Output: output, Params: params, MultiplyAdds: multiplyAdds})
	s.Params += params
	s.MultiplyAdds += multiplyAdds
}

func (l Layer) kerasClass() string {
	if l.Depthwise() {
		return "DepthwiseConv2D"
	}
	return kinds[l.Kind].keras
}
