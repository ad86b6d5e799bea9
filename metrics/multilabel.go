package metrics

import (
	"math"
	"slices"
)

// MultiLabel holds scores and labels of images, each row-major (images, classes). A class is predicted for an image if its
// probability, the sigmoid of the score, is at least a threshold.
type MultiLabel struct {
	Classes int
	Scores  []float32 // logits
	Labels  []bool
}

// Sigmoid is 1 / (1 + exp(-x)).
func Sigmoid(x float32) float64 { return 1 / (1 + math.Exp(-float64(x))) }

// BinaryCrossEntropy is -log of the probability of the truth: log(1 + exp(-x)) of a class that the image has.
func BinaryCrossEntropy(x float32, is bool) float64 {
	z := float64(x)
	if is {
		z = -z
	}
	return max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))) // without overflow
}

// Loss is the binary cross entropy of an image, the mean over the classes.
func (m MultiLabel) Loss(image int) float64 {
	sum := 0.0
	for i := image * m.Classes; i < (image+1)*m.Classes; i++ {
		sum += BinaryCrossEntropy(m.Scores[i], m.Labels[i])
	}
	return sum / float64(max(m.Classes, 1))
}

// Images is the number of images.
func (m MultiLabel) Images() int { return len(m.Scores) / max(m.Classes, 1) }

// order returns the images by falling score of a class. NaN counts as the lowest.
func (m MultiLabel) order(class int) []int32 {
	order := make([]int32, m.Images())
	for i := range order {
		order[i] = int32(i)
	}
	score := func(i int32) float64 {
		if x := float64(m.Scores[int(i)*m.Classes+class]); !math.IsNaN(x) {
			return x
		}
		return math.Inf(-1)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		switch x, y := score(a), score(b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	return order
}

// AveragePrecision of each class is the sum over the thresholds of precision times the increase of recall, without
// interpolation: scikit-learn's average_precision_score. It is NaN for a class without an image.
func (m MultiLabel) AveragePrecision() []float64 {
	list := make([]float64, m.Classes)
	for class := range list {
		list[class] = m.averagePrecision(class, m.order(class), nil)
	}
	return list
}

// averagePrecision is that of a class whose images are sorted. An image counts times[image] times; nil: once.
func (m MultiLabel) averagePrecision(class int, order []int32, times []int32) float64 {
	hits, seen, sum := 0.0, 0.0, 0.0
	for i := 0; i < len(order); {
		score, found := m.Scores[int(order[i])*m.Classes+class], 0.0
		for first := i; i < len(order) && (i == first || m.Scores[int(order[i])*m.Classes+class] == score); i++ { // equal scores share a threshold
			n := 1.0
			if times != nil {
				n = float64(times[order[i]])
			}
			seen += n
			if m.Labels[int(order[i])*m.Classes+class] {
				found += n
			}
		}
		hits += found
		if seen > 0 {
			sum += found * hits / seen
		}
	}
	if hits == 0 {
		return math.NaN()
	}
	return sum / hits
}

// MeanDefined is the mean of the values that are not NaN, NaN if there are none: of average precisions the mAP over the
// classes that have images.
func MeanDefined(values []float64) float64 {
	sum, n := 0.0, 0
	for _, v := range values {
		if !math.IsNaN(v) {
			sum += v
			n++
		}
	}
	return sum / float64(n)
}

// maxResampled bounds images times classes for [MultiLabel.MAPInterval]: a thousand times as many steps take ten seconds.
const maxResampled = 1 << 22

// MAPInterval is the interval of the mAP by [Bootstrap]. A class without an image in a sample does not count there. ok is
// false where there are too many images and classes to compute it in reasonable time.
func (m MultiLabel) MAPInterval() (interval Interval, ok bool) {
	if len(m.Scores) > maxResampled {
		return Interval{}, false
	}
	orders := make([][]int32, m.Classes)
	for class := range orders {
		orders[class] = m.order(class)
	}
	times, values := make([]int32, m.Images()), make([]float64, m.Classes)
	return Bootstrap(m.Images(), func(sample []int) float64 {
		clear(times)
		for _, i := range sample {
			times[i]++
		}
		for class := range values {
			values[class] = m.averagePrecision(class, orders[class], times)
		}
		if mean := MeanDefined(values); !math.IsNaN(mean) {
			return mean
		}
		return 0
	}), true
}

// BestThresholds returns the threshold of each class with the highest F1 on these images, of several the highest. It is in
// the middle between two probabilities. A class without an image has 0.5.
func (m MultiLabel) BestThresholds() []float64 {
	list := make([]float64, m.Classes)
	for class := range list {
		list[class] = m.bestThreshold(class)
	}
	return list
}

func (m MultiLabel) bestThreshold(class int) float64 {
	order := m.order(class)
	positives := 0
	for i := range order {
		if m.Labels[i*m.Classes+class] {
			positives++
		}
	}
	best, at := 0.0, 0.5
	hits := 0
	for i, image := range order {
		if m.Labels[int(image)*m.Classes+class] {
			hits++
		}
		p, next := Sigmoid(m.Scores[int(image)*m.Classes+class]), 0.0
		if i+1 < len(order) {
			next = Sigmoid(m.Scores[int(order[i+1])*m.Classes+class])
		}
		f1 := ratio(2*hits, i+1+positives)
		if !(p > next) || f1 <= best { // no threshold between equal probabilities
			continue
		}
		best, at = f1, p-(p-next)/2
		if at <= next {
			at = p // neighbors among the numbers
		}
	}
	return at
}

// MultiLabelScores are the measures at thresholds.
type MultiLabelScores struct {
	Classes []ClassScore
	Micro   ClassScore // of all decisions together
	Macro   ClassScore // each class counts the same, those without an image or a prediction too, as in scikit-learn
	Exact   float64    // fraction of the images whose classes are all predicted, and no other
}

// At returns the measures at a threshold for each class.
func (m MultiLabel) At(thresholds []float64) MultiLabelScores {
	return m.measure(func(i int) bool { return Sigmoid(m.Scores[i]) >= thresholds[i%m.Classes] })
}

// measure returns the measures of decisions: predicts reports those of the elements of Scores.
func (m MultiLabel) measure(predicts func(i int) bool) MultiLabelScores {
	r := MultiLabelScores{Classes: make([]ClassScore, m.Classes)}
	right, predicted := make([]int, m.Classes), make([]int, m.Classes)
	exact := 0
	for first := 0; first+m.Classes <= len(m.Scores); first += m.Classes {
		match := true
		for class := range m.Classes {
			is, says := m.Labels[first+class], predicts(first+class)
			match = match && is == says
			if is {
				r.Classes[class].Support++
			}
			if says {
				predicted[class]++
			}
			if is && says {
				right[class]++
			}
		}
		if match {
			exact++
		}
	}
	r.Exact = ratio(exact, m.Images())
	sumRight, sumPredicted, support := 0, 0, 0
	for class := range r.Classes {
		s := &r.Classes[class]
		s.set(right[class], predicted[class])
		r.Macro.add(*s, 1/float64(m.Classes))
		sumRight, sumPredicted, support = sumRight+right[class], sumPredicted+predicted[class], support+s.Support
	}
	r.Micro.Support, r.Macro.Support = support, support
	r.Micro.set(sumRight, sumPredicted)
	return r
}

// set computes the scores from the numbers of right and of all predictions.
func (s *ClassScore) set(right, predicted int) {
	s.Precision, s.Recall, s.F1 = ratio(right, predicted), ratio(right, s.Support), ratio(2*right, predicted+s.Support)
}
