package peers

import (
	"encoding/json"
	"fmt"

	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// kerasWindow is the padding of a convolution over more than one position, in the order of the layers.
type kerasWindow struct {
	layer string
	same  bool   // TensorFlow's "same"
	zeros [4]int // of the ZeroPadding2D before it: top, bottom, left, right
}

// pad notes a layer that pads, or a convolution with what was padded before it.
func (f *kerasFacts) pad(l kerasLayer) error {
	if l.Class == "ZeroPadding2D" {
		var p [2][2]int
		if err := json.Unmarshal(l.Config.Padding, &p); err != nil {
			return fmt.Errorf("%w: layer %q: padding %s", ErrConfig, l.Config.Name, l.Config.Padding)
		}
		f.zeros = [4]int{p[0][0], p[0][1], p[1][0], p[1][1]}
		return nil
	}
	w := kerasWindow{layer: l.Config.Name, zeros: f.zeros}
	f.zeros = [4]int{}
	var padding string
	var kernel []int
	if json.Unmarshal(l.Config.Kernel, &kernel) != nil || len(kernel) == 0 || json.Unmarshal(l.Config.Padding, &padding) != nil {
		return nil // a configuration that was shortened
	}
	w.same = padding == "same"
	if kernel[0] > 1 || w.zeros != [4]int{} {
		f.windows = append(f.windows, w)
	}
	return nil
}

// paddings are the rules that a configuration can mean, the variant's first.
func paddings(n mobilenet.Config) []models.Padding {
	return []models.Padding{n.Padding, models.Symmetric, models.Same, mobilenet.KerasPadding}
}

// setPadding sets the rule that pads every convolution as the configuration says at its resolution. Without it, weights that
// were trained in a network with another padding would be computed with the variant's.
func (f kerasFacts) setPadding(n *mobilenet.Config) error {
	if len(f.windows) == 0 {
		return nil
	}
	var first *kerasWindow
	for _, p := range paddings(*n) {
		c := *n
		c.Padding = p
		g, err := c.Graph()
		if err != nil {
			return err
		}
		different, known := f.differs(g)
		if !known {
			return nil
		}
		if adds := residuals(g); adds != f.adds {
			return fmt.Errorf("%w: the Keras model has %d layers of class Add, %v has %d residual connections", ErrConfig, f.adds, c, adds)
		}
		if different == nil {
			n.Padding = p
			return nil
		}
		if first == nil {
			first = different
		}
	}
	return fmt.Errorf("%w: the Keras layer %q has a padding that is not computed: %v, \"same\" %v", ErrConfig, first.layer, first.zeros, first.same)
}

// differs returns the first convolution that a graph pads in another way; known is false if the configuration is of
// other layers.
func (f kerasFacts) differs(g *models.Graph) (first *kerasWindow, known bool) {
	i := 0
	for _, l := range g.Layers {
		if l.Kind != models.KindConv || l.Kernel == 1 {
			continue
		}
		if i >= len(f.windows) {
			return nil, false
		}
		w := f.windows[i]
		i++
		rows, columns := l.Pads(l.In.Height, l.In.Width)
		top, left := models.Pad{Before: w.zeros[0], After: w.zeros[1]}, models.Pad{Before: w.zeros[2], After: w.zeros[3]}
		if w.same {
			y, x := models.Same.Pad(l.In.Height, l.Kernel, l.Stride), models.Same.Pad(l.In.Width, l.Kernel, l.Stride)
			top, left = models.Pad{Before: top.Before + y.Before, After: top.After + y.After}, models.Pad{Before: left.Before + x.Before, After: left.After + x.After}
		}
		if first == nil && (rows != top || columns != left) {
			first = &w
		}
	}
	return first, i == len(f.windows)
}

// residuals counts the residual connections of a graph.
func residuals(g *models.Graph) int {
	n := 0
	for _, l := range g.Layers {
		if l.Kind == models.KindAdd {
			n++
		}
	}
	return n
}
