package classifier

import (
	"cmp"
	"fmt"
	"image"
	"io"
	"math"
	"slices"
)

// Classifier is a trained network with its classes and its preprocessing. Its methods may be called by several goroutines at
// the same time.
type Classifier struct {
	header  *Header
	network *network
	tables  [3][256]float32 // of normalization, per channel
}

// Prediction is a class with its probability.
type Prediction struct {
	Class       string
	Index       int // of the class in Classes and in the logits
	Probability float64
}

// Load reads a file of weights and packs them for the processor: it needs about twice the memory of the weights.
func Load(file []byte) (*Classifier, error) { return load(file, available()[0]) }

// Kernels lists the inner loops that exist for the processor, the fastest first.
func Kernels() []string {
	var names []string
	for _, k := range available() {
		names = append(names, k.name)
	}
	return names
}

// LoadFor is Load with the kernels of a name, for comparisons.
func LoadFor(name string, file []byte) (*Classifier, error) {
	for _, k := range available() {
		if k.name == name {
			return load(file, k)
		}
	}
	return nil, fmt.Errorf("classifier: the processor has the kernels %v, not %q", Kernels(), name)
}

func load(file []byte, k *kernels) (*Classifier, error) {
	h, err := parse(file)
	if err != nil {
		return nil, fmt.Errorf("classifier: weights: %w", err)
	}
	if err := h.Preprocess.check(); err != nil {
		return nil, fmt.Errorf("classifier: weights: %w", err)
	}
	c := &Classifier{header: h}
	if c.network, err = newNetwork(h, k); err != nil {
		return nil, fmt.Errorf("classifier: weights: %w", err)
	}
	for i := range c.tables {
		c.tables[i] = h.Preprocess.normalization(i)
	}
	return c, nil
}

// Classes returns the names of the classes in the order of the logits.
func (c *Classifier) Classes() []string { return slices.Clone(c.header.Classes) }

// Metadata returns what the file records of the weights: values in JSON by the names that depthwise gives them.
func (c *Classifier) Metadata() map[string]string {
	m := make(map[string]string, len(c.header.Metadata))
	for k, v := range c.header.Metadata {
		m[k] = v
	}
	return m
}

// Preprocess returns the preprocessing of images.
func (c *Classifier) Preprocess() Preprocess { return c.header.Preprocess }

// Shape returns the size of the input.
func (c *Classifier) Shape() (channels, rows, columns int) {
	s := c.network.input
	return s.channels, s.rows, s.columns
}

// Classify returns all classes with their probabilities, the most probable first. Those of a multi-label network are
// independent of each other: see [Classifier.Thresholds].
func (c *Classifier) Classify(img image.Image) ([]Prediction, error) {
	pixels, err := c.Pixels(img)
	if err != nil {
		return nil, err
	}
	logits, err := c.Logits(pixels)
	if err != nil {
		return nil, err
	}
	return c.predictions(logits), nil
}

// ClassifyJPEG is Classify for a JPEG file; PNG and GIF files are accepted too. Files of more than [MaxFile] bytes and images
// of more than [MaxPixels] pixels are errors.
func (c *Classifier) ClassifyJPEG(r io.Reader) ([]Prediction, error) {
	img, err := c.Decode(r)
	if err != nil {
		return nil, err
	}
	return c.Classify(img)
}

// Pixels returns an image as the network takes it, (rows, columns, RGB), before normalization.
func (c *Classifier) Pixels(img image.Image) ([]uint8, error) {
	p, s := c.header.Preprocess, c.network.input
	if s.channels != 3 || s.rows != p.Resolution || s.columns != p.Resolution {
		return nil, fmt.Errorf("classifier: the network takes %v, not images of %dx%d: call LogitsOf", s, p.Resolution, p.Resolution)
	}
	if b := img.Bounds(); b.Empty() {
		return nil, fmt.Errorf("classifier: an image of %dx%d pixels", b.Dx(), b.Dy())
	}
	return p.pixels(img), nil
}

// Logits returns the logits of pixels in RGB, (rows, columns, 3), as [Classifier.Pixels] returns them.
func (c *Classifier) Logits(pixels []uint8) ([]float32, error) {
	s := c.network.input
	if s.channels != 3 || len(pixels) != s.values() {
		return nil, fmt.Errorf("classifier: %d pixel values, the network takes %v", len(pixels), s)
	}
	return c.network.forward(func(input []float32) {
		for i := 0; i < len(pixels); i += 3 {
			input[i], input[i+1], input[i+2] = c.tables[0][pixels[i]], c.tables[1][pixels[i+1]], c.tables[2][pixels[i+2]]
		}
	}), nil
}

// LogitsOf returns the logits of normalized values, (rows, columns, channels).
func (c *Classifier) LogitsOf(values []float32) ([]float32, error) {
	if s := c.network.input; len(values) != s.values() {
		return nil, fmt.Errorf("classifier: %d values, the network takes %v", len(values), s)
	}
	return c.network.forward(func(input []float32) { copy(input, values) }), nil
}

// predictions sorts the classes by probability: softmax of the logits, computed in float64.
func (c *Classifier) predictions(logits []float32) []Prediction {
	if c.MultiLabel() {
		return c.independent(logits)
	}
	largest, total := float64(slices.Max(logits)), 0.0
	list := make([]Prediction, len(logits))
	for i, v := range logits {
		p := math.Exp(float64(v) - largest)
		total += p
		list[i] = Prediction{Class: c.header.Classes[i], Index: i, Probability: p}
	}
	for i := range list {
		list[i].Probability /= total
	}
	slices.SortStableFunc(list, func(a, b Prediction) int { return cmp.Compare(b.Probability, a.Probability) })
	return list
}
