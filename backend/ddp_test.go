package backend

import (
	"testing"

	"depthwise.dev/autograd"
)

// TestAgreesWithDistributedDataParallel: the gradients of a step of two ranks are those of PyTorch's DDP with the same weights
// and images (testdata/make_ddp.py, float64). Running statistics are the mean of its ranks'; PyTorch keeps rank 0's.
func TestAgreesWithDistributedDataParallel(t *testing.T) {
	for name, gloo := range map[string]bool{"in this process": false, "gloo": true} {
		t.Run(name, func(t *testing.T) {
			want := readReference(t, "ddp")
			c := config(t, "mobilenet_v1", "paper")
			c.Width, c.Classes, c.Resolution = referenceWidth, referenceClasses, 32
			const ranks, images = 2, referenceBatch / 2
			run := reducerRun{images: []int{images, images}, gloo: gloo}
			run.ranks(t, func(s *autograd.Scope, p *autograd.ProcessGroup) {
				n := referenceNetwork(t, s, graph(t, c))
				n.ToDType(s, autograd.Float64)
				var o autograd.ReducerOptions
				for _, p := range n.Parameters() {
					o.Parameters = append(o.Parameters, p.Tensor)
				}
				for _, b := range n.Buffers() {
					o.Statistics = append(o.Statistics, b.Tensor)
				}
				r := autograd.NewGradientReducer(s, p, o)
				all := formula("images", referenceBatch*3*32*32, -1.75, 1.75)
				part := all[p.Rank()*len(all)/ranks:][:len(all)/ranks]
				var labels []int64
				for i := range images {
					labels = append(labels, int64((p.Rank()*images+i)*3%referenceClasses))
				}
				x := s.ChannelsLast(s.To(autograd.FromSlice(s, part, images, 3, 32, 32), autograd.Float64))
				logits := n.Forward(s, x, autograd.Training)
				r.Begin(s, autograd.Contribution{Images: images, Weight: images})
				s.Backward(autograd.CrossEntropy{LabelSmoothing: smoothing}.Loss(s, logits, autograd.FromSlice(s, labels, images)))
				r.Finish(s)
				const tol = 2e-7 // the reference is stored in float32: 6e-8
				for _, q := range n.Parameters() {
					compare(t, "grad/"+q.Name, floats(s, s.Grad(q.Tensor)), want["grad/"+q.Name], tol)
				}
				for _, b := range n.Buffers() {
					mean := make([]float32, b.Tensor.Numel())
					for i := range mean {
						mean[i] = float32((float64(want["rank0/"+b.Name][i]) + float64(want["rank1/"+b.Name][i])) / 2)
					}
					compare(t, b.Name, floats(s, b.Tensor), mean, tol)
				}
			})
		})
	}
}
