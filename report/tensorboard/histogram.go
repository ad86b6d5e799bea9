package tensorboard

import (
	"math"

	"depthwise.dev/internal/protobuf"
)

// buckets of a histogram: as many as TensorBoard's own summaries have.
const buckets = 30

// Histogram is the distribution of numbers, in buckets of equal width. NaN and infinity are left out.
func Histogram(tag string, values []float32) Value {
	h := newHistogram(values)
	return Value{tag: tag, plugin: "histograms", set: func(m *protobuf.Message) { m.Message(5, h.encode()) }}
}

// histogram is a HistogramProto.
type histogram struct {
	min, max, n, sum, squares float64
	limits, counts            []float64 // the upper limit of each bucket, and how many values it has
}

func newHistogram(values []float32) histogram {
	h := histogram{min: math.Inf(1), max: math.Inf(-1)}
	for _, v := range values {
		x := float64(v)
		if x-x != 0 { // NaN or infinite
			continue
		}
		h.min, h.max = min(h.min, x), max(h.max, x)
		h.n++
		h.sum += x
		h.squares += x * x
	}
	if h.n == 0 {
		return histogram{limits: []float64{0}, counts: []float64{0}}
	}
	if h.min == h.max {
		h.limits, h.counts = []float64{h.max}, []float64{h.n}
		return h
	}
	h.limits, h.counts = make([]float64, buckets), make([]float64, buckets)
	width := (h.max - h.min) / buckets
	for i := range h.limits {
		h.limits[i] = h.min + float64(i+1)*width
	}
	h.limits[buckets-1] = h.max
	for _, v := range values {
		x := float64(v)
		if x-x == 0 {
			h.counts[min(int((x-h.min)/width), buckets-1)]++
		}
	}
	return h
}

func (h histogram) encode() protobuf.Message {
	var m protobuf.Message
	m.Double(1, h.min)
	m.Double(2, h.max)
	m.Double(3, h.n)
	m.Double(4, h.sum)
	m.Double(5, h.squares)
	m.Doubles(6, h.limits)
	m.Doubles(7, h.counts)
	return m
}
