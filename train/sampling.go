package train

import (
	"fmt"
	"slices"

	"depthwise.dev/data"
	"depthwise.dev/report"
)

// samples reports whether an epoch may have an image several times.
func (r *run) samples() bool {
	return r.config.Sampler != "" && r.config.Sampler != data.SampleUniform
}

// noteSampler records how often an epoch has the images of the smallest and of the largest class.
func (r *run) noteSampler() error {
	if !r.samples() {
		return nil
	}
	return r.note(report.Info, describeSampler(r.config.Sampler, r.images.train.Classes, r.images.train.Counts()))
}

// describeSampler says how often an epoch has the images of the smallest and of the largest class.
func describeSampler(sampler string, classes []string, counts []int) string {
	if slices.Min(counts) == slices.Max(counts) {
		return fmt.Sprintf("sampler %s: each class has %s, so it makes no difference", sampler, imageCount(counts[0]))
	}
	quotas, total := data.Quotas(sampler, counts), 0
	for _, n := range counts {
		total += n
	}
	describe := func(class int) string {
		return fmt.Sprintf("%.3g times (%s, %s)", quotas[class]/float64(max(counts[class], 1)), classes[class], imageCount(counts[class]))
	}
	low, high := slices.Index(counts, slices.Min(counts)), slices.Index(counts, slices.Max(counts))
	return fmt.Sprintf("sampler %s: an epoch draws %d images, one of the smallest class on average %s, one of the largest %s", sampler, total, describe(low), describe(high))
}

// imageCount writes a number of images.
func imageCount(n int) string {
	if n == 1 {
		return "1 image"
	}
	return fmt.Sprintf("%d images", n)
}

// firstOf returns the unreadable images that the epoch had not yet drawn, in this process.
func (r *run) firstOf(skipped []data.Problem) []data.Problem {
	if !r.samples() {
		return skipped
	}
	var first []data.Problem
	for _, p := range skipped {
		had := func(q data.Problem) bool { return q.Path == p.Path }
		if !slices.ContainsFunc(r.unread, had) && !slices.ContainsFunc(first, had) {
			first = append(first, p)
		}
	}
	return first
}
