package train

import (
	"strings"
	"testing"

	"depthwise.dev/data"
)

// remoteContainer is a remote shard that is never read.
type remoteContainer struct{ data.RemoteContainer }

// TestUnverifiedRemoteImages: the reason that is given is theirs, not that of large data sets.
func TestUnverifiedRemoteImages(t *testing.T) {
	set := &data.Dataset{Root: "s3://bucket/photos", Classes: []string{"a"}, Samples: make([]data.Sample, 7)}
	for i := range set.Samples {
		set.Samples[i].Part.In = remoteContainer{}
	}
	var im images
	if _, err := im.verify(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	if len(im.notes) != 1 || !strings.Contains(im.notes[0], "its 7 images are not verified before training, because that would download all of them first:") {
		t.Errorf("notes %q", im.notes)
	}
}

// A data set that is too large to be verified before training is named.
func TestUnverifiedImagesAreNamed(t *testing.T) {
	for _, c := range []struct{ images, notes int }{{verifyUpTo + 1, 1}, {3, 0}} {
		set := &data.Dataset{Root: "photos/train", Classes: []string{"a"}}
		for range c.images {
			set.Samples = append(set.Samples, data.Sample{Path: "../data/testdata/geometry/40x40.jpg"})
		}
		var im images
		if _, err := im.verify(t.Context(), set); err != nil {
			t.Fatal(err)
		}
		if len(im.notes) != c.notes || c.notes == 1 && !strings.Contains(im.notes[0], "photos/train: its 10001 images are not verified") {
			t.Errorf("%d images: notes %q", c.images, im.notes)
		}
	}
}
