package train

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

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

// newerSettings are the settings that versions before the warm-up of averages lacked.
var newerSettings = regexp.MustCompile(`(?m)^(stop_after|patience|min_delta|monitor|plateau_\w+|ema_warmup|ema_steps|swa_\w+):.*\n`)

// TestResumeOlderSettings: a run of an earlier version continues without the warm-up of its average, and its --time stops the
// process as before.
func TestResumeOlderSettings(t *testing.T) {
	c := small(t, testset.Images(t, 6, 2))
	c.EMADecay, c.EMAWarmup = 0.8, config.WarmupNone
	want := hostFile(t, fit(t, c))
	c.Out = filepath.Join(t.TempDir(), "run")
	stop(t, c, atStep(4))
	path := filepath.Join(c.Out, weights.CheckpointFolder, "step-00000004.safetensors")
	f, err := checkpoints.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	f.Meta[metaConfig] = newerSettings.ReplaceAllString(f.Meta[metaConfig], "")
	settings := newerSettings.ReplaceAllString(string(testset.Contents(t, filepath.Join(c.Out, configFile))), "")
	settings = strings.Replace(settings, "\ntime: 0s\n", "\ntime: 1h0m0s\n", 1)
	if err := errors.Join(checkpoints.Write(path, f), os.WriteFile(filepath.Join(c.Out, configFile), []byte(settings), 0o644)); err != nil {
		t.Fatal(err)
	}
	again := resumed(t, c.Out, 0)
	if again.Time != time.Hour || again.EMAWarmup != config.WarmupTimm {
		t.Fatalf("time %v, warm-up %s: this tests nothing", again.Time, again.EMAWarmup)
	}
	again.EMAWarmup = config.WarmupTorchvision
	if _, err := Fit(t.Context(), again, ignore); !errors.Is(err, ErrOtherRun) || !strings.Contains(err.Error(), "--ema-warmup was none and is torchvision") {
		t.Errorf("another warm-up: %v", err)
	}
	again = resumed(t, c.Out, 0)
	again.Time = 1
	if result := fit(t, again); result.Step != 4 || result.Finished {
		t.Errorf("after no time: %+v", result)
	}
	if got := hostFile(t, fit(t, resumed(t, c.Out, 0))); !reflect.DeepEqual(got.Arrays, want.Arrays) {
		t.Error("ends with other arrays")
	}
}

// TestResumeOlderEXIF: a run of an earlier version that applied the EXIF orientation continues to apply it.
func TestResumeOlderEXIF(t *testing.T) {
	c := small(t, testset.Images(t, 6, 2))
	c.EXIF = config.EXIFOn
	stop(t, c, atStep(4))
	path := filepath.Join(c.Out, weights.CheckpointFolder, "step-00000004.safetensors")
	f, err := checkpoints.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	f.Meta[metaConfig] = newerSettings.ReplaceAllString(f.Meta[metaConfig], "")
	settings := newerSettings.ReplaceAllString(string(testset.Contents(t, filepath.Join(c.Out, configFile))), "")
	if err := errors.Join(checkpoints.Write(path, f), os.WriteFile(filepath.Join(c.Out, configFile), []byte(settings), 0o644)); err != nil {
		t.Fatal(err)
	}
	r := fit(t, resumed(t, c.Out, 0))
	if text := hostFile(t, r).Meta[metaConfig]; !r.Finished || !strings.Contains(text, "\nexif: true\n") {
		t.Errorf("%+v, settings:\n%s", r, text)
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
