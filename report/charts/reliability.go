package charts

import "fmt"

// Reliability is a reliability diagram: the accuracy of predictions by their confidence, above the number of images.
// Guo et al., On Calibration of Modern Neural Networks, https://arxiv.org/abs/1706.04599, figure 1.
type Reliability struct {
	Title string
	Bins  []ReliabilityBin // of equal width, from confidence 0 to 1
	ECE   float64          // expected calibration error
}

// ReliabilityBin holds the predictions whose confidence lies in a range.
type ReliabilityBin struct {
	Images     int
	Confidence float64 // mean
	Accuracy   float64
}

func (c Reliability) draw() (*scene, error) {
	const width, height, histogram = 480, 430, 90
	s := &scene{width: width, height: height, title: c.Title, description: fmt.Sprintf("Reliability diagram in %d bins. The expected calibration error is %.4f.", len(c.Bins), c.ECE)}
	top := s.heading(c.Title, 12)
	above, _ := seriesPaint(1)
	top = s.legend([]legendEntry{{name: "accuracy", color: solid(accent)}, {name: "too confident", color: paint{above.role, 0.55}}, {name: "ideal", color: solid(muted), dashed: true}}, 12, top, width-24)
	upper := newFrame(width, height-histogram, top+6, Axis{Percent: true, Max: 1}, Axis{Label: "accuracy", Percent: true, Max: 1}, nil, nil)
	lower := c.histogram(upper, height, histogram)
	upper.left, upper.x = lower.left, lower.x
	upper.draw(s)
	lower.draw(s)
	images := 0
	for i, b := range c.Bins {
		images += b.Images
		c.bin(s, upper, lower, i, b)
	}
	if images == 0 {
		s.noData(upper.left, upper.top, upper.right-upper.left, upper.bottom-upper.top, "no predictions")
	}
	from, _ := upper.at(0, 0)
	to, _ := upper.at(1, 1)
	s.add(shape{kind: path, points: []point{from, to}, stroke: solid(muted), width: 1.5, dashed: true})
	return s, nil
}

// histogram returns the frame of the numbers of images, aligned with the one above.
func (c Reliability) histogram(upper frame, height, size float64) frame {
	counts := []float64{0}
	for _, b := range c.Bins {
		counts = append(counts, float64(b.Images))
	}
	f := newFrame(upper.width, height, height-size, Axis{Label: "confidence", Percent: true, Max: 1}, Axis{Label: "images", Whole: false, Zero: true}, nil, counts)
	if f.left < upper.left {
		f.left = upper.left
		f.x.from = f.left
	}
	return f
}

// bin draws the bar of a bin and its distance from the ideal, and its images below.
func (c Reliability) bin(s *scene, upper, lower frame, i int, b ReliabilityBin) {
	if b.Images == 0 {
		return
	}
	n := float64(len(c.Bins))
	from, _ := upper.at(float64(i)/n, 0)
	to, _ := upper.at(float64(i+1)/n, b.Accuracy)
	tip := fmt.Sprintf("%d images with a confidence of %.1f%% on average, of which %.1f%% are classified correctly", b.Images, 100*b.Confidence, 100*b.Accuracy)
	s.box(solid(accent), from.x+1, to.y, to.x-from.x-2, from.y-to.y, tip)
	ideal, _ := upper.at(0, b.Confidence)
	if b.Confidence > b.Accuracy {
		over, _ := seriesPaint(1)
		s.box(paint{over.role, 0.55}, from.x+1, ideal.y, to.x-from.x-2, to.y-ideal.y, tip)
	}
	base, _ := lower.at(0, 0)
	count, _ := lower.at(0, float64(b.Images))
	s.box(solid(muted), from.x+1, count.y, to.x-from.x-2, base.y-count.y, tip)
}
