package suite

import (
	"context"
	"fmt"
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/models"
)

// OnDevice returns the engines that compute on a device: libtorch's operations in four precisions, and whole networks by every
// other backend, in those that have one. Tolerances are those of [Engines]: the CPU's float64 is the reference of both.
func OnDevice(d autograd.Device) []Engine {
	double, float, brain, half := reference, single, mixed, half
	double.Device, float.Device, brain.Device, half.Device = &d, &d, &d, &d
	list := []Engine{
		// Other orders of sums, as gorgonia's.
		{Name: fmt.Sprintf("%v fp64", d), Case: double.Case, Network: double.Network(backend.Torch{}), Tolerance: 1e-11, NetworkTolerance: 1e-7, Float64: true},
	}
	for _, like := range []struct {
		engine string
		torch  Torch
	}{{"fp32", float}, {"bf16", brain}} {
		e := Engines[slices.IndexFunc(Engines, func(e Engine) bool { return e.Name == like.engine })]
		e.Name, e.Case, e.Network = fmt.Sprintf("%v %s", d, e.Name), like.torch.Case, like.torch.Network(backend.Torch{})
		list = append(list, e)
		for _, name := range backend.Names() {
			if name != "auto" && name != (backend.Torch{}).Name() {
				list = append(list, byBackend(e, name, like.torch, d))
			}
		}
	}
	e := fp16
	e.Name, e.Case, e.Network = fmt.Sprintf("%v %s", d, e.Name), half.Case, half.Network(backend.Torch{})
	return append(list, e)
}

// byBackend is the engine of a backend, with the tolerances of another one.
func byBackend(e Engine, name string, t Torch, d autograd.Device) Engine {
	options := backend.Options{Backend: name, Device: d.String(), Threads: autograd.Threads()}
	find := func(ctx context.Context, g *models.Graph) (b backend.Backend, err error) {
		err = autograd.Run(ctx, func(s *autograd.Scope) error {
			m, err := backend.NewMachine(s, g, options)
			b = m.Backend
			return err
		})
		return b, err
	}
	e.Name, e.Case = fmt.Sprintf("%s, %s", e.Name, name), nil
	e.Supports = func(g *models.Graph) error {
		_, err := find(context.Background(), g)
		return err
	}
	e.Network = func(ctx context.Context, n Network) (Result, error) {
		b, err := find(ctx, n.Graph)
		if err != nil {
			return nil, err
		}
		return t.Network(b)(ctx, n)
	}
	return e
}
