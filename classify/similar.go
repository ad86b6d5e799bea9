package classify

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"slices"

	"depthwise.dev/data"
)

// norm is the L2 norm.
func norm(v []float32) float64 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}

// Normalize divides a vector by its L2 norm, in place. Zeros stay zeros.
func Normalize(v []float32) {
	n := norm(v)
	if n == 0 {
		return
	}
	for i, x := range v {
		v[i] = float32(float64(x) / n)
	}
}

// CosineSimilarity is the cosine of the angle between two vectors of the same length, -1 to 1; 0 if one is zero. Of the
// embeddings of a MobileNet it is at least 0, since no feature is negative.
func CosineSimilarity(a, b []float32) float64 {
	dot := 0.0
	for i, x := range a {
		dot += float64(x) * float64(b[i])
	}
	if dot == 0 {
		return 0
	}
	return max(-1, min(1, dot/(norm(a)*norm(b))))
}

// Neighbor is an image and its cosine similarity to a query.
type Neighbor struct {
	Image      string  `json:"image"`
	Similarity float64 `json:"similarity"`
}

// Nearest returns the images with the most similar embeddings, at most top of them; equal ones are in the order of e.
// Those for which skip returns true are left out; nil: none. It returns an error if query has not Dim values.
func (e Embeddings) Nearest(query []float32, top int, skip func(path string) bool) ([]Neighbor, error) {
	if len(query) != e.Dim {
		return nil, fmt.Errorf("classify: the query has %d values and the embeddings have %d: they are of different networks", len(query), e.Dim)
	}
	list := make([]Neighbor, len(e.Paths))
	for i, path := range e.Paths {
		list[i] = Neighbor{Image: path, Similarity: CosineSimilarity(query, e.Row(i))}
	}
	slices.SortStableFunc(list, func(a, b Neighbor) int { return cmp.Compare(b.Similarity, a.Similarity) })
	nearest := []Neighbor{}
	for _, n := range list {
		if len(nearest) >= top {
			break
		}
		if skip == nil || !skip(n.Image) {
			nearest = append(nearest, n)
		}
	}
	return nearest, nil
}

// sameWeights is the least cosine similarity between embeddings of one image by the same weights, for the best of
// three images. Those of bf16 and fp32 differ: of 800 photographs 8 were below 0.985 (MobileNet v1) and 0.938 (v2).
const sameWeights = 0.95

// Check computes the embeddings of three of the images again, and returns an error if none is as in e: then e is of
// other weights. checked is false if none of these images is a file that can be read.
func (e Embeddings) Check(ctx context.Context, c EmbedConfig) (checked bool, err error) {
	rows := map[string]int{}
	var files []string
	for _, i := range []int{0, len(e.Paths) / 2, len(e.Paths) - 1} {
		if i < 0 || i >= len(e.Paths) {
			continue
		}
		if info, err := os.Stat(e.Paths[i]); err == nil && info.Mode().IsRegular() {
			files, rows[e.Paths[i]] = append(files, e.Paths[i]), i
		}
	}
	c.Progress = nil
	again, err := Embed(ctx, c, files)
	if err != nil {
		return false, err
	}
	if again.Dim != e.Dim {
		return false, fmt.Errorf("classify: the embeddings have %d values and those of %s have %d: they are of other weights; run train embed again", e.Dim, c.Weights, again.Dim)
	}
	best := -1.0
	for i, path := range again.Paths {
		best = max(best, CosineSimilarity(again.Row(i), e.Row(rows[path])))
	}
	if len(again.Paths) > 0 && best < sameWeights {
		return false, fmt.Errorf("classify: the embedding of %s is not the one that %s compute (cosine similarity %.2f): it is of other weights, or the images have changed; run train embed again", data.ShowName(again.Paths[0]), c.Weights, best)
	}
	return len(again.Paths) > 0, nil
}
