package train

import (
	"errors"
	"fmt"
)

// ErrNothingTrained is returned when an epoch has no image to train on.
var ErrNothingTrained = errors.New("no image was trained on")

// countSteps returns the number of steps of an epoch. A last batch of one image, with which batch norm
// cannot train, makes no step if no other batch is accumulated with it.
func (r *run) countSteps() (int64, error) {
	batches, accumulate := r.loader.Batches(), r.config.Accumulate
	size, ranks := min(r.config.GlobalBatch(), r.images.train.Len()), r.ranks.size()
	if r.config.SyncBN {
		ranks = 1 // batch norm sees the images of all
	}
	if last := r.images.train.Len() - (batches-1)*size; last <= ranks && !r.net.trainsOnOne() {
		batches-- // the only batch of one image on a rank, or, with a batch size of 1, one of many
		if size <= ranks {
			batches = 0
		}
	}
	if r.images.train.Len() == 1 {
		return 0, fmt.Errorf("train: %w: %s has one image to train on, and batch norm needs two; add images", ErrNothingTrained, r.images.train.Root)
	}
	if batches == 0 {
		return 0, fmt.Errorf("train: %w: every batch would have one image, and at this resolution batch norm has one value per channel of it and cannot train; use --batch-size 2 or more", ErrNothingTrained)
	}
	return int64((batches + accumulate - 1) / accumulate), nil
}
