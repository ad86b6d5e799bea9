package diagnose

import (
	"math"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/models"
)

// LayerHealth describes a layer with weights during training, at no more than the cost of copying its arrays. Norms are L2.
type LayerHealth struct {
	Name     string
	Norm     float64 // of the weights
	Gradient float64 // norm of the gradient; 0 for a frozen layer, and where it is not finite, as in a skipped step in float16
	Update   float64 // norm of the weights' change since a snapshot over Norm; 0 without a snapshot
	Std      float64 // of the output before batch norm, from its running variance; 0 without batch norm
	Dead     float64 // fraction of channels that the activation function sets to zero nearly always
	Frozen   bool
}

// deadLimit is the distance of a channel's mean below zero, in standard deviations, at which ReLU clears it: of a normal
// distribution 3 in 100,000 values are above.
const deadLimit = 4

// Snapshot copies the weights of convolutions and linear layers, for the update in [Health].
func Snapshot(s *autograd.Scope, n *backend.Network) map[string][]float32 {
	values := map[string][]float32{}
	for _, p := range n.Parameters() {
		if weightOf(p.Role) {
			values[p.Name] = autograd.ToSlice[float32](s, p.Tensor)
		}
	}
	return values
}

func weightOf(r models.Role) bool {
	return r == models.RoleConv || r == models.RoleDepthwise || r == models.RolePointwise || r == models.RoleHead
}

// Health describes the layers with weights in the order of the network. before is a [Snapshot] from before the last step, nil
// without one. gradientScale multiplies the gradients: 1, or 1 over the number of images where they are sums over images.
func Health(s *autograd.Scope, n *backend.Network, before map[string][]float32, gradientScale float64) ([]LayerHealth, error) {
	trained := map[string]bool{}
	for _, p := range n.Trainable() {
		trained[p.Name] = true
	}
	tensors := map[string]*autograd.Tensor{}
	roles := map[string]models.Role{}
	for _, p := range n.State() {
		tensors[p.Name] = p.Tensor
	}
	for _, p := range n.Parameters() {
		roles[p.Name] = p.Role
	}
	var list []LayerHealth
	for _, l := range n.Graph.Layers {
		for _, a := range l.Arrays() {
			if !weightOf(roles[a.Name]) {
				continue
			}
			h := LayerHealth{Name: l.Name, Frozen: !trained[a.Name]}
			h.weights(s, tensors[a.Name], before[a.Name], gradientScale)
			h.norm(s, l, tensors)
			list = append(list, h)
		}
	}
	return list, s.Err()
}

// weights measures the weights, their gradient and their change.
func (h *LayerHealth) weights(s *autograd.Scope, t *autograd.Tensor, before []float32, gradientScale float64) {
	now := autograd.ToSlice[float32](s, t)
	h.Norm = norm(now, nil)
	if h.Frozen {
		return
	}
	if g := s.Grad(t); g != nil {
		if size := norm(autograd.ToSlice[float32](s, g), nil); size-size == 0 { // not NaN and not infinite
			h.Gradient = gradientScale * size
		}
	}
	if len(before) == len(now) && h.Norm > 0 {
		h.Update = norm(now, before) / h.Norm
	}
}

// norm measures the outputs by the batch norm of the layer: its running variance is that of the values before it, its weight and
// bias are deviation and mean of those behind it.
func (h *LayerHealth) norm(s *autograd.Scope, l models.Layer, tensors map[string]*autograd.Tensor) {
	if l.Norm == nil || tensors[l.Norm.Name+".running_var"] == nil {
		return
	}
	variance := autograd.ToSlice[float32](s, tensors[l.Norm.Name+".running_var"])
	for _, v := range variance {
		h.Std += float64(v) / float64(len(variance))
	}
	h.Std = math.Sqrt(max(h.Std, 0))
	if l.Activation == nil {
		return
	}
	scale, shift := autograd.ToSlice[float32](s, tensors[l.Norm.Name+".weight"]), autograd.ToSlice[float32](s, tensors[l.Norm.Name+".bias"])
	for i := range scale {
		if float64(shift[i]) < -deadLimit*math.Abs(float64(scale[i])) {
			h.Dead += 1 / float64(len(scale))
		}
	}
}
