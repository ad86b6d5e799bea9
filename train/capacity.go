package train

import (
	"fmt"
	"regexp"
	"strconv"

	"depthwise.dev/config"
)

// cutBatchSize makes the batch size at most the number of training images, and notes it. The steps
// are the same: each epoch has one batch, of all images.
func (im *images) cutBatchSize(c *config.Config) {
	ranks := max(c.Ranks, 1)
	n := (im.train.Len() + ranks - 1) / ranks
	if c.BatchSize <= n {
		return
	}
	note := fmt.Sprintf("batch size %d cut to %d, the number of training images", c.BatchSize, n)
	if ranks > 1 {
		note += fmt.Sprintf(" of each of %d ranks", ranks)
	}
	im.notes = append([]string{note}, im.notes...)
	c.BatchSize = n
}

var storedBatchSize = regexp.MustCompile(`(?m)^batch_size: ([0-9]+)$`)

// cutStored applies the same to the settings of a checkpoint, since older versions stored the batch
// size as it was given.
func cutStored(settings string, images int) string {
	return storedBatchSize.ReplaceAllStringFunc(settings, func(line string) string {
		size, err := strconv.Atoi(storedBatchSize.FindStringSubmatch(line)[1])
		if err == nil && size <= images {
			return line
		}
		return fmt.Sprintf("batch_size: %d", images)
	})
}

// memoryError adds to an error about memory that was used up which settings need less. A resumed run keeps its settings.
func (r *run) memoryError(err error) error {
	explained := r.MemoryError(err, r.net.graph, r.rankBatch(), "--batch-size", "--resolution", "--width")
	if explained == err || r.folder.resume == nil {
		return explained
	}
	return fmt.Errorf("%w; a run continues with its own settings: free memory, or start a new one with --init", explained)
}

// checkMemory refuses a run whose batches do not fit into memory, before anything is allocated.
func (r *run) checkMemory() error {
	options, images := r.loaderOptions(true), r.images.train.Len()
	frozen, err := r.alwaysFrozen()
	if err != nil {
		return err
	}
	if err := r.CheckTraining(r.net.graph, frozen, r.rankBatch(), options.Slots(images)); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return nil
}
