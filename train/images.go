package train

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"depthwise.dev/data"
	"depthwise.dev/data/check"
	"depthwise.dev/data/datasets"
	"depthwise.dev/data/prepare"
	"depthwise.dev/data/remote"
)

// verifyUpTo is the number of images up to which every header is read before training starts; it takes a second for so
// many. In larger and in distant sets a bad image is found, skipped and named when its batch comes.
const verifyUpTo = 10_000

// images is a run's data.
type images struct {
	train, val *data.Dataset // val may be nil
	notes      []string      // what its owner should know
	digest     string        // of names and classes: another digest is other data
}

// openImages opens what Config.Data names. Too many unreadable images are an error that names the worst.
func openImages(ctx context.Context, c Config) (images, error) {
	source, err := DataSource(ctx, c.Data)
	if err != nil {
		return images{}, err
	}
	source.ValSplit, source.Seed, source.CacheBytes = c.ValSplit, c.Seed, int64(c.ShardCache)<<30
	dir := source.Path
	var im images
	if im.train, im.val, err = source.Open(ctx); err != nil {
		return images{}, err
	}
	if n := len(im.train.Classes); n < 2 {
		return images{}, fmt.Errorf("train: %s has %d class: a classifier needs two or more folders of images", dir, n)
	}
	if n := len(im.train.Classes); c.Model.Classes != 0 && c.Model.Classes != n {
		return images{}, fmt.Errorf("train: %s has %d classes, --classes says %d: leave the flag out, or fix the folders", dir, n, c.Model.Classes)
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
		unreadable, err := check.Verify(ctx, set, PhysicalCores())
		if err != nil {
			return err
		}
		if err := check.Unreadable(unreadable, set.Len(), check.DefaultUnreadableLimit); err != nil {
			return err
		}
		problems = append(problems, unreadable...)
	} else {
		im.notes = append(im.notes, fmt.Sprintf("%s: its %d images are not looked at before training, since they are more than %d: a bad one is left out and named when its batch comes, and above %.3g %% of them the run ends; train data check looks at all",
			set.Root, set.Len(), verifyUpTo, 100*check.DefaultUnreadableLimit))
	}
	for _, p := range problems {
		im.notes = append(im.notes, fmt.Sprintf("%s: %s", p.Path, p.Reason))
	}
	return nil
}

// DataSource is where the data of a name, as in [Config.Data], lies; listings of large sets, and distant shards, are
// kept in the user's cache.
func DataSource(ctx context.Context, name string) (datasets.Source, error) {
	path, err := DataFolder(ctx, name, nil)
	if err != nil {
		return datasets.Source{}, err
	}
	source := datasets.Source{Path: path}
	if strings.Contains(path, "://") {
		source.Remote = remote.New()
	}
	source.Cache, err = CacheFolder()
	return source, err
}

// DataFolder is the folder of a name: MNIST's in the user's cache, which is laid out first where it is not there, as
// [prepare.MNIST] does and tells progress.
func DataFolder(ctx context.Context, name string, progress func(done, total int64)) (string, error) {
	if name != MNIST {
		return name, nil
	}
	cache, err := CacheFolder()
	if err != nil {
		return "", err
	}
	return prepare.MNIST(ctx, cache, progress)
}

// CacheFolder is where what can be made again is kept: depthwise in the user's cache folder.
func CacheFolder() (string, error) {
	user, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("train: no cache folder: %w; set XDG_CACHE_HOME", err)
	}
	return filepath.Join(user, "depthwise"), nil
}
