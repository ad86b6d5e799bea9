package classify

import (
	"context"
	"fmt"

	"depthwise.dev/data"
	"depthwise.dev/data/datasets"
	"depthwise.dev/internal/datasource"
	"depthwise.dev/internal/redact"
	"depthwise.dev/weights"
)

// validationImages opens the val part, or the folder or shards of one split. Where the weights were
// trained with a validation split, it returns those of the images that may be measured, and says
// which they are.
func validationImages(ctx context.Context, w weights.Weights, c EvalConfig) (images *data.Dataset, which string, err error) {
	source, err := datasource.New(ctx, c.Data, c.Remote)
	if err != nil {
		return nil, "", err
	}
	fraction, seed, err := w.ValSplit()
	if err != nil {
		return nil, "", err
	}
	source.ValSplit = fraction
	source.Images, source.LabelDelimiter, source.MultiLabel = c.Images, c.LabelDelimiter, w.MultiLabel()
	images, own, err := source.OpenVal(ctx)
	if err != nil || fraction == 0 {
		return images, "", redact.Error(err)
	}
	text, ok := w.Meta[weights.MetaSplit]
	if !ok {
		return olderSplit(w, images, own, fraction, seed)
	}
	split, err := datasets.ParseSplit(text)
	if err != nil {
		return nil, "", fmt.Errorf("classify: %s: %w", c.Weights, err)
	}
	held, which, err := split.HeldOut(ctx, images)
	if held == images && !own { // another data set: its test part, if it has one
		source.ValSplit = 0
		if test, own, err := source.OpenVal(ctx); err == nil && own {
			return split.HeldOut(ctx, test)
		}
	}
	return held, which, err
}

// olderSplit divides images as versions did that recorded no split. Their checkpoints record a digest
// of the images, by which a change is found; their best.safetensors does not.
func olderSplit(w weights.Weights, all *data.Dataset, own bool, fraction float64, seed uint64) (*data.Dataset, string, error) {
	if own {
		return all, "", nil
	}
	train, val := datasets.SplitByOrder(all, fraction, seed)
	if val.Len() == 0 {
		return nil, "", fmt.Errorf("classify: %s: no class has a second image, so none was held out from training (--val-split %v); give the images to measure as DIR/val/CLASS", all.Root, fraction)
	}
	which := fmt.Sprintf("%d of %d images: those that training held out (--val-split %v)", val.Len(), all.Len(), fraction)
	switch digest, ok := w.Meta[weights.MetaData]; {
	case !ok:
		which += ", if the data set is the one of the training and no image was added or removed since: these weights are of an earlier version, which did not record it; a checkpoint of the run does"
	case digest != data.Digest(train, val):
		return nil, "", fmt.Errorf("classify: %s: not the data set of the training, or images were added or removed since: these weights are of an earlier version, which did not record which images it trained on (--val-split %v); give the images to measure as DIR/val/CLASS, and DIR as the data set",
			all.Root, fraction)
	}
	return val, which, nil
}
