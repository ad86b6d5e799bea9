package train

import (
	"fmt"

	"depthwise.dev/autograd"
	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/optim"
)

// network is what a run trains.
type network struct {
	graph      *models.Graph
	config     *mobilenet.Config // nil of the caller's own graph
	preprocess data.Preprocess
}

// customArch is the arch that the configuration of a run with the caller's own graph records: it has no name by which
// the command line could build it again.
const customArch = "custom"

// network returns the trainer's graph, or the configured one, for a number of classes.
func (t Trainer) network(c *config.Config, classes int) (network, error) {
	c.Model.Classes = classes
	if t.Graph == nil {
		g, err := c.Model.Graph()
		model := c.Model
		return network{graph: g, config: &model, preprocess: c.Preprocess()}, err
	}
	in := t.Graph.Input
	switch {
	case in.Channels != 3 || in.Height != in.Width:
		return network{}, fmt.Errorf("train: graph %q has input %v: images are square and have three channels", t.Graph.Name, in)
	case t.Graph.Classes() != classes:
		return network{}, fmt.Errorf("train: graph %q has %d outputs, the data %d classes", t.Graph.Name, t.Graph.Classes(), classes)
	}
	p := t.Preprocessing
	if p == (models.Preprocessing{}) {
		p = models.ImageNetPreprocessing()
	}
	pre := data.Preprocess{Resolution: in.Height, Fit: c.Fit, EXIF: c.EXIF, Mean: p.Mean, Std: p.Std}
	if c.Fit == "crop" {
		pre.Resize = int(float64(in.Height) / p.CropFraction)
	}
	c.Model.Arch, c.Model.Variant, c.Model.Resolution = customArch, t.Graph.Name, in.Height
	return network{graph: t.Graph, preprocess: pre}, nil
}

// loaderOptions returns the options of the loader for training or for evaluation.
func (r *run) loaderOptions(train bool) data.LoaderOptions {
	o := r.config.LoaderOptions(train)
	o.Preprocess = r.net.preprocess
	return o
}

// newOptimizer returns the trainer's optimizer, or the configured one.
func (r *run) newOptimizer(s *autograd.Scope) (optim.Optimizer, error) {
	parameters := r.config.OptimizerParameters(r.network.Parameters())
	if r.trainer.Optimizer.New == nil {
		return r.config.NewOptimizer(s, r.network.Parameters())
	}
	return r.trainer.Optimizer.New(s, parameters)
}
