package report

import "strings"

// maxTrivial is the number of classes up to which a top-5 accuracy says nothing: it is 1.
const maxTrivial = 5

// TrivialTop5 reports whether the class of every image is among the five most probable ones, because there are no more classes;
// false for 0, an unknown number.
func TrivialTop5(classes int) bool { return classes > 0 && classes <= maxTrivial }

// multiLabel reports whether an image may have several classes: there is a mean average precision, and no top-5 accuracy.
func (e Epoch) multiLabel() bool { return e.ValMAP > 0 || e.EMAValMAP > 0 || e.SWAValMAP > 0 }

// absent reports whether a field, by its name in JSON, was not computed. Such fields are left out of files: a 0 would be taken
// for a result.
func (e Epoch) absent(field string) bool {
	if e.multiLabel() && strings.HasSuffix(field, "_top5") || !e.multiLabel() && strings.HasSuffix(field, "_map") {
		return true
	}
	switch group, _, _ := strings.Cut(field, "_"); group {
	case "val":
		return e.ValImages == 0 && field != "val_images"
	case "ema":
		return e.ValImages == 0 || !e.Averaged
	case "swa":
		return e.SWAEpochs == 0
	}
	return false
}
