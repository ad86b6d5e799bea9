package datasets

import (
	"context"
	"encoding/json"
	"fmt"

	"depthwise.dev/data"
)

// Identify records the data set that the split was made on: train and val together.
func (s *Split) Identify(ctx context.Context, train, val *data.Dataset) error {
	all := train.Like(append(append([]data.Sample{}, train.Samples...), val.Samples...))
	var err error
	s.Set, err = Identify(ctx, all)
	return err
}

// ParseSplit reads a split from its JSON.
func ParseSplit(text string) (*Split, error) {
	s := new(Split)
	if err := json.Unmarshal([]byte(text), s); err != nil {
		return nil, fmt.Errorf("data: the recorded split: %w", err)
	}
	if !(s.Fraction > 0 && s.Fraction < 1) || len(s.Set.Names)%nameSize != 0 {
		return nil, fmt.Errorf("data: the recorded split is damaged: fraction %v, %d bytes of names", s.Fraction, len(s.Set.Names))
	}
	return s, nil
}

// HeldOut returns the images of a data set on which a network that was trained with the split may be
// measured, and says in a sentence which they are:
//
//   - If all was the data set of the split, with or without changes since, or a part of it: the
//     images that the split holds out. Images that were added count by their hash as well, so that no
//     image that was trained on is ever among them and networks trained before and after are measured
//     on the same images.
//   - If it is another data set: all of it. It is another one if no name is shared, or if the
//     images of the same names are other images.
func (s *Split) HeldOut(ctx context.Context, all *data.Dataset) (val *data.Dataset, which string, err error) {
	found, err := s.Set.compare(ctx, all)
	if err != nil {
		return nil, "", err
	}
	switch {
	case found.names == 0:
		return all, fmt.Sprintf("all %d images: none has the name of an image that training divided into train and val (--val-split %v); copies under other names are not recognized", all.Len(), s.Fraction), nil
	case found.otherImages():
		return all, fmt.Sprintf("all %d images: %d have the names of images that training divided into train and val (--val-split %v), but they are other images", all.Len(), found.names, s.Fraction), nil
	}
	_, val = s.divide(all)
	which = fmt.Sprintf("%d of %d images: those that training held out (--val-split %v)", val.Len(), all.Len(), s.Fraction)
	if !found.all {
		which = fmt.Sprintf("%d of %d images: those that training held out (--val-split %v), and new ones by the same rule; the data set had %d images then", val.Len(), all.Len(), s.Fraction, s.Set.Images)
	}
	if val.Len() == 0 {
		return nil, "", fmt.Errorf("data: %s: its %d images belong to the data set that the weights were trained on, and none was held out from training (--val-split %v): nothing is left to measure; give the whole data set, or images that were not trained on as DIR/val/CLASS",
			all.Root, all.Len(), s.Fraction)
	}
	return val, which, nil
}
