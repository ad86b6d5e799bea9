package check

import (
	"context"
	"fmt"
	"strings"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/names"
	"depthwise.dev/data/internal/sys"
)

// Classes returns an error that names the classes of a training set with images of which none can be
// read: a network would have an output for them and never learn it. It reads the images of each class up
// to the first readable one, so its cost grows with the number of classes and not with that of the images:
// the header and end of a JPEG, the pixels of other formats. Remote data sets are not checked, since any
// image may be in a shard of its own. It returns ctx's error or a [data.StorageError].
func Classes(ctx context.Context, ds *data.Dataset, workers int) error {
	if ds.Remote() {
		return nil
	}
	byClass := make([][]int32, len(ds.Classes))
	for i, s := range ds.Samples {
		for class := range ds.ClassesOf(s) {
			byClass[class] = append(byClass[class], int32(i))
		}
	}
	unreadable := make([]string, len(ds.Classes)) // the class's first problem; "": readable
	err := parallel(ctx, workers, len(ds.Classes), func(r *data.ImageReader, work *canvas, class int) error {
		for n, i := range byClass[class] {
			err := work.readable(ctx, r, ds.Samples[i])
			if sys.IsSystemError(err) {
				return err
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err == nil {
				unreadable[class] = ""
				return nil
			}
			if n == 0 {
				unreadable[class] = data.Problem{Path: ds.Samples[i].Path, Reason: sys.Reason(err)}.String()
			}
		}
		return nil
	}, func(*canvas) {})
	if err != nil {
		return err
	}
	return unreadableClasses(ds, unreadable)
}

// readable reads an image as far as its format needs to tell whether it can be read. libjpeg decodes a JPEG
// whatever its pixel data are.
func (w *canvas) readable(ctx context.Context, r *data.ImageReader, s data.Sample) error {
	if err := r.Check(ctx, s); err != nil || r.Format() == data.FormatJPEG {
		return err
	}
	return w.load(ctx, r, s)
}

// unreadableClasses returns the error of Classes.
func unreadableClasses(ds *data.Dataset, problems []string) error {
	const most = 5
	var classes, examples []string
	for class, problem := range problems {
		if problem != "" {
			classes, examples = append(classes, ds.Classes[class]), append(examples, problem)
		}
	}
	if classes == nil {
		return nil
	}
	return fmt.Errorf("data: %s: %d of %d classes have no readable training image: %s (%s); repair or replace their images, correct the permissions, or remove the classes",
		names.Show(ds.Root), len(classes), len(ds.Classes), names.Quote(classes), strings.Join(examples[:min(most, len(examples))], "; "))
}
