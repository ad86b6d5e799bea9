package train

import (
	"context"
	"errors"

	"depthwise.dev/config"
	"depthwise.dev/data/datasets"
)

// prepare opens the images and completes the configuration by them: all that is known of a run before its folder is
// opened.
func (t Trainer) prepare(ctx context.Context, c config.Config) (*run, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := errors.Join(t.validate(), t.validateLoss(c)); err != nil {
		return nil, err
	}
	images, err := openImages(ctx, c, datasets.ByName)
	if err != nil {
		return nil, movedImages(c, err)
	}
	r := &run{trainer: t, ranks: ranks{t.Group}, config: c, images: images, clock: clock{now: t.now}}
	if err := r.compareStarts(); err != nil {
		return nil, err
	}
	if r.ranks.first() {
		err = r.choose(ctx)
	}
	if err == nil {
		err = r.shareSettings()
	}
	return r, err
}

// choose completes the configuration by the images, by the run that is continued, and by the machine.
func (r *run) choose(ctx context.Context) error {
	c := &r.config
	next, recipeNote, err := chooseRecipe(*c, r.images)
	if err != nil {
		return err
	}
	*c = next
	if r.images.ownVal {
		c.ValSplit = 0 // has no effect, and is not recorded
	}
	r.chooseRanks()
	r.images.cutBatchSize(c)
	if r.trainer.Graph == nil {
		if err := describeInit(c); err != nil {
			return err
		}
	}
	exifNote, err := chooseEXIF(ctx, c, r.images)
	if err != nil {
		return err
	}
	r.choices = []string{recipeNote, exifNote}
	if r.net, err = r.trainer.network(c, len(r.images.train.Classes)); err != nil {
		return err
	}
	return r.chooseBatchSize(ctx)
}
