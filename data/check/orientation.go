package check

import (
	"context"

	"depthwise.dev/data"
)

// SampleAbove is the number of images above which [CountOrientations] reads a sample: reading all would take more than
// a second. Training verifies the files of smaller data sets anyway.
const SampleAbove = 10_000

// sampleSize is the number of images in a sample. Where one in a hundred images has an orientation, such a sample
// misses all of them in one of 170 data sets.
const sampleSize = 512

// Orientations counts the images that have an EXIF orientation other than upright.
type Orientations struct {
	Oriented int // of those checked
	Checked  int // 0: none was read
	Images   int // all
}

// CountOrientations reads the files of a data set, or above [SampleAbove] of 512 images with even distances in its list,
// and counts the EXIF orientations. Unreadable images count as upright. Of a remote data set nothing is read. workers and
// errors are those of [Verify].
func CountOrientations(ctx context.Context, ds *data.Dataset, workers int) (Orientations, error) {
	n := ds.Len()
	switch {
	case ds.Remote():
		return Orientations{Images: n}, nil
	case n > SampleAbove:
		n = sampleSize
	}
	oriented := make([]bool, n)
	err := eachFile(ctx, n, workers, func(ctx context.Context, r *data.ImageReader, i int) error {
		err := r.Check(ctx, ds.Samples[i*ds.Len()/n])
		oriented[i] = err == nil && r.StoredOrientation() != 1
		return err
	})
	return countOriented(oriented, ds.Len()), err
}

func countOriented(oriented []bool, images int) Orientations {
	o := Orientations{Checked: len(oriented), Images: images}
	for _, yes := range oriented {
		if yes {
			o.Oriented++
		}
	}
	return o
}
