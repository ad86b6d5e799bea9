// Package source opens trained weights as models of package httpserver.
package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"sync/atomic"

	"depthwise.dev/formats"
	"depthwise.dev/serving"
	"depthwise.dev/serving/httpserver"
)

// Weights is the source of a model that is served under a name. c.Weights may be the folder of a run: its best weights are
// opened again when the run writes better ones. c.OnBatch is not called.
func Weights(name string, c serving.Config) httpserver.Source {
	return httpserver.Source{
		Name:  name,
		Open:  func(onBatch func(int)) (httpserver.Model, error) { return open(c, onBatch) },
		State: func() (string, error) { return state(c.Weights) },
	}
}

// model is a classifier as httpserver sees it.
type model struct {
	*serving.Classifier
	about httpserver.Description
	tried serving.Stats // of the image that tried it
}

// open opens weights and tries them: weights that do not compute must not replace others, and the first image takes ten times
// as long as the next.
func open(c serving.Config, onBatch func(int)) (httpserver.Model, error) {
	version, err := digest(c.Weights)
	if err != nil {
		return nil, err
	}
	var tried atomic.Bool
	c.OnBatch = func(images int) {
		if tried.Load() {
			onBatch(images)
		}
	}
	k, err := serving.Open(c)
	if err != nil {
		return nil, err
	}
	if err := try(k); err != nil {
		return nil, errors.Join(fmt.Errorf("source: %s: %w", c.Weights, err), k.Close())
	}
	m := &model{k, describe(k, version), k.Stats()}
	tried.Store(true)
	return m, nil
}

// try computes a black image.
func try(k *serving.Classifier) error {
	logits, err := k.Engine.Classify(context.Background(), make([]uint8, k.Graph.Input.Values()))
	if err != nil {
		return err
	}
	for _, x := range logits {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return errors.New("the logits of a black image are not finite: the weights are damaged, or training diverged")
		}
	}
	return nil
}

func describe(k *serving.Classifier, version string) httpserver.Description {
	in := k.Graph.Input
	features, err := k.Graph.FeatureValues()
	if err != nil { // a network without a head has none
		features = 0
	}
	return httpserver.Description{Network: k.Graph.Name, Version: version, Classes: names(k), Height: in.Height, Width: in.Width, Features: features}
}

// names are the classes of a classifier: "" for those without a name.
func names(k *serving.Classifier) []string {
	list := make([]string, k.Graph.Classes())
	copy(list, k.Classes)
	return list
}

// digest is the beginning of the SHA-256 of the file of weights.
func digest(path string) (string, error) {
	name, err := formats.Find(path)
	if err != nil {
		return "", err
	}
	file, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("source: %w", err)
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", fmt.Errorf("source: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)[:6]), nil
}

func (m *model) Describe() httpserver.Description { return m.about }

func (m *model) Classify(ctx context.Context, image []byte, top int) ([]httpserver.Prediction, error) {
	list, err := m.PredictBytes(ctx, image, top)
	if err != nil {
		return nil, wrap(err)
	}
	out := make([]httpserver.Prediction, len(list))
	for i, p := range list {
		out[i] = httpserver.Prediction{Class: p.Class, Index: p.Index, Probability: p.Probability}
	}
	return out, nil
}

func (m *model) Embed(ctx context.Context, image []byte) ([]float32, error) {
	if m.about.Features == 0 {
		return nil, httpserver.ErrNoFeatures
	}
	features, err := m.EmbedBytes(ctx, image)
	return features, wrap(err)
}

func (m *model) Stats() httpserver.Stats {
	s := m.Classifier.Stats()
	return httpserver.Stats{Images: s.Images - m.tried.Images, Batches: s.Batches - m.tried.Batches, Refused: s.Refused, Dropped: s.Dropped, Waiting: s.Waiting, Decoding: s.Decoding}
}

// wrapped is an error of package serving as one of httpserver, with its text.
type wrapped struct {
	error
	as error
}

// Error is the text for a client, which knows no packages.
func (e wrapped) Error() string {
	return strings.TrimPrefix(strings.TrimPrefix(e.error.Error(), "data: image: "), "serving: ")
}

func (e wrapped) Unwrap() []error { return []error{e.as, e.error} }

func wrap(err error) error {
	for _, pair := range []struct{ serving, as error }{
		{serving.ErrTooLarge, httpserver.ErrTooLarge},
		{serving.ErrQueueFull, httpserver.ErrOverloaded},
		{serving.ErrImage, httpserver.ErrImage},
	} {
		if errors.Is(err, pair.serving) {
			return wrapped{err, pair.as}
		}
	}
	return err
}
