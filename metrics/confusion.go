package metrics

import (
	"cmp"
	"slices"
)

// Confusion is a confusion matrix: Confusion[t][p] counts the images of class t that were predicted as class p.
type Confusion [][]int

// NewConfusion returns the matrix of a number of classes without images.
func NewConfusion(classes int) Confusion {
	c := make(Confusion, classes)
	for i := range c {
		c[i] = make([]int, classes)
	}
	return c
}

// ClassScore holds the measures of a class. A measure whose denominator is 0 is 0, as scikit-learn's zero_division=0.
type ClassScore struct {
	Precision float64 `json:"precision"` // of the images predicted as the class, the fraction that is of it
	Recall    float64 `json:"recall"`    // of the images of the class, the fraction that was predicted so
	F1        float64 `json:"f1"`        // harmonic mean of both
	Support   int     `json:"support"`   // images of the class
}

// Classes returns the measures of each class.
func (c Confusion) Classes() []ClassScore {
	list := make([]ClassScore, len(c))
	for i := range c {
		predicted := 0
		for t := range c {
			predicted += c[t][i]
			list[i].Support += c[i][t]
		}
		right := c[i][i]
		list[i].Precision = ratio(right, predicted)
		list[i].Recall = ratio(right, list[i].Support)
		list[i].F1 = ratio(2*right, predicted+list[i].Support)
	}
	return list
}

// BalancedAccuracy is the [MeanRecall] of the matrix.
func (c Confusion) BalancedAccuracy() float64 {
	right, images := make([]int, len(c)), make([]int, len(c))
	for i, s := range c.Classes() {
		right[i], images[i] = c[i][i], s.Support
	}
	return MeanRecall(right, images)
}

// MeanRecall is the mean recall of the classes that have images, given the numbers of correct images and of all images of
// each class: each class counts the same, however many images it has. It is 0 without images.
func MeanRecall(right, images []int) float64 {
	sum, n := 0.0, 0
	for i, all := range images {
		if all > 0 {
			sum += ratio(right[i], all)
			n++
		}
	}
	return sum / float64(max(n, 1))
}

// Average holds averages over the classes of their measures.
type Average struct {
	Macro    ClassScore `json:"macro"`    // each class counts the same
	Weighted ClassScore `json:"weighted"` // each class counts as its images
}

// Averages returns the averages over the classes that have images or predictions, as scikit-learn's classification_report:
// the others would count as failures of a data set with some of the classes. Support is the number of images.
func (c Confusion) Averages() Average {
	var a Average
	images, occurring := 0, 0
	scores, occurs := c.Classes(), c.occurring()
	for i, s := range scores {
		images += s.Support
		if occurs[i] {
			occurring++
		}
	}
	for i, s := range scores {
		if occurs[i] {
			a.Macro.add(s, 1/float64(occurring))
		}
		a.Weighted.add(s, ratio(s.Support, images))
	}
	a.Macro.Support, a.Weighted.Support = images, images
	return a
}

// occurring reports for each class whether an image is of it or predicted as it.
func (c Confusion) occurring() []bool {
	occurs := make([]bool, len(c))
	for t, row := range c {
		for p, n := range row {
			if n > 0 {
				occurs[t], occurs[p] = true, true
			}
		}
	}
	return occurs
}

func (s *ClassScore) add(o ClassScore, weight float64) {
	s.Precision += weight * o.Precision
	s.Recall += weight * o.Recall
	s.F1 += weight * o.F1
}

// Mistake is a pair of classes that are mistaken for each other.
type Mistake struct {
	Class     int `json:"class"`     // of the images
	Predicted int `json:"predicted"` // in its place
	Images    int `json:"images"`
}

// Mistakes lists the pairs with images, the most frequent first, then in the order of the classes.
func (c Confusion) Mistakes() []Mistake {
	var list []Mistake
	for t, row := range c {
		for p, n := range row {
			if n > 0 && p != t {
				list = append(list, Mistake{t, p, n})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Mistake) int { return cmp.Compare(b.Images, a.Images) })
	return list
}

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}
