package backend_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/optim"
	"depthwise.dev/weights"
)

// small is a network for examples.
func small(s *autograd.Scope) (*backend.Network, *autograd.Tensor) {
	config, err := mobilenet.Default("mobilenet_v1", "paper")
	s.Fail(err)
	config.Width, config.Resolution, config.Classes = 0.25, 32, 10
	graph, err := config.Graph()
	s.Fail(err)
	return backend.New(s, graph, 1), s.Zeros(autograd.Float32, autograd.CPU, 2, 3, 32, 32)
}

// The engine chooses a backend once; evaluation then needs no gradients.
func Example() {
	err := autograd.Run(context.Background(), func(s *autograd.Scope) error {
		network, images := small(s)
		engine, err := backend.NewMachine(s, network.Graph, backend.Options{Device: "cpu", Precision: "fp32", Backend: "torch", Threads: 1})
		if err != nil {
			return err
		}
		logits := engine.Inference(s, network).Forward(s, images)
		fmt.Println(engine.Name(), logits)
		return s.Err()
	})
	fmt.Println("error:", err)
	// Output:
	// torch float32[2 10]
	// error: <nil>
}

// The backbone is frozen, the first block of what is left learns at a tenth of the rate, and batch norm and
// biases have no weight decay.
func ExampleNetwork_Parameters() {
	err := autograd.Run(context.Background(), func(s *autograd.Scope) error {
		network, images := small(s)
		var trained []optim.Parameter
		frozen := 0
		for _, p := range network.Parameters() {
			last := strings.HasPrefix(p.Name, "blocks.4.")
			if !last && p.Role != models.RoleHead && p.Name != "classifier.bias" {
				s.SetRequiresGrad(p.Tensor, false)
				frozen++
				continue
			}
			q := optim.Parameter{Name: p.Name, Tensor: p.Tensor, NoDecay: p.Role == models.RoleNorm || p.Role == models.RoleBias}
			if last {
				q.LRScale = 0.1
			}
			trained = append(trained, q)
		}
		optimizer := optim.NewSGD(s, trained, optim.SGD{Momentum: 0.9, WeightDecay: 4e-5})
		labels := autograd.FromSlice(s, []int64{3, 7}, 2)
		s.Backward(autograd.CrossEntropy{}.Loss(s, network.Forward(s, images, autograd.Training), labels))
		optimizer.Step(s, 0.1)
		fmt.Println(frozen, "frozen,", len(trained), "trained")
		return nil
	})
	fmt.Println("error:", err)
	// Output:
	// 69 frozen, 14 trained
	// error: <nil>
}

// A frozen backbone with a new head: the weights of all layers that fit are loaded, the features of the images are
// computed once, and only the head learns.
func ExampleNetwork_LoadMatching() {
	err := autograd.Run(context.Background(), func(s *autograd.Scope) error {
		w, images := pretrained(s) // in its place formats.Read("runs/photos")
		values, valuesErr := w.Values()
		config := *w.Config
		config.Classes = 2 // in place of those of the weights
		graph, err := config.Graph()
		if err := errors.Join(err, valuesErr); err != nil {
			return err
		}
		network := backend.New(s, graph, 1)
		kept, _ := network.LoadMatching(s, values)
		network.Freeze(s, backend.Frozen{Layers: len(graph.Layers) - graph.HeadLayers()})
		var head []optim.Parameter
		var tensors autograd.List
		for _, p := range network.Trainable() {
			head, tensors = append(head, optim.Parameter{Name: p.Name, Tensor: p.Tensor}), append(tensors, p.Tensor)
		}
		optimizer, loss := optim.NewSGD(s, head, optim.SGD{Momentum: 0.9}), 0.0
		features, labels := network.Features(s, images), autograd.FromSlice(s, []int64{0, 1}, 2)
		for range 50 {
			if err := s.Sub(func(s *autograd.Scope) error { // frees the tensors of the step
				autograd.ZeroGrads(s, tensors)
				y := autograd.CrossEntropy{}.Loss(s, network.Head(s, s.Detach(features), autograd.Training), labels)
				s.Backward(y)
				optimizer.Step(s, 0.1)
				loss = s.Item(y)
				return nil
			}); err != nil {
				return err
			}
		}
		fmt.Println("new:", kept, features, "learned:", loss < 0.05)
		return nil
	})
	fmt.Println("error:", err)
	// Output:
	// new: [classifier.weight classifier.bias] float32[2 256] learned: true
	// error: <nil>
}

// pretrained stands for trained weights of ten classes, with two images.
func pretrained(s *autograd.Scope) (weights.Weights, *autograd.Tensor) {
	network, _ := small(s)
	pixels := make([]float32, 2*3*32*32)
	for i := range pixels {
		pixels[i] = float32(i*i%97)/50 - 1
	}
	images := autograd.FromSlice(s, pixels, 2, 3, 32, 32)
	for range 50 { // the running statistics become those of the images
		network.Forward(s, images, autograd.Training)
	}
	config, err := mobilenet.Default("mobilenet_v1", "paper")
	s.Fail(err)
	config.Width, config.Resolution, config.Classes = 0.25, 32, 10
	arrays, err := backend.HostArrays(s, "", network.State())
	s.Fail(err)
	return weights.Weights{Graph: network.Graph, Config: &config, Arrays: arrays}, images
}

// Hooks see each layer's activations, and through them its gradients.
func ExampleNetwork_RegisterForwardHook() {
	err := autograd.Run(context.Background(), func(s *autograd.Scope) error {
		network, images := small(s)
		hook := network.RegisterForwardHook(func(s *autograd.Scope, l models.Layer, y *autograd.Tensor) *autograd.Tensor {
			if !strings.HasPrefix(l.Name, "blocks.4.1") {
				return nil
			}
			fmt.Println("forward ", l.Name, y)
			s.RegisterHook(y, func(s *autograd.Scope, g *autograd.Tensor) *autograd.Tensor {
				fmt.Println("backward", l.Name, g)
				return nil
			})
			return nil // the activation as it is
		})
		defer hook.Remove()
		s.Backward(s.Sum(network.Forward(s, images, autograd.Training)))
		return nil
	})
	fmt.Println("error:", err)
	// Output:
	// forward  blocks.4.1.conv_dw float32[2 256 1 1]
	// forward  blocks.4.1.conv_pw float32[2 256 1 1]
	// backward blocks.4.1.conv_pw float32[2 256 1 1]
	// backward blocks.4.1.conv_dw float32[2 256 1 1]
	// error: <nil>
}
