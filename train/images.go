package train

import (
	"context"
	"encoding/json"
	"fmt"

	"depthwise.dev/checkpoints"
	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/data/check"
	"depthwise.dev/data/datasets"
	"depthwise.dev/internal/host"
	"depthwise.dev/internal/redact"
)

// verifyUpTo is the size of a data set up to which every header is read before training, which
// takes a second. In larger and in remote data sets an unreadable image is found, skipped and named
// when its batch is loaded.
const verifyUpTo = check.SampleAbove

// images is a run's data.
type images struct {
	train, val *data.Dataset   // val may be nil
	notes      []string        // problems for the user to know
	digest     string          // of names and classes; it changes with the data
	pictures   string          // digest of a few reduced images; it changes when files are replaced. "": unknown
	split      *datasets.Split // how the data set was divided; nil: it has a val, or an older rule divided it
	ownVal     bool            // the data set has a val

	trainOriented, valOriented check.Orientations // of what was verified
}

// openImages opens Config.Data, of which rule selects the validation images if it has none. It
// returns an error with examples if too many images are unreadable.
func openImages(ctx context.Context, c config.Config, rule datasets.Rule) (images, error) {
	source, err := c.Source(ctx)
	if err != nil {
		return images{}, err
	}
	source.Rule = rule
	dir := redact.Address(source.Path)
	var im images
	if im.train, im.val, im.split, err = source.OpenSplit(ctx); err != nil {
		return images{}, redact.Error(err)
	}
	im.ownVal = im.split == nil && rule == datasets.ByName
	if err := im.checkTask(c); err != nil {
		return images{}, err
	}
	if n := len(im.train.Classes); n < 2 && !im.train.MultiLabel {
		return images{}, fmt.Errorf("train: %s has %d class: a classifier needs two or more folders of images", dir, n)
	}
	if n := len(im.train.Classes); c.Model.Classes != 0 && c.Model.Classes != n {
		return images{}, fmt.Errorf("train: %s has %d classes, --classes says %d: leave the flag out, or fix the folders", dir, n, c.Model.Classes)
	}
	if err := check.Classes(ctx, im.train, host.Workers()); err != nil {
		return images{}, err
	}
	if im.trainOriented, err = im.verify(ctx, im.train); err != nil {
		return images{}, err
	}
	if im.valOriented, err = im.verify(ctx, im.val); err != nil {
		return images{}, err
	}
	im.digest = data.Digest(im.train, im.val)
	if im.ownVal && c.ValSplit > 0 {
		im.notes = append(im.notes, fmt.Sprintf("--val-split %v has no effect: %s has a validation part of its own (%d images), which is used", c.ValSplit, dir, im.val.Len()))
	}
	return im, im.identify(ctx)
}

// movedImages adds to an error of a run that is continued that its images may be in another place.
func movedImages(c config.Config, err error) error {
	if c.Resume == "" || !c.DataMissing() {
		return err
	}
	return fmt.Errorf("%w; if the images have moved, give their place with --data (a relative path is one below the working folder)", err)
}

// identify computes what the data set is recognized by.
func (im *images) identify(ctx context.Context) error {
	var err error
	if im.pictures, err = datasets.SampleDigest(ctx, im.train); err != nil || im.split == nil {
		return err
	}
	return im.split.Identify(ctx, im.train, im.val)
}

// counts are the numbers of images of a checkpoint's data set.
type counts struct {
	Train int `json:"train"`
	Val   int `json:"val"`
}

func (im images) counts() counts { return counts{Train: im.train.Len(), Val: im.val.Len()} }

// differences compares the images with those of a checkpoint. Older checkpoints record the digest of
// the names alone.
func (im images) differences(f checkpoints.File) []string {
	if f.Meta[metaData] == im.digest {
		if was := f.Meta[metaPictures]; was != "" && im.pictures != "" && was != im.pictures {
			return []string{"the images have the same names, but not the same contents"}
		}
		return nil
	}
	text := "the images are not the same files"
	was, now := counts{}, im.counts()
	if json.Unmarshal([]byte(f.Meta[metaImages]), &was) == nil && was != now {
		text += fmt.Sprintf(": there were %d to train and %d to validate, and there are %d and %d", was.Train, was.Val, now.Train, now.Val)
	}
	return []string{text}
}

// verify checks the files of a part, unless it is large or remote, and counts their EXIF orientations.
func (im *images) verify(ctx context.Context, set *data.Dataset) (found check.Orientations, err error) {
	if set == nil {
		return found, nil
	}
	problems := set.Problems
	if set.Len() <= verifyUpTo && !set.Remote() {
		var unreadable []data.Problem
		if unreadable, found, err = check.Verify(ctx, set, host.Workers()); err != nil {
			return found, err
		}
		if err := check.Unreadable(unreadable, set.Len(), check.DefaultUnreadableLimit); err != nil {
			return found, err
		}
		if len(unreadable) == set.Len() {
			return found, fmt.Errorf("train: %s: none of its %d images can be read: %s: %s; repair or replace them", set.Root, set.Len(), unreadable[0].Path, unreadable[0].Reason)
		}
		problems = append(problems, unreadable...)
	} else {
		im.notes = append(im.notes, notVerified(set))
	}
	for _, p := range problems {
		im.notes = append(im.notes, p.String())
	}
	return found, nil
}

// notVerified says why the files of a data set were not verified.
func notVerified(set *data.Dataset) string {
	why := fmt.Sprintf("there are more than %d", verifyUpTo)
	if set.Remote() {
		why = "that would download all of them first"
	}
	return fmt.Sprintf("%s: its %d images are not verified before training, because %s: an unreadable one is skipped and named when its batch is loaded, and above %.3g %% the run ends; train data check verifies all",
		set.Root, set.Len(), why, 100*check.DefaultUnreadableLimit)
}

// example is the path of an image, of validation where there are some; "" of shards.
func (im *images) example() string {
	for _, set := range []*data.Dataset{im.val, im.train} {
		if set != nil && set.Len() > 0 && !set.Sharded() {
			return set.Samples[0].Path
		}
	}
	return ""
}
