package train

import (
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/config"
	"depthwise.dev/internal/testset"
	"depthwise.dev/weights"
)

// TestResumeOlderCheckpoints: a checkpoint whose metadata lack what was added since, the
// architecture of the network, the crop fraction of the images and a setting, is continued to the
// same arrays.
func TestResumeOlderCheckpoints(t *testing.T) {
	c := small(t, testset.Images(t, 6, 2))
	want := hostFile(t, fit(t, c))
	c.Out = filepath.Join(t.TempDir(), "run")
	stop(t, c, atStep(4))
	path := filepath.Join(c.Out, weights.CheckpointFolder, "step-00000004.safetensors")
	f, err := checkpoints.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, older := range []struct{ key, pattern string }{
		{"model", `"arch":"mobilenet_v1",`},
		{"preprocess", `,"interpolation":"bilinear","crop_fraction":[0-9.]+`},
		{metaConfig, `exif: false\n`},
	} {
		text := regexp.MustCompile(older.pattern).ReplaceAllString(f.Meta[older.key], "")
		if text == f.Meta[older.key] {
			t.Fatalf("metadata %q is %s, which lacks %s", older.key, text, older.pattern)
		}
		f.Meta[older.key] = text
	}
	if err := checkpoints.Write(path, f); err != nil {
		t.Fatal(err)
	}
	c.Resume, c.EXIF = "auto", config.EXIFOn
	if _, err := Fit(t.Context(), c, ignore); err == nil || !strings.Contains(err.Error(), "--exif was false and is true") {
		t.Errorf("the newer setting changed: %v", err)
	}
	c.EXIF = config.EXIFAuto // that of the checkpoint
	if got := hostFile(t, fit(t, c)); !reflect.DeepEqual(got.Arrays, want.Arrays) || !reflect.DeepEqual(got.Meta, want.Meta) {
		t.Errorf("ends with other arrays or metadata:\n%v\nwant\n%v", got.Meta, want.Meta)
	}
}

// hostFile reads the last checkpoint of a run.
func hostFile(t *testing.T, r Result) checkpoints.File {
	t.Helper()
	f, err := checkpoints.Read(checkpoints.Store{Dir: filepath.Join(r.Dir, weights.CheckpointFolder)}.Path(r.Step))
	if err != nil {
		t.Fatal(err)
	}
	return f
}
