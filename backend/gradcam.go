package backend

import (
	"fmt"

	"depthwise.dev/autograd"
)

// GradCAM computes where in images the network sees a class, classes[i] for image i: Grad-CAM, Selvaraju et al. 2017
// (https://arxiv.org/abs/1610.02391). The maps (N, height, width) are ReLU(sum over the channels of the last feature map, each
// weighted by the mean of the gradients of the class's logit at it); they are not normalized. It is computed by the torch
// backend in the network's type, and leaves no gradients at the parameters. It returns an error if the
// graph has no last feature map ([models.Graph.FeatureMapLayers]).
func (n *Network) GradCAM(s *autograd.Scope, p autograd.Pixels, classes []int) (maps []float32, height, width int, err error) {
	count, err := n.Graph.FeatureMapLayers()
	if err != nil {
		return nil, 0, 0, fmt.Errorf("backend: %w", err)
	}
	err = s.Sub(func(s *autograd.Scope) error {
		features := torchInference{n, n.DType()}.firstLayers(s, count, func(s *autograd.Scope) *autograd.Tensor { return n.normalized(s, p) })
		if s.Err() != nil {
			return s.Err()
		}
		gradients := n.logitGradients(s, features, count, classes)
		shape := features.Shape()
		if s.Err() != nil {
			return s.Err()
		}
		height, width = int(shape[2]), int(shape[3])
		maps = weightedMaps(autograd.ToSlice[float32](s, features), autograd.ToSlice[float32](s, gradients), len(classes), int(shape[1]), height*width)
		return s.Err()
	})
	return maps, height, width, err
}

// logitGradients returns the gradients (N, C, H, W) of the sum of one logit of each image at the output of the first layers.
func (n *Network) logitGradients(s *autograd.Scope, features *autograd.Tensor, count int, classes []int) *autograd.Tensor {
	leaf := s.RequireGrad(s.Detach(features))
	x := leaf
	for _, l := range n.layers[count:] {
		x = layerOutput(s, l, []*autograd.Tensor{x}, call{mode: autograd.Evaluation, parameters: n.DType()})
	}
	all := n.Graph.Classes()
	selected := make([]float32, len(classes)*all)
	for i, class := range classes {
		selected[i*all+class] = 1
	}
	weights := s.ToDevice(s.To(autograd.FromSlice(s, selected, int64(len(classes)), int64(all)), n.DType()), n.Device())
	gradients := autograd.Grad(s, []*autograd.Tensor{x}, []*autograd.Tensor{leaf}, autograd.GradOptions{GradOutputs: []*autograd.Tensor{weights}})
	if s.Err() != nil {
		return nil
	}
	return gradients[0]
}

// weightedMaps computes the maps (n, positions) of features and gradients (n, channels, positions).
func weightedMaps(features, gradients []float32, n, channels, positions int) []float32 {
	maps := make([]float32, n*positions)
	for i := range n {
		sum := make([]float64, positions)
		for c := range channels {
			at := (i*channels + c) * positions
			weight := 0.0
			for _, g := range gradients[at : at+positions] {
				weight += float64(g)
			}
			weight /= float64(positions)
			for k, a := range features[at : at+positions] {
				sum[k] += weight * float64(a)
			}
		}
		for k, v := range sum {
			maps[i*positions+k] = float32(max(v, 0))
		}
	}
	return maps
}
