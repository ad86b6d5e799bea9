package main

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	"strings"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/classify"
	"depthwise.dev/data"
	"depthwise.dev/data/preview"
	"depthwise.dev/report"
	"depthwise.dev/report/page"
	"depthwise.dev/report/tensorboard"
	"depthwise.dev/train"
)

// boardShare is the fraction of a run's time that images, histograms and curves may take before the last epoch.
const boardShare = 0.005

// maxCurves is the number of classes up to which each has a precision-recall curve of its own.
const maxCurves = 100

// callback takes from training what events do not have.
func (b *board) callback() train.Callback {
	return train.Callback{
		BeforeBatch: func(batch *data.Batch, classes []string) error {
			if b.at == 0 && b.batch == nil {
				b.timed(func() error { b.batch = copyBatch(batch, classes); return b.writeBatch() })
			}
			return nil
		},
		Validated: b.count,
		AfterValidation: func(e report.Epoch, v train.Validation) error {
			b.timed(func() error { return b.validated(e, v) })
			return nil
		},
		AfterEpoch: func(s *autograd.Scope, n *backend.Network, e report.Epoch) error {
			if b.due(e) {
				b.timed(func() error { return b.histograms(s, n, e) })
			}
			return nil
		},
	}
}

// due reports whether this epoch's images, histograms and curves are written: always in the epoch that ends the run by its
// length.
func (b *board) due(e report.Epoch) bool {
	return e.Epoch == e.Epochs || b.steps > 0 && e.Step >= b.steps || b.spent.Seconds() <= boardShare*b.now().Sub(b.started).Seconds()
}

// timed counts the time of a part, and shows its error.
func (b *board) timed(part func() error) {
	if b.Recorder == nil {
		return // did not start
	}
	began := b.now()
	if err := part(); err != nil {
		b.failed(err)
	}
	b.spent += b.now().Sub(began)
}

// writeBatch writes the first training batch as the network sees it.
func (b *board) writeBatch() error {
	p, err := b.batch.picture()
	if err != nil {
		return err
	}
	return b.Write(0, tensorboard.Image("images/train_batch", p.Width, p.Height, p.JPEG).Described("The first training batch, augmented."))
}

// count adds the probabilities of a validation image to the curves of a network.
func (b *board) count(network int, o classify.Outcome, logits []float32) {
	if b.curves == nil {
		b.curves = map[int][]tensorboard.Curve{}
	}
	if b.curves[network] == nil {
		b.curves[network] = make([]tensorboard.Curve, len(logits))
	}
	greatest, sum := math.Inf(-1), 0.0
	for _, v := range logits {
		greatest = max(greatest, float64(v))
	}
	for _, v := range logits {
		sum += math.Exp(float64(v) - greatest)
	}
	for class, v := range logits {
		b.curves[network][class].Add(math.Exp(float64(v)-greatest)/sum, class == o.Class)
	}
}

// validated writes the curves of a validation, and the worst mistakes of the best one so far.
func (b *board) validated(e report.Epoch, v train.Validation) error {
	curves := b.curves[v.Network]
	b.curves = nil
	if !b.due(e) {
		return nil
	}
	if m := v.Scores; m.Classes > 0 {
		curves = make([]tensorboard.Curve, m.Classes)
		for i, score := range m.Scores {
			curves[i%m.Classes].Add(1/(1+math.Exp(-float64(score))), m.Labels[i])
		}
	}
	if err := b.Write(e.Step, curveValues(curves, v.Images.Classes)...); err != nil || !e.Best || len(v.Outcomes) == 0 && v.Scores.Classes == 0 {
		return err
	}
	return b.mistakes(e, v)
}

// curveValues are the curves of all classes together, and of each class if they are few.
func curveValues(curves []tensorboard.Curve, classes []string) []tensorboard.Value {
	if len(curves) == 0 {
		return nil
	}
	var all tensorboard.Curve
	for i := range curves {
		all.Merge(&curves[i])
	}
	values := []tensorboard.Value{all.Value("pr/micro_average").Described("All classes on the validation images: each probability of each class.")}
	for i := range curves {
		if len(curves) <= maxCurves {
			values = append(values, curves[i].Value("pr_classes/"+classes[i]))
		}
	}
	return values
}

// mistakes writes the validation images with the greatest loss as one picture.
func (b *board) mistakes(e report.Epoch, v train.Validation) error {
	worst, _ := validatedOf(v).pictures(b.ctx)
	var tiles []preview.Tile
	for _, w := range worst {
		m, err := jpeg.Decode(bytes.NewReader(w.JPEG))
		if err != nil {
			continue // could not be read
		}
		tiles = append(tiles, preview.Tile{Pixels: pixelsOf(m), Width: m.Bounds().Dx(), Height: m.Bounds().Dy(), Lines: mistakeLines(w)})
	}
	if len(tiles) == 0 {
		return nil
	}
	sheet, _ := preview.Tiles(tiles)
	file, err := encodeJPEG(sheet)
	if err != nil {
		return err
	}
	picture := tensorboard.Image("images/worst_mistakes", sheet.Bounds().Dx(), sheet.Bounds().Dy(), file)
	return b.Write(e.Step, picture.Described("The validation images with the greatest loss, in the best epoch so far: their class, and what was predicted."))
}

// mistakeLines are the captions of an image: its class and what was predicted, or which of its classes were missed and which are wrong.
func mistakeLines(w page.Example) []string {
	if w.MultiLabel == nil {
		return []string{w.Class, "not " + w.Predicted}
	}
	var lines []string
	for _, part := range []struct {
		name    string
		classes []string
	}{{"missed ", w.MultiLabel.Missed}, {"wrong ", w.MultiLabel.Wrong}} {
		if len(part.classes) > 0 {
			lines = append(lines, part.name+strings.Join(part.classes, ", "))
		}
	}
	return lines
}

// pixelsOf returns the RGB pixels of an image.
func pixelsOf(m image.Image) []uint8 {
	size := m.Bounds()
	pixels := make([]uint8, 0, 3*size.Dx()*size.Dy())
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			r, g, b, _ := m.At(x, y).RGBA()
			pixels = append(pixels, uint8(r>>8), uint8(g>>8), uint8(b>>8))
		}
	}
	return pixels
}

// histograms writes the distributions of the parameters, and of the gradients of the epoch's last step.
func (b *board) histograms(s *autograd.Scope, n *backend.Network, e report.Epoch) error {
	scale := float32(1)
	if b.config.Accumulate > 1 && !b.averaged {
		scale = 1 / float32(max(b.images, 1)) // of accumulated gradients, which are sums over images
	}
	var values []tensorboard.Value
	for _, p := range n.Trainable() {
		values = append(values, tensorboard.Histogram("weights/"+p.Name, autograd.ToSlice[float32](s, p.Tensor)))
		g := s.Grad(p.Tensor)
		if g == nil {
			continue
		}
		gradient := autograd.ToSlice[float32](s, g)
		for i := range gradient {
			gradient[i] *= scale
		}
		values = append(values, tensorboard.Histogram("gradients/"+p.Name, gradient))
	}
	if err := s.Err(); err != nil {
		return err
	}
	return b.Write(e.Step, values...)
}
