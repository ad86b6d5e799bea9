package torchscript

import (
	"fmt"
	"strconv"
	"strings"

	"depthwise.dev/formats/deploy"
	"depthwise.dev/models"
)

// inputName is the argument of forward. Variables have the suffix _out, and are other names therefore.
const inputName = "input"

// forward is the code of a network's forward pass, a statement or more for each layer.
func (m *module) forward(n deploy.Network, o Options) (string, error) {
	var b strings.Builder
	m.results[models.InputName] = inputName
	if o.Uint8Input {
		if err := deploy.CheckPixels(n.Input, n.Preprocess); err != nil {
			return "", err
		}
		m.statement(&b, models.InputName, "pixels", m.normalized(n))
	}
	for _, l := range n.Layers {
		expression, err := m.layer(&b, l)
		if err != nil {
			return "", fmt.Errorf("layer %q: %w", l.Name, err)
		}
		if l.BatchNorm != nil {
			expression = m.batchNorm(l, expression)
		}
		if expression, err = activated(l.Function(), expression); err != nil {
			return "", fmt.Errorf("layer %q: %w", l.Name, err)
		}
		m.statement(&b, l.Name, l.Name, expression)
	}
	fmt.Fprintf(&b, "    return %s\n", m.results[n.Layers[len(n.Layers)-1].Name])
	return b.String(), nil
}

// statement assigns an expression to a new variable, which is then the result of a layer.
func (m *module) statement(b *strings.Builder, layer, text, expression string) {
	name := m.identifier(text + "_out")
	fmt.Fprintf(b, "    %s = %s\n", name, expression)
	m.results[layer] = name
}

// normalized turns pixels, (N, H, W, 3) from 0 to 255, into normalized values, (N, 3, H, W), of the type of the arrays.
func (m *module) normalized(n deploy.Network) string {
	mean, std := make([]float32, 3), make([]float32, 3)
	for i := range mean {
		mean[i], std[i] = float32(255*n.Preprocess.Mean[i]), float32(255*n.Preprocess.Std[i])
	}
	shift, scale := m.buffer("pixel_mean", mean, 3, 1, 1), m.buffer("pixel_std", std, 3, 1, 1)
	return fmt.Sprintf("torch.div(torch.sub(torch.to(torch.permute(input, [0, 3, 1, 2]), %s), %s), %s)", shift, shift, scale)
}

// layer is what a layer computes of its inputs, without batch norm and activation.
func (m *module) layer(b *strings.Builder, l deploy.Layer) (string, error) {
	x := m.results[l.Inputs[0]]
	switch l.Kind {
	case models.KindConv:
		return m.conv(b, l, x), nil
	case models.KindMaxPool:
		x, pads := m.padded(b, l, x, "-inf") // padded positions are never the maximum
		return fmt.Sprintf("torch.max_pool2d(%s, [%[2]d, %[2]d], [%[3]d, %[3]d], %[4]s)", x, l.Kernel, l.Stride, pads), nil
	case models.KindBatchNorm, models.KindActivation:
		return x, nil
	case models.KindAdd:
		return fmt.Sprintf("torch.add(%s, %s)", x, m.results[l.Inputs[1]]), nil
	case models.KindGlobalAvgPool:
		return fmt.Sprintf("torch.mean(%s, [2, 3])", x), nil
	case models.KindFlatten:
		return fmt.Sprintf("torch.flatten(%s, 1)", x), nil
	case models.KindLinear:
		weight := m.parameter(l.Name+".weight", l.Weight, l.Out, l.In.Channels)
		return fmt.Sprintf("torch.linear(%s, %s, %s)", x, weight, m.parameter(l.Name+".bias", l.Bias, l.Out)), nil
	}
	return "", fmt.Errorf("layers of kind %s cannot be written", l.Kind)
}

func (m *module) conv(b *strings.Builder, l deploy.Layer, x string) string {
	x, pads := m.padded(b, l, x, "0.")
	weight := m.parameter(l.Name+".weight", l.Weight, l.Out, l.In.Channels/l.Groups, l.Kernel, l.Kernel)
	bias := m.parameter(l.Name+".bias", l.Bias, l.Out)
	return fmt.Sprintf("torch.conv2d(%s, %s, %s, [%[4]d, %[4]d], %s, [1, 1], %d)", x, weight, bias, l.Stride, pads, l.Groups)
}

// padded returns the input of a window and the padding of its operation. Where the two sides differ, which operations do
// not have, a statement pads the input.
func (m *module) padded(b *strings.Builder, l deploy.Layer, x, value string) (input, pads string) {
	if l.Rows.Before == l.Rows.After && l.Columns.Before == l.Columns.After {
		return x, fmt.Sprintf("[%d, %d]", l.Rows.Before, l.Columns.Before)
	}
	name := m.identifier(l.Name + "_pad")
	fmt.Fprintf(b, "    %s = torch.constant_pad_nd(%s, [%d, %d, %d, %d], %s)\n", name, x, l.Columns.Before, l.Columns.After, l.Rows.Before, l.Rows.After, value)
	return name, "[0, 0]"
}

// batchNorm is that of inference: no argument of the network changes it.
func (m *module) batchNorm(l deploy.Layer, x string) string {
	n, name, channels := l.BatchNorm, l.Norm.Name, len(l.BatchNorm.Scale)
	return fmt.Sprintf("torch.batch_norm(%s, %s, %s, %s, %s, False, 0.1, %s, True)", x,
		m.parameter(name+".weight", n.Scale, channels), m.parameter(name+".bias", n.Shift, channels),
		m.buffer(name+".running_mean", n.Mean, channels), m.buffer(name+".running_var", n.Variance, channels),
		strconv.FormatFloat(n.Eps, 'e', -1, 64))
}

// activated applies an activation function. hardtanh is ReLU6 in every version of PyTorch and in its optimizer for mobiles.
func activated(f models.Function, x string) (string, error) {
	switch f {
	case "":
		return x, nil
	case models.ReLU:
		return fmt.Sprintf("torch.relu(%s)", x), nil
	case models.ReLU6:
		return fmt.Sprintf("torch.hardtanh(%s, 0., 6.)", x), nil
	}
	return "", fmt.Errorf("the activation %s cannot be written", f)
}
