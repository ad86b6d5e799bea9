package mobilenet

// Summary describes a network as Keras's model.summary() does, with a column of
// multiply-adds: one row for each input, convolution, normalization, activation,
// pool, dropout, dense layer, and the totals.
type Summary struct {
	Model        string       `json:"model"`
	Config       Config       `json:"config"`
	Rows         []SummaryRow `json:"layers"`
	Params       int64        `json:"params"`               // of all arrays
	Trainable    int64        `json:"trainable_params"`     // those that gradients change
	NonTrainable int64        `json:"non_trainable_params"` // running means and variances
	MultiplyAdds int64        `json:"multiply_adds"`        // of one image, see [Layer.MultiplyAdds]
}

// SummaryRow is a line of the summary.
type SummaryRow struct {
	Name         string `json:"name"`
	Type         string `json:"type"`   // Keras's name of the layer's class
	Output       []int  `json:"output"` // height, width, channels; or channels alone
	Params       int64  `json:"params"`
	MultiplyAdds int64  `json:"multiply_adds"`
}

// kerasType names the layers of each kind as Keras does.
var kerasType = map[Kind]string{
	Conv:      "Conv2D",
	Depthwise: "DepthwiseConv2D",
	Pointwise: "Conv2D",
	Pool:      "GlobalAveragePooling2D",
	Linear:    "Dense",
}

// Arrays of one value a channel in a batch normalization: weight and bias are
// trained, the running mean and variance are not.
const (
	normTrainable    = 2
	normNonTrainable = 2
)

// Summary counts the configured network.
func (c Config) Summary() Summary {
	sum := Summary{Model: "mobilenet_v1", Config: c}
	sum.add("input", "InputLayer", []int{c.Resolution, c.Resolution, 3}, 0, 0)
	for _, l := range c.Layers() {
		if l.Kind == Linear && c.Dropout > 0 {
			sum.add("dropout", "Dropout", []int{l.In}, 0, 0)
		}
		output := []int{l.OutSize, l.OutSize, l.Out}
		if !l.Convolution() {
			output = []int{l.Out}
		}
		sum.add(l.Name, kerasType[l.Kind], output, l.Params(), l.MultiplyAdds())
		sum.Trainable += l.Params()
		if l.Norm != "" {
			sum.add(l.Norm, "BatchNormalization", output, int64(normTrainable+normNonTrainable)*int64(l.Out), 0)
			sum.add(l.activationName(), "ReLU", output, 0, 0)
			sum.Trainable += normTrainable * int64(l.Out)
			sum.NonTrainable += normNonTrainable * int64(l.Out)
		}
	}
	return sum
}

func (s *Summary) add(name, kind string, output []int, params, multiplyAdds int64) {
	s.Rows = append(s.Rows, SummaryRow{Name: name, Type: kind, Output: output, Params: params, MultiplyAdds: multiplyAdds})
	s.Params += params
	s.MultiplyAdds += multiplyAdds
}

// activationName numbers the activation like the normalization before it:
// blocks.0.0.bn2 is followed by blocks.0.0.relu2.
func (l Layer) activationName() string {
	end := len(l.Norm) - len("bn1")
	return l.Norm[:end] + "relu" + l.Norm[len(l.Norm)-1:]
}
