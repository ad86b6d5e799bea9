package train

import (
	"context"
	"fmt"

	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/data/check"
	"depthwise.dev/internal/host"
	"depthwise.dev/internal/redact"
)

// verifyUpTo is the size of a data set up to which every header is read before training, which
// takes a second. In larger and in remote data sets an unreadable image is found, skipped and named
// when its batch is loaded.
const verifyUpTo = 10_000

// images is a run's data.
type images struct {
	train, val *data.Dataset // val may be nil
	notes      []string      // problems for the user to know
	digest     string        // of names and classes; it changes with the data
}

// openImages opens Config.Data. It returns an error with examples if too many images are
// unreadable.
func openImages(ctx context.Context, c config.Config) (images, error) {
	source, err := c.Source(ctx)
	if err != nil {
		return images{}, err
	}
	dir := redact.Address(source.Path)
	var im images
	if im.train, im.val, err = source.Open(ctx); err != nil {
		return images{}, redact.Error(err)
	}
	if n := len(im.train.Classes); n < 2 {
		return images{}, fmt.Errorf("train: %s has %d class: a classifier needs two or more folders of images", dir, n)
	}
	if n := len(im.train.Classes); c.Model.Classes != 0 && c.Model.Classes != n {
		return images{}, fmt.Errorf("train: %s has %d classes, --classes says %d: leave the flag out, or fix the folders", dir, n, c.Model.Classes)
	}
	if err := check.Classes(ctx, im.train, host.PhysicalCores()); err != nil {
		return images{}, err
	}
	for _, set := range []*data.Dataset{im.train, im.val} {
		if err := im.verify(ctx, set); err != nil {
			return images{}, err
		}
	}
	im.digest = data.Digest(im.train, im.val)
	return im, nil
}

func (im *images) verify(ctx context.Context, set *data.Dataset) error {
	if set == nil {
		return nil
	}
	problems := set.Problems
	if set.Len() <= verifyUpTo && !set.Remote() {
		unreadable, err := check.Verify(ctx, set, host.PhysicalCores())
		if err != nil {
			return err
		}
		if err := check.Unreadable(unreadable, set.Len(), check.DefaultUnreadableLimit); err != nil {
			return err
		}
		problems = append(problems, unreadable...)
	} else {
		why := fmt.Sprintf("there are more than %d", verifyUpTo)
		if set.Remote() {
			why = "that would download all of them first"
		}
		im.notes = append(im.notes, fmt.Sprintf("%s: its %d images are not verified before training, because %s: an unreadable one is skipped and named when its batch is loaded, and above %.3g %% the run ends; train data check verifies all",
			set.Root, set.Len(), why, 100*check.DefaultUnreadableLimit))
	}
	for _, p := range problems {
		im.notes = append(im.notes, p.String())
	}
	return nil
}
