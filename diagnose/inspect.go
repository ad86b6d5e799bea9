package diagnose

import (
	"context"
	"fmt"
	"math"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/formats"
	"depthwise.dev/internal/redact"
	"depthwise.dev/models"
	"depthwise.dev/optim"
	"depthwise.dev/weights"
)

// Inspection describes one training step layer by layer: the numbers to look at when a network does not
// learn.
type Inspection struct {
	Network    string           `json:"network"`
	Weights    string           `json:"weights"` // "": initial ones
	Data       string           `json:"data"`    // "": noise
	Images     int              `json:"images"`
	Loss       float64          `json:"loss"`
	Optimizer  string           `json:"optimizer"`
	LR         float64          `json:"lr"`
	Layers     []LayerState     `json:"layers"`
	Parameters []ParameterState `json:"parameters"`
}

// LayerState describes a layer's output, after normalization and activation, over a batch.
type LayerState struct {
	Name     string  `json:"name"`
	Mean     float64 `json:"mean"`
	Std      float64 `json:"std"`
	Zeros    float64 `json:"zeros"`    // fraction of values that are zero
	Dead     float64 `json:"dead"`     // fraction of channels that are zero everywhere
	Gradient float64 `json:"gradient"` // L2 norm of the gradient of the loss at the output
}

// ParameterState describes a trainable array. Norms are L2.
type ParameterState struct {
	Name     string  `json:"name"`
	Norm     float64 `json:"norm"`
	Gradient float64 `json:"gradient"`
	Update   float64 `json:"update"` // norm of the optimizer's update over Norm; 0 where Norm is 0
}

// inspectImages is the default batch size of an inspection.
const inspectImages = 32

// Inspect runs one training step in memory and describes it layer by layer. It starts from the weights
// at a path, see [formats.Read], the last weights of training where there is an average, or from initial
// weights without a path. The step is the first of the configured optimizer at the learning rate c.LR,
// in float32, on a batch of c.Data, or of noise without data. A negative number of images selects 32.
func Inspect(ctx context.Context, c config.Config, path string, images int) (Inspection, error) {
	if c.BatchSize = images; images < 0 {
		c.BatchSize = inspectImages
	}
	r := Inspection{Weights: path, Data: redact.Address(c.Data), Images: c.BatchSize, Optimizer: c.Optimizer, LR: c.LR}
	c.MixUp, c.CutMix = 0, 0
	var w *weights.Weights
	if path != "" {
		read, err := formats.Read(path)
		if err != nil {
			return r, err
		}
		read = read.Plain() // training continues from the last weights
		w = &read
		if read.Config != nil {
			c.Model = *read.Config
		}
		c.Model.Resolution, c.Model.Classes = read.Graph.Input.Height, read.Graph.Classes()
	}
	if err := c.ValidateBatch(1, ""); err != nil {
		return r, err
	}
	err := autograd.Run(ctx, func(s *autograd.Scope) error {
		g, err := inspectedGraph(c, w)
		if err != nil {
			return err
		}
		m, err := referenceMachine(s, g, c.Threads)
		if err != nil {
			return err
		}
		if err := m.CheckTraining(g, backend.Frozen{}, c.BatchSize, 1); err != nil {
			return err
		}
		x, labels, err := inspectBatch(s, m, &c, w)
		if err != nil {
			return err
		}
		network, err := inspectedNetwork(s, m, c, w)
		if err != nil {
			return err
		}
		r.Network = network.String()
		autograd.Seed(s, c.Seed)
		return r.step(s, c, network, x, labels)
	})
	if err != nil {
		return r, fmt.Errorf("diagnose: inspect: %w", err)
	}
	return r, nil
}

// inspectedGraph returns the graph of the weights, or the configured one.
func inspectedGraph(c config.Config, w *weights.Weights) (*models.Graph, error) {
	if w != nil {
		return w.Graph, nil
	}
	return c.Graph()
}

// inspectedNetwork returns the network of the weights, or a new one.
func inspectedNetwork(s *autograd.Scope, m backend.Machine, c config.Config, w *weights.Weights) (*backend.Network, error) {
	if w != nil {
		return m.Load(s, *w)
	}
	g, err := inspectedGraph(c, w)
	if err != nil {
		return nil, err
	}
	n := m.New(s, g, c.Seed)
	return n, s.Err()
}

// inspectBatch returns a training batch of the data, with the classes of the weights, or noise.
func inspectBatch(s *autograd.Scope, m backend.Machine, c *config.Config, w *weights.Weights) (x, labels *autograd.Tensor,
	err error) {
	options := c.LoaderOptions(true)
	if w != nil {
		options.Preprocess = w.Preprocess
	}
	if c.Data == "" {
		b := synthetic(c)
		x = m.Normalize(s, backend.Pixels(b, options.Preprocess))
		return x, autograd.FromSlice(s, b.Labels, int64(b.N)), s.Err()
	}
	source, err := c.Source(s.Context())
	if err != nil {
		return nil, nil, err
	}
	images, err := source.OpenTrain(s.Context())
	if err != nil {
		return nil, nil, err
	}
	if images.MultiLabel {
		return nil, nil, errMultiLabel(c.Data)
	}
	if w != nil {
		images, _, _ = images.Match(w.Classes)
	} else if options, err = c.TrainOptions(s.Context())(images); err != nil {
		return nil, nil, err
	}
	if images.Len() < c.BatchSize {
		return nil, nil, fmt.Errorf("%s has %d images of the classes, less than a batch of %d: take a smaller --batch-size",
			redact.Address(c.Data), images.Len(), c.BatchSize)
	}
	c.Model.Classes = max(c.Model.Classes, len(images.Classes))
	loader, err := data.NewLoader(images, options)
	if err != nil {
		return nil, nil, err
	}
	epoch := loader.Epoch(s.Context(), 0, 0)
	defer epoch.Close()
	b, err := epoch.Next()
	if err != nil {
		return nil, nil, err
	}
	x = m.Normalize(s, backend.Pixels(b, options.Preprocess))
	return x, autograd.FromSlice(s, b.Labels, int64(b.N)), s.Err()
}

// errMultiLabel refuses data whose loss is not the cross entropy that is checked.
func errMultiLabel(path string) error {
	return fmt.Errorf("%s: its images have any number of classes, and the check is of the loss of one class for each image; leave --data out to check the network on noise", redact.Address(path))
}

// step runs the training step and records its layers.
func (r *Inspection) step(s *autograd.Scope, c config.Config, n *backend.Network, x, labels *autograd.Tensor) error {
	optimizer, err := c.NewOptimizer(s, n)
	if err != nil {
		return err
	}
	hook := n.RegisterForwardHook(func(s *autograd.Scope, l models.Layer, y *autograd.Tensor) *autograd.Tensor {
		at := len(r.Layers)
		r.Layers = append(r.Layers, layerState(s, l, y))
		s.RegisterHook(y, func(s *autograd.Scope, g *autograd.Tensor) *autograd.Tensor {
			r.Layers[at].Gradient = norm(autograd.ToSlice[float32](s, g), nil)
			return nil
		})
		return nil
	})
	defer hook.Remove()
	logits := n.Forward(s, x, autograd.Training)
	loss := c.NewLoss(nil).Loss(s, logits, labels) // without the class weights, which depend on all images
	s.Backward(loss)
	r.Loss = s.Item(loss)
	r.update(s, n, optimizer, c.LR)
	return s.Err()
}

// update applies the optimizer and compares the parameters before and after.
func (r *Inspection) update(s *autograd.Scope, n *backend.Network, o optim.Optimizer, lr float64) {
	before := map[string][]float32{}
	for _, p := range n.Parameters() {
		before[p.Name] = autograd.ToSlice[float32](s, p.Tensor)
	}
	o.Step(s, lr)
	for _, p := range n.Parameters() {
		if s.Err() != nil {
			return
		}
		was, gradient := before[p.Name], autograd.ToSlice[float32](s, s.Grad(p.Tensor))
		state := ParameterState{Name: p.Name, Norm: norm(was, nil), Gradient: norm(gradient, nil)}
		if state.Norm > 0 {
			state.Update = norm(autograd.ToSlice[float32](s, p.Tensor), was) / state.Norm
		}
		r.Parameters = append(r.Parameters, state)
	}
}

// layerState measures an output (N, C, ...).
func layerState(s *autograd.Scope, l models.Layer, y *autograd.Tensor) LayerState {
	values, shape := autograd.ToSlice[float32](s, y), y.Shape()
	if len(values) == 0 {
		return LayerState{Name: l.Name}
	}
	state, count := LayerState{Name: l.Name}, float64(len(values))
	channels := int(shape[1])
	plane := len(values) / int(shape[0]) / channels
	alive := make([]bool, channels)
	for i, v := range values {
		state.Mean += float64(v) / count
		if v == 0 {
			state.Zeros += 1 / count
		} else {
			alive[i/plane%channels] = true
		}
	}
	for _, v := range values {
		state.Std += (float64(v) - state.Mean) * (float64(v) - state.Mean) / count
	}
	state.Std = math.Sqrt(state.Std)
	for _, a := range alive {
		if !a {
			state.Dead += 1 / float64(channels)
		}
	}
	return state
}

// norm returns the L2 norm of a - b. A nil b is zero.
func norm(a, b []float32) float64 {
	sum := 0.0
	for i, v := range a {
		d := float64(v)
		if b != nil {
			d -= float64(b[i])
		}
		sum += d * d
	}
	return math.Sqrt(sum)
}
