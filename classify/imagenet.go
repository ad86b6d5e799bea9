package classify

import (
	"slices"

	"depthwise.dev/weights"
	"depthwise.dev/weights/imagenet"
)

// folderNames returns the names that the folders of images of the weights' classes have: those of the classes, or of
// weights for ImageNet the identifiers (n01440764) if the folders are named so, as they are in ImageNet's archives.
func folderNames(w weights.Weights, folders []string) []string {
	if !imagenet.IsNames(w.Classes) {
		return w.Classes
	}
	synsets := imagenet.Synsets(len(w.Classes))
	isSynset := func(folder string) bool { return slices.Contains(synsets, folder) }
	if slices.ContainsFunc(folders, isSynset) {
		return synsets
	}
	return w.Classes
}
