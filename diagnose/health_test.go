package diagnose

import (
	"math"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/backend"
	"depthwise.dev/config"
)

// TestHealth compares with values that the test sets: a change of the weights, a running variance, shifts of batch norm, and a
// gradient, which Inspect's function for norms measures.
func TestHealth(t *testing.T) {
	c := config.Default()
	c.Model.Width, c.Model.Resolution, c.Model.Classes = 0.25, 32, 3
	g, err := c.Graph()
	if err != nil {
		t.Fatal(err)
	}
	autogradtest.Run(t, func(s *autograd.Scope) {
		m, err := referenceMachine(s, g, 1)
		if err != nil {
			t.Fatal(err)
		}
		n := m.New(s, g, 1)
		n.Freeze(s, backend.Frozen{Layers: 2})
		before := Snapshot(s, n)
		if len(before) != 28 {
			t.Errorf("%d arrays in the snapshot", len(before))
		}
		pixels := make([]float32, 2*3*32*32)
		for i := range pixels {
			pixels[i] = float32(i%7) - 3
		}
		x, labels := autograd.FromSlice(s, pixels, 2, 3, 32, 32), autograd.FromSlice(s, []int64{0, 2}, 2)
		s.Backward(autograd.CrossEntropy{}.Loss(s, n.Forward(s, x, autograd.Training), labels))
		values := map[string][]float32{}
		for _, p := range n.State() {
			values[p.Name] = autograd.ToSlice[float32](s, p.Tensor)
		}
		classifier := values["classifier.weight"]
		classifier[0] += 3
		norm2, scale, shift := values["blocks.0.0.bn1.running_var"], values["blocks.0.0.bn1.weight"], values["blocks.0.0.bn1.bias"]
		for i := range norm2 {
			norm2[i], scale[i], shift[i] = 4, -0.5, -1.9
		}
		shift[0], shift[1] = -2.1, -2.1 // more than 4 deviations below zero
		if err := n.Load(s, values); err != nil {
			t.Fatal(err)
		}
		list, err := Health(s, n, before, 0.5)
		if err != nil || len(list) != 28 {
			t.Fatalf("%d layers, %v", len(list), err)
		}
		first, second, last := list[0], list[1], list[27]
		if !first.Frozen || first.Gradient != 0 || first.Update != 0 || first.Name != "conv_stem" || last.Frozen {
			t.Errorf("frozen %+v, trained %+v", first, last)
		}
		if second.Std != 2 || second.Dead != 2/float64(len(norm2)) {
			t.Errorf("batch norm of %+v, want a deviation of 2 and %v dead channels", second, 2/float64(len(norm2)))
		}
		for _, p := range n.Trainable() {
			if p.Name == "classifier.weight" {
				near(t, "gradient", last.Gradient, 0.5*norm(autograd.ToSlice[float32](s, s.Grad(p.Tensor)), nil))
			}
		}
		near(t, "norm", last.Norm, norm(classifier, nil))
		near(t, "update", last.Update, 3/norm(classifier, nil))
		if last.Std != 0 || last.Dead != 0 {
			t.Errorf("the head has no batch norm: %+v", last)
		}
		for _, p := range n.Trainable() {
			autograd.List{s.Grad(p.Tensor)}.Scale(s, math.Inf(1)) // as in a step in float16 that was skipped
		}
		if list, err = Health(s, n, before, 1); err != nil || list[27].Gradient != 0 {
			t.Errorf("infinite gradients have the norm %v, error %v", list[27].Gradient, err)
		}
	})
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(want > 0) || math.Abs(got-want) > 1e-6*want { // float32
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}
