package backend

import (
	"depthwise.dev/autograd"
	"depthwise.dev/data"
)

// Pixels returns a loader's batch as the input of a network. It shares the batch's memory.
func Pixels(b *data.Batch, p data.Preprocess) autograd.Pixels {
	return autograd.Pixels{Values: b.Pixels, N: b.N, Height: b.Height, Width: b.Width, Mean: p.Mean, Std: p.Std}
}

// Targets returns the classes of a loader's batch. It shares the batch's memory.
func Targets(b *data.Batch) autograd.Targets {
	return autograd.Targets{Labels: b.Labels, MixedLabels: b.MixedLabels, Lambda: b.Lambda, MultiLabel: b.Targets}
}
