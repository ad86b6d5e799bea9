package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/models/mobilenet"
	"depthwise.dev/optim"
)

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestYAMLRoundTrip: a run's config.yaml repeats the run, and holds every setting except its
// folder.
func TestYAMLRoundTrip(t *testing.T) {
	c := Default()
	c.Data, c.Recipe = "photos", "paper"
	c.Model.Variant, c.Model.Width, c.Model.Resolution, c.Model.Classes = "article", 0.75, 160, 12
	c.Model.Activation, c.Model.Padding, c.Model.ConvBias, c.Model.BNEps, c.Model.Dropout = "relu6", "same", true, 1e-3, 0.25
	c.ValSplit, c.Epochs, c.MaxSteps, c.Time = 0.1, 7, 100, 90e9
	c.BatchSize, c.Accumulate, c.Optimizer, c.LR, c.Momentum = 8, 2, "rmsprop_tf", 0.3, 0.8
	c.WeightDecay, c.NoDecay, c.Schedule, c.StepEpochs, c.Gamma = 1e-3, []string{"bias"}, "step", 3, 0.5
	c.WarmupEpochs, c.LabelSmoothing, c.ClipGradNorm = 0.5, 0.2, 1
	c.Augment, c.CropScale, c.CropRatio, c.Flip, c.Fit = "none", [2]float64{0.35, 0.9}, [2]float64{0.5, 2}, 0.1, "pad"
	c.ColorJitter, c.RandomErase, c.MixUp, c.CutMix = [4]float64{0.4, 0.3, 0.2, 0.1}, 0.25, 0.2, 1
	c.Precision, c.Device, c.Threads, c.Workers, c.Seed = "bf16", "cuda:1", 2, 0, 1<<63+1
	c.SyncBN, c.GradientCompression = true, "bf16"
	c.CheckpointEvery, c.Keep, c.Progress = "500steps", 9, "json"
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Load(writeFile(t, string(text)))
	if err != nil {
		t.Fatal(err)
	}
	got.origin, got.given = nil, nil
	if !reflect.DeepEqual(got, c) {
		t.Errorf("got  %+v\nwant %+v", got, c)
	}

	latin1 := c
	latin1.Data = "caf\xe9/" + strings.Repeat("\xe4", 100)
	if text, err := latin1.YAML(); err != nil {
		t.Error(err)
	} else if got, err := Load(writeFile(t, string(text))); err != nil || got.Data != latin1.Data {
		t.Errorf("data %q, %v, want %q", got.Data, err, latin1.Data)
	}

	c.Out, c.Resume = "runs/photos-1", "auto"
	again, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if string(again) != string(text) {
		t.Errorf("the file depends on out and resume:\n%s", again)
	}
}

// TestWrongFiles: errors of a file name file, line, setting and what is meant, without internals of
// strconv and yaml.
func TestWrongFiles(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"unknown keys, all of them", "batchsize: 3\nlr: 1\nbackground: red\n",
			"FILE:1: batchsize: no such setting; did you mean batch_size?; FILE:3: background: no such setting"},
		{"whole number", "lr: 1\nepochs: many\n", `FILE:2: epochs "many": must be a whole number`},
		{"whole number with a fraction", "epochs: 1.5\n", `FILE:1: epochs "1.5": must be a whole number`},
		{"seed", "seed: -1\n", `FILE:1: seed "-1": must be a whole number, at least 0`},
		{"number", "width: half\n", `FILE:1: width "half": must be a number`},
		{"decimal comma", "lr: 0,045\n", `FILE:1: lr "0,045": must be a number; write 0.045 with a decimal point`},
		{"bool", "exif: maybe\n", `FILE:1: exif "maybe": must be auto, true or false`},
		{"duration", "time: 2 hours\n", `FILE:1: time "2 hours": must be a duration such as 90s, 10m or 2h`},
		{"list of names", "no_decay: {norm: 1}\n", `FILE:1: no_decay {norm: 1}: must be a list such as [norm, bias]`},
		{"list of numbers", "crop_scale: [1]\n", `FILE:1: crop_scale [1]: must be a list of 2 numbers, such as [0.5, 0.5]`},
		{"text", "optimizer: [sgd]\n", `FILE:1: optimizer [sgd]: must be text`},
		{"several", "lr: fast\nepochs: many\n", `FILE:1: lr "fast": must be a number; FILE:2: epochs "many": must be a whole number`},
		{"repeated key", "lr: 1\nseed: 2\nlr: 2\n", "FILE:3: lr: set twice, first in line 1"},
		{"too large a number", "epochs: 99999999999999999999\n", `FILE:1: epochs "99999999999999999999": must be a whole number and at most 9223372036854775807`},
		{"too large a seed", "seed: 0x1_0000_0000_0000_0000\n", `FILE:1: seed "0x1_0000_0000_0000_0000": must be a whole number, at least 0 and at most 18446744073709551615`},
		{"several documents", "lr: 1\n---\nlr: 2\n", `FILE:3: a second YAML document begins here: a configuration is one document; remove the line "---" before it`},
		{"several documents, the first empty", "---\n---\nlr: 1\n---\nseed: 2\n", "FILE:5: a second YAML document begins here: a configuration is one document; remove the line \"---\" before it"},
		{"a second document that is not YAML", "lr: 1\n---\nlr: [1\n", "FILE:2: not valid YAML: did not find expected ',' or ']'"},
		{"a long value", "epochs: " + strings.Repeat("x", 1000) + "\n", `FILE:1: epochs "` + strings.Repeat("x", 60) + `...": must be a whole number`},
		{"a long key", strings.Repeat("x", 100) + ": 1\n", "FILE:1: " + strings.Repeat("x", 60) + "...: no such setting"},
		{"not a mapping", "- lr\n", "FILE:1: a configuration is a list of `setting: value`"},
		{"not YAML", "lr: [1\n", "FILE:1: not valid YAML: did not find expected ',' or ']'"},
		{"variant", "lr: 1\nvariant: papier\n", `FILE:2: variant "papier": did you mean paper? allowed: paper, article, keras, timm, hf`},
		{"architecture", "arch: mobilenet_v7\n", `FILE:1: arch "mobilenet_v7": did you mean mobilenet_v1? allowed: mobilenet_v1, mobilenet_v2`},
		{"network of a program", "arch: custom\n", `FILE:1: arch "custom": this run trained a network that its program built; only that program can repeat it, with train.Trainer`},
		{"variant of another architecture", "arch: mobilenet_v2\nvariant: paper\n", `FILE:2: variant "paper": allowed: torchvision, timm, keras, hf`},
		{"recipe", "recipe: slim\n", `FILE:1: recipe "slim": allowed: finetune, imagenet, mnist, modern, paper, quick, scratch-small, torchvision`},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := writeFile(t, c.file)
			_, err := Load(path)
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Fatalf("error %v (%T), want an *Error", err, err)
			}
			if want := strings.ReplaceAll(c.want, "FILE", path); err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

// TestInvalidValuesOfAFile: what Validate finds in a value of a file has file and line; what was
// changed since has not.
func TestInvalidValuesOfAFile(t *testing.T) {
	path := writeFile(t, "# settings\nlr: -1\nbatch_size: 0\nwidth: 64\noptimizer: sdg\ncrop_scale: [1, 0.5]\n")
	c, err := Sources{File: path, Optimizer: "adamww"}.Config()
	if err != nil {
		t.Fatal(err)
	}
	c.Data, c.BatchSize, c.Keep = "photos", -2, 0
	want := strings.ReplaceAll(`FILE:4: width 64: must be above 0 and at most 16; batch_size -2: must be at least 1; `+
		`optimizer "adamww": did you mean adamw? allowed: `+strings.Join(optim.OptimizerNames(optim.Optimizers), ", ")+`; `+
		`FILE:6: crop_scale 1,0.5: must be two fractions of the area, 0 < min <= max <= 1, such as 0.35,1; keep 0: must be at least 1`, "FILE", path)
	if err := c.Validate(); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	c, err = Load(writeFile(t, "lr: -1\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"ValidateBatch": func() error { c.BatchSize = 0; return c.ValidateBatch(1, "") }(),
		"Network": func() error { c.Model.Width = -1; _, err := c.Network(); return err }()} {
		if err == nil || strings.Contains(err.Error(), ".yaml") {
			t.Errorf("%s: %v; the fields are not those of the file", name, err)
		}
	}
}

// TestOneDocument: markers and empty documents around the settings are allowed, aliases are values.
func TestOneDocument(t *testing.T) {
	for _, text := range []string{"---\nlr: 2\n", "lr: 2\n...\n", "---\n---\nlr: 2\n---\n", "lr: &x 2\nweight_decay: *x\n",
		"\xff\xfel\x00r\x00:\x00 \x002\x00\n\x00"} {
		if c, err := Load(writeFile(t, text)); err != nil || c.LR != 2 {
			t.Errorf("%q: lr %v, %v", text, c.LR, err)
		}
	}
	if c, err := Load(writeFile(t, "out: &x photos\ndata: *x\n")); err != nil || c.Data != "photos" {
		t.Errorf("an alias: data %q, %v", c.Data, err)
	}
}

// TestHostileFiles: errors stay short and come at once, whatever the file is.
func TestHostileFiles(t *testing.T) {
	folder := t.TempDir()
	run := t.TempDir()
	if err := os.WriteFile(filepath.Join(run, "config.yaml"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	bomb := []string{"&a [x, x, x, x, x, x, x, x, x]"}
	for c := 'b'; c < 'k'; c++ { // each list holds the one before nine times
		bomb = append(bomb, fmt.Sprintf("&%c [%s*%c]", c, strings.Repeat(fmt.Sprintf("*%c, ", c-1), 8), c-1))
	}
	var manyKeys strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&manyKeys, "abc%d: 1\n", i)
	}
	for _, c := range []struct{ name, path, want string }{
		{"a folder", folder, folder + " is a folder: name a file in it"},
		{"the folder of a run", run, "is a folder: name the file " + filepath.Join(run, "config.yaml")},
		{"a device without end", "/dev/zero", "/dev/zero is larger than 256 kB"},
		{"binary data", writeFile(t, "lr: 1\n\x00"), "holds binary data"},
		{"thousands of unknown keys", writeFile(t, manyKeys.String()), "no such setting"},
		{"an alias bomb", writeFile(t, "a: "+strings.Join(bomb, "\nb: ")+"\n"), "no such setting"},
		{"an alias bomb as a value", writeFile(t, "no_decay: ["+strings.Join(bomb, ", ")+"]\n"), "must be a list such as [norm, bias]"},
		{"deep nesting", writeFile(t, "no_decay: "+strings.Repeat("[", 100_000)), "exceeded max depth"},
		{"an alias of itself", writeFile(t, "no_decay: &a [*a]\n"), "must be a list such as [norm, bias]"},
	} {
		_, err := Load(c.path)
		if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 8_000 {
			t.Errorf("%s: %d characters: %.300v; want %q", c.name, len(fmt.Sprint(err)), err, c.want)
		}
	}
}

func TestLoadWithoutFile(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "no.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want os.ErrNotExist", err)
	}
}

// TestSettings holds the keys that files may use and Config's fields together.
func TestSettings(t *testing.T) {
	known := settingTypes()
	var want []string
	for _, typ := range []reflect.Type{reflect.TypeFor[Config](), reflect.TypeFor[mobilenet.Config]()} {
		for i := range typ.NumField() {
			tag, _, _ := strings.Cut(typ.Field(i).Tag.Get("yaml"), ",")
			if tag != "" && tag != "-" {
				want = append(want, tag)
			}
		}
	}
	slices.Sort(want)
	if got := sortedKeys(known); !slices.Equal(got, want) {
		t.Errorf("settings %v\nwant %v", got, want)
	}
}

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{"", "lr: 1", "data: mnist\nvariant: article\n", "crop_scale: [0.1, 1]", "a: &a [*a]", "<<: {lr: 2}", "time: 2h"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		c, err := Sources{}.merge(file)
		if err != nil {
			return
		}
		text, err := c.YAML()
		if err != nil {
			t.Fatalf("a configuration that was read cannot be written: %v", err)
		}
		if _, err := (Sources{}).merge(text); err != nil {
			t.Fatalf("a configuration that was written cannot be read: %v\n%s", err, text)
		}
	})
}

// TestAuto: what a flag accepts, a file accepts.
func TestAuto(t *testing.T) {
	c, err := Load(writeFile(t, "data: x\nworkers: auto\nwarmup_epochs: auto\n"))
	if err != nil || c.Workers != -1 || c.WarmupEpochs != -1 {
		t.Errorf("workers %d, warmup %v, error %v", c.Workers, c.WarmupEpochs, err)
	}
	if _, err := Load(writeFile(t, "data: x\nseed: auto\n")); err == nil {
		t.Error("no error for a seed of auto")
	}
}
