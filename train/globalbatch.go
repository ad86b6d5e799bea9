package train

import (
	"fmt"
	"strings"

	"depthwise.dev/config"
	"depthwise.dev/report"
)

// chooseRanks sets the number of ranks that the batch size is meant for: that of the process group, or that of the run that is
// continued, whose batches keep their size whatever the number of ranks is now.
func (r *run) chooseRanks() {
	c := &r.config
	if c.Ranks == 0 {
		c.Ranks = r.ranks.size()
		was := continued(*c)
		if was != nil && (c.Ranks > 1 || was.Ranks > 1) {
			images, before, now := r.images.train.Len(), *c, *c
			before.BatchSize, before.Ranks = was.BatchSize, was.Ranks
			auto, same := c.BatchSize < 0, c.BatchSize == was.BatchSize
			if auto || same || min(now.GlobalBatch(), images) == min(before.GlobalBatch(), images) {
				c.BatchSize, c.Ranks = before.BatchSize, before.Ranks
			}
		}
	}
	if c.Ranks == 1 {
		c.Ranks = 0 // is not recorded
	}
}

// differentRanks compares the number of ranks that the batch size is meant for with that of a checkpoint's settings.
func (r *run) differentRanks(settings string) []string {
	was, is := chosenIn(settings), max(r.config.Ranks, 1)
	if was == nil || max(was.Ranks, 1) == is {
		return nil
	}
	return []string{fmt.Sprintf("--batch-size was that of %d ranks and is that of %d", max(was.Ranks, 1), is)}
}

// rankBatch is the largest number of images that a rank has of a batch.
func (r *run) rankBatch() int { return (r.config.GlobalBatch() + r.ranks.size() - 1) / r.ranks.size() }

// noteRanks records how the images of a batch are divided.
func (r *run) noteRanks() error {
	c, size := r.config, r.ranks.size()
	meant := max(c.Ranks, 1)
	if text := withoutRanks(c, size); text != "" {
		if err := r.note(report.Warning, text); err != nil {
			return err
		}
	}
	if size == 1 && meant == 1 {
		return nil
	}
	text := fmt.Sprintf("%d ranks: a batch has %d images in all, %d on each rank; the learning rate %g is not scaled", size, c.GlobalBatch(), r.rankBatch(), c.LR)
	if size != meant {
		text = fmt.Sprintf("%s: a batch has %d images in all, as the settings of the run say (--batch-size %d on %s), %d on each rank; order, steps and learning rates stay the same",
			ranksText(size), c.GlobalBatch(), c.BatchSize, ranksText(meant), r.rankBatch())
	}
	return r.note(report.Info, text)
}

func ranksText(n int) string {
	if n == 1 {
		return "1 rank"
	}
	return fmt.Sprintf("%d ranks", n)
}

// withoutRanks names the settings that have no effect because there is one rank, or is empty.
func withoutRanks(c config.Config, size int) string {
	var list []string
	if c.SyncBN {
		list = append(list, "--sync-bn")
	}
	if c.GradientCompression != config.CompressNone {
		list = append(list, "--gradient-compression "+c.GradientCompression)
	}
	switch {
	case size > 1 || list == nil:
		return ""
	case len(list) == 1:
		return list[0] + " has no effect in one process: it is for several (--nproc N)"
	}
	return strings.Join(list, " and ") + " have no effect in one process: they are for several (--nproc N)"
}
