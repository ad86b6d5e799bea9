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
	c, recipeNote, err := chooseRecipe(c, images)
	if err != nil {
		return nil, err
	}
	if images.ownVal {
		c.ValSplit = 0 // has no effect, and is not recorded
	}
	images.cutBatchSize(&c)
	if t.Graph == nil {
		if err := describeInit(&c); err != nil {
			return nil, err
		}
	}
	exifNote, err := chooseEXIF(ctx, &c, images)
	if err != nil {
		return nil, err
	}
	net, err := t.network(&c, len(images.train.Classes))
	if err != nil {
		return nil, err
	}
	r := &run{trainer: t, config: c, choices: []string{recipeNote, exifNote}, net: net, images: images, clock: clock{now: t.now}}
	return r, r.chooseBatchSize(ctx)
}
