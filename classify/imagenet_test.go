package classify

import (
	"testing"

	"depthwise.dev/weights"
	"depthwise.dev/weights/imagenet"
)

// TestFolderNames: ImageNet's folders match weights with its names, and other names match as they are.
func TestFolderNames(t *testing.T) {
	for _, c := range []struct {
		name             string
		classes, folders []string
		index            int
		want             string
	}{
		{"identifiers", imagenet.Names(1000), []string{"n01440764", "n09193705"}, 970, "n09193705"},
		{"identifiers, with background", imagenet.Names(1001), []string{"n01440764"}, 1, "n01440764"},
		{"names", imagenet.Names(1000), []string{"tench", "alp"}, 970, "alp"},
		{"other classes", []string{"cat", "n01440764"}, []string{"n01440764"}, 0, "cat"},
	} {
		if got := folderNames(weights.Weights{Classes: c.classes}, c.folders)[c.index]; got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
