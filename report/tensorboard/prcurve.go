package tensorboard

import "depthwise.dev/internal/protobuf"

// Thresholds of a precision-recall curve, from 0 to 1: as many as TensorBoard's own summaries have.
const Thresholds = 201

// Curve counts the predictions of a class by their probability: what a precision-recall curve follows from. The zero value has none.
type Curve struct {
	with, without [Thresholds]int64 // images with and without the class
}

// Add adds the probability of the class for an image.
func (c *Curve) Add(probability float64, hasClass bool) {
	at := 0
	if probability > 0 { // not NaN
		at = int(min(probability, 1) * (Thresholds - 1))
	}
	if hasClass {
		c.with[at]++
	} else {
		c.without[at]++
	}
}

// Merge adds the predictions of another class, for a micro-average.
func (c *Curve) Merge(o *Curve) {
	for i := range Thresholds {
		c.with[i] += o.with[i]
		c.without[i] += o.without[i]
	}
}

// Value is the precision-recall curve: a tensor (6, Thresholds) of true and false positives, true and false negatives, precision and
// recall. An image is predicted to have the class if its probability, rounded down to a threshold, is at least that threshold.
func (c *Curve) Value(tag string) Value {
	table := c.table()
	var content protobuf.Message
	content.Integer(2, Thresholds)
	return Value{tag: tag, plugin: "pr_curves", content: content.Append(nil), set: func(m *protobuf.Message) {
		m.Message(8, tensor(table, 6, Thresholds))
	}}
}

// table is the tensor of the curve in row-major order.
func (c *Curve) table() []float32 {
	table := make([]float32, 6*Thresholds)
	var truePositives, falsePositives, with, without int64
	for i := range Thresholds {
		with += c.with[i]
		without += c.without[i]
	}
	for i := Thresholds - 1; i >= 0; i-- {
		truePositives += c.with[i]
		falsePositives += c.without[i]
		for row, v := range []float64{float64(truePositives), float64(falsePositives), float64(without - falsePositives), float64(with - truePositives),
			ratio(truePositives, truePositives+falsePositives), ratio(truePositives, with)} {
			table[row*Thresholds+i] = float32(v)
		}
	}
	return table
}

// ratio is 0 where TensorBoard's is: of nothing.
func ratio(a, b int64) float64 { return float64(a) / float64(max(b, 1)) }
