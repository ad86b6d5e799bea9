package train

import (
	"fmt"
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/optim"
)

// network is the graph that a run trains, with its preprocessing.
type network struct {
	graph      *models.Graph
	config     *mobilenet.Config // nil for a graph that the caller built
	preprocess data.Preprocess
}

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
	p, err := t.preprocessing()
	if err != nil {
		return network{}, err
	}
	pre := data.Preprocess{Resolution: in.Height, Fit: c.Fit, EXIF: c.EXIF == config.EXIFOn, Mean: p.Mean, Std: p.Std, Interpolation: p.Interpolation}
	if c.Fit == "crop" {
		pre.Resize = int(float64(in.Height) / p.CropFraction)
	}
	c.Model.Arch, c.Model.Variant, c.Model.Resolution = config.CustomArch, t.Graph.Name, in.Height
	return network{graph: t.Graph, preprocess: pre}, nil
}

// preprocessing returns the preprocessing for the trainer's graph.
func (t Trainer) preprocessing() (models.Preprocessing, error) {
	p, usual := t.Preprocessing, models.ImageNetPreprocessing()
	switch {
	case p == (models.Preprocessing{}):
		return usual, nil
	case p.Interpolation != "" && p.Interpolation != data.Bilinear && p.Interpolation != data.Bicubic:
		return p, fmt.Errorf("train: preprocessing: interpolation %q: must be %s or %s", p.Interpolation, data.Bilinear, data.Bicubic)
	case !(p.CropFraction > 0 && p.CropFraction <= 1):
		return p, fmt.Errorf("train: preprocessing: crop fraction %v: must be above 0 and at most 1", p.CropFraction)
	case !(min(p.Std[0], p.Std[1], p.Std[2]) > 0):
		return p, fmt.Errorf("train: preprocessing: standard deviation %v: must be above 0", p.Std)
	}
	return p, nil
}

// trainsOnOne reports whether batch norm can train on a single image: a layer of 1x1 positions has
// one value per channel then, and no variance.
func (n network) trainsOnOne() bool {
	return !slices.ContainsFunc(n.graph.Layers, func(l models.Layer) bool {
		return l.Norm != nil && l.Output.Positions() == 1
	})
}

// loaderOptions returns the options of the loader for training or for evaluation.
func (r *run) loaderOptions(train bool) data.LoaderOptions {
	o := r.config.LoaderOptions(train)
	o.Preprocess = r.net.preprocess
	o.Rank, o.Ranks = r.ranks.rank(), r.ranks.size()
	return o
}

// newOptimizer returns the trainer's optimizer, or the configured one.
func (r *run) newOptimizer(s *autograd.Scope) (optim.Optimizer, error) {
	if r.trainer.Optimizer.New == nil {
		return r.config.NewOptimizer(s, r.network)
	}
	return r.trainer.Optimizer.New(s, r.config.OptimizerParameters(r.network))
}
