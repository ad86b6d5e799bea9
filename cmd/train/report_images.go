package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"depthwise.dev/data"
	"depthwise.dev/data/preview"
	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/internal/regularfile"
	"depthwise.dev/metrics"
	"depthwise.dev/report/page"
	"depthwise.dev/train"
)

// Pictures of a report.
const (
	batchImages  = 15  // of a training batch
	exampleSide  = 176 // pixels of a validation image
	exampleTime  = 10 * time.Second
	jpegQuality  = 82
	maxBatchSide = 1200 // pixels of the picture of a batch
)

// batchPicture is a copy of the first images of a training batch.
type batchPicture struct {
	batch   data.Batch
	classes []string
}

func copyBatch(b *data.Batch, classes []string) *batchPicture {
	n := min(b.N, batchImages)
	if 2*b.Width > maxBatchSide/2 {
		n = min(n, 4)
	}
	c := *b
	c.N, c.Samples, c.Skipped = n, nil, nil
	c.Pixels, c.Labels = slices.Clone(b.Pixels[:n*3*b.Width*b.Height]), slices.Clone(b.Labels[:n])
	if len(b.Targets) > 0 { // (N, classes)
		c.Targets = slices.Clone(b.Targets[:len(b.Targets)/b.N*n])
	}
	if len(b.MixedLabels) >= n {
		c.MixedLabels = slices.Clone(b.MixedLabels[:n])
	}
	return &batchPicture{c, classes}
}

// picture draws the batch.
func (p *batchPicture) picture() (*page.Picture, error) {
	sheet := preview.Sheet(&p.batch, p.classes)
	var names []string
	for _, label := range p.batch.Labels {
		names = append(names, p.classes[label])
	}
	file, err := encodeJPEG(sheet)
	if len(p.batch.Targets) > 0 {
		return &page.Picture{Width: sheet.Bounds().Dx(), Height: sheet.Bounds().Dy(), JPEG: file, About: fmt.Sprintf("%d augmented training images with any number of classes each", p.batch.N)}, err
	}
	return &page.Picture{Width: sheet.Bounds().Dx(), Height: sheet.Bounds().Dy(), JPEG: file, About: fmt.Sprintf("%d augmented training images of the classes %s", p.batch.N, strings.Join(names, ", "))}, err
}

func encodeJPEG(m image.Image) ([]byte, error) {
	var b bytes.Buffer
	err := jpeg.Encode(&b, m, &jpeg.Options{Quality: jpegQuality})
	return b.Bytes(), err
}

// validated is the validation of the best epoch.
type validated struct {
	images      *data.Dataset
	predictions []metrics.Prediction
	samples     []int // of the predictions
	multiLabel  *metrics.MultiLabelPredictions
}

// validatedOf takes over the predictions of a validation.
func validatedOf(v train.Validation) *validated {
	list := &validated{images: v.Images}
	if v.Scores.Classes > 0 {
		list.samples, list.multiLabel = v.Samples, multiLabelPredictions(v)
		return list
	}
	for _, o := range v.Outcomes {
		list.samples = append(list.samples, o.Sample)
		list.predictions = append(list.predictions, metrics.Prediction{Image: data.EscapeName(v.Images.Samples[o.Sample].Path), Class: v.Images.Classes[o.Class], Predicted: v.Images.Classes[o.Predicted],
			Confidence: o.Confidence, Rank: o.Rank, Loss: o.Loss})
	}
	return list
}

// afterBest writes the predictions of the best epoch, and keeps what its pictures need.
func (r *runReport) afterBest(v train.Validation) error {
	list := validatedOf(v)
	r.examples = list
	if list.multiLabel != nil {
		return nil // written with the page: it has a number for each image and class
	}
	return r.writePredictions(func(w io.Writer) error { return metrics.WritePredictions(w, list.predictions) })
}

// writePredictions writes the file of predictions.
func (r *runReport) writePredictions(write func(io.Writer) error) error {
	path := filepath.Join(r.dir, page.PredictionsFile)
	if err := regularfile.Clear(path); err != nil {
		return err
	}
	return atomicfile.Write(path, page.Mode(r.dir), write)
}

// multiLabelPredictions are those of a validation, by probabilities of 0.5: thresholds are chosen later.
func multiLabelPredictions(v train.Validation) *metrics.MultiLabelPredictions {
	var paths []string
	for _, sample := range v.Samples {
		paths = append(paths, data.EscapeName(v.Images.Samples[sample].Path))
	}
	p := metrics.NewMultiLabelPredictions(v.Scores, v.Images.Classes, paths, slices.Repeat([]float64{0.5}, v.Scores.Classes))
	return &p
}

// pictures reads the images that the page shows. Those that cannot be read within some seconds have no picture.
func (v *validated) pictures(ctx context.Context) (worst, unsure []page.Example) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exampleTime) // after an interrupt too
	defer cancel()
	seen := map[int][]byte{}
	if v.multiLabel != nil {
		for _, i := range page.ChooseMultiLabel(*v.multiLabel) {
			x := page.MultiLabelExample(*v.multiLabel, i)
			x.JPEG = v.picture(ctx, v.samples[i])
			worst = append(worst, x)
		}
		return worst, nil
	}
	examples := func(list []int) []page.Example {
		var examples []page.Example
		for _, i := range list {
			p := v.predictions[i]
			if _, ok := seen[i]; !ok {
				seen[i] = v.picture(ctx, v.samples[i])
			}
			examples = append(examples, page.Example{Image: p.Image, Class: p.Class, Predicted: p.Predicted, Confidence: p.Confidence, JPEG: seen[i]})
		}
		return examples
	}
	first, second := page.Choose(v.predictions)
	return examples(first), examples(second)
}

// picture returns a reduced image as JPEG, nil if it cannot be read.
func (v *validated) picture(ctx context.Context, sample int) []byte {
	file, err := v.images.ReadSample(ctx, sample)
	if err != nil {
		return nil
	}
	pixels, err := data.DecodeImage(file, data.Preprocess{Resolution: exampleSide, Resize: exampleSide})
	if err != nil {
		return nil
	}
	m := image.NewRGBA(image.Rect(0, 0, exampleSide, exampleSide))
	for i := range exampleSide * exampleSide {
		copy(m.Pix[4*i:], pixels[3*i:3*i+3])
		m.Pix[4*i+3] = 255
	}
	encoded, err := encodeJPEG(m)
	if err != nil {
		return nil
	}
	return encoded
}
