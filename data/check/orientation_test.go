package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/datatest"
	"depthwise.dev/internal/testset"
)

// oriented returns a data set of the files with the given EXIF orientations and of upright ones.
func oriented(t *testing.T, files ...string) *data.Dataset {
	t.Helper()
	d := &data.Dataset{Root: "../testdata", Classes: []string{"a", "b"}}
	for i, file := range files {
		d.Samples = append(d.Samples, data.Sample{Path: file, Class: i % 2})
	}
	return d
}

// turned writes a JPEG file with an EXIF orientation.
func turned(t *testing.T, orientation byte) string {
	t.Helper()
	file := testset.Contents(t, "../testdata/geometry/40x40.jpg")
	segment := "\xff\xe1\x00\x22Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string([]byte{orientation}) + "\x00\x00\x00\x00\x00\x00"
	path := filepath.Join(t.TempDir(), fmt.Sprintf("%d.jpg", orientation))
	if err := os.WriteFile(path, slices.Insert(file, 2, []byte(segment)...), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCountOrientations(t *testing.T) {
	jpeg := func(n byte) string { return turned(t, n) }
	dir := datatest.Folder(t, map[string]string{"empty.jpg": "", "text.png": "text"})
	bad := []string{filepath.Join(dir, "empty.jpg"), filepath.Join(dir, "text.png"), filepath.Join(dir, "gone.jpg")}
	for _, c := range []struct {
		name  string
		files []string
		want  int
	}{
		{"none", []string{jpeg(1), jpeg(1), "../testdata/geometry/40x40.jpg"}, 0},
		{"some", []string{jpeg(1), jpeg(6), jpeg(1), jpeg(3)}, 2},
		{"all", []string{jpeg(2), jpeg(3), jpeg(4), jpeg(5), jpeg(6), jpeg(7), jpeg(8)}, 7},
		{"JPEG, PNG and WebP", []string{"../testdata/exif/6.jpg", "../testdata/exif/6.png", "../testdata/exif/6.webp"}, 3},
		{"unreadable", append(bad, jpeg(8)), 1},
		{"no image", nil, 0},
	} {
		d := oriented(t, c.files...)
		got, err := CountOrientations(t.Context(), d, 2)
		if err != nil || got != (Orientations{Oriented: c.want, Checked: len(c.files), Images: len(c.files)}) {
			t.Errorf("%s: %+v, %v, want %d", c.name, got, err, c.want)
		}
		if _, verified, err := Verify(t.Context(), d, 2); err != nil || verified != got {
			t.Errorf("%s: Verify finds %+v, %v", c.name, verified, err)
		}
	}
}

// TestCountOrientationsOfASample: of a large data set the same images are read each time, from its whole length.
func TestCountOrientationsOfASample(t *testing.T) {
	d := photos(t, SampleAbove+1, false)
	d.Samples[0].Path, d.Samples[1].Path = "../testdata/exif/6.jpg", turned(t, 8)
	last := (sampleSize - 1) * d.Len() / sampleSize
	d.Samples[last].Path = turned(t, 3)
	got, err := CountOrientations(t.Context(), d, 2)
	if err != nil || got != (Orientations{Oriented: 2, Checked: sampleSize, Images: d.Len()}) {
		t.Errorf("%+v, %v", got, err)
	}
}

// remote is a container that must not be read.
type remote struct{ data.RemoteContainer }

func TestCountOrientationsDownloadsNothing(t *testing.T) {
	d := photos(t, 4, false)
	for i := range d.Samples {
		d.Samples[i].Part.In = remote{}
	}
	got, err := CountOrientations(t.Context(), d, 2)
	if err != nil || got != (Orientations{Images: 4}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestCountOrientationsEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := CountOrientations(ctx, photos(t, 40, false), 2); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}
