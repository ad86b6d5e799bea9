package metrics

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Interval is a confidence interval of 95 %.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Resamples is the number of samples of [Bootstrap] from which its percentiles are taken.
const Resamples = 1000

// Bootstrap returns the percentile interval of a statistic over n images: it is computed for samples of n indices, drawn with
// replacement, and the middle 95 % of the results are taken. The same input gives the same interval.
// Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13.
func Bootstrap(n int, statistic func(sample []int) float64) Interval {
	if n == 0 {
		return Interval{}
	}
	rng := rand.New(rand.NewPCG(0, uint64(n)))
	sample, results := make([]int, n), make([]float64, Resamples)
	for i := range results {
		for j := range sample {
			sample[j] = rng.IntN(n)
		}
		results[i] = statistic(sample)
	}
	slices.Sort(results)
	return Interval{percentile(results, 0.025), percentile(results, 0.975)}
}

// percentile interpolates between sorted values, as numpy.percentile.
func percentile(sorted []float64, fraction float64) float64 {
	at := fraction * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// McNemar compares two classifiers on the same images.
type McNemar struct {
	OnlyFirst  int     `json:"only_first"`  // images that only the first one classified correctly
	OnlySecond int     `json:"only_second"` // only the second one
	Both       int     `json:"both"`
	Neither    int     `json:"neither"`
	P          float64 `json:"p"` // two-sided: the probability of a difference at least as large if both are equally accurate
}

// NewMcNemar performs McNemar's exact test: of the images on which the classifiers differ, the number that the first one
// classified correctly is binomial with probability 1/2 if they are equally accurate. The slices have the same length.
// McNemar, Psychometrika 12 (1947) 153; the exact form of statsmodels' mcnemar.
func NewMcNemar(first, second []bool) McNemar {
	var m McNemar
	for i, a := range first {
		switch b := second[i]; {
		case a && b:
			m.Both++
		case a:
			m.OnlyFirst++
		case b:
			m.OnlySecond++
		default:
			m.Neither++
		}
	}
	m.P = binomialTwoSided(min(m.OnlyFirst, m.OnlySecond), m.OnlyFirst+m.OnlySecond)
	return m
}

// binomialTwoSided is twice the probability of at most k successes of n with probability 1/2, at most 1.
func binomialTwoSided(k, n int) float64 {
	sum := 0.0
	for i := 0; i <= k; i++ {
		sum += math.Exp(logBinomial(n, i) - float64(n)*math.Ln2)
	}
	return min(2*sum, 1)
}

// logBinomial is the logarithm of n over k.
func logBinomial(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}
