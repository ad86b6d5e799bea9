package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/optim"
)

// execute runs a command line in this process.
func execute(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return lines[len(lines)-1]
}

// TestWrongUsage: exit code 2, nothing on standard output, and a last line on
// standard error that suggests what was meant.
func TestWrongUsage(t *testing.T) {
	for _, c := range []struct {
		name, args string
		want       string // in the last line
	}{
		{"no data", "", "--data"},
		{"mistyped flag", "--batchsize 3", "did you mean --batch-size?"},
		{"mistyped flag with underscore", "--batch_size=3", "did you mean --batch-size?"},
		{"unlike any flag", "--color red", "unknown flag --color"},
		{"unknown letter", "-x", "-x"},
		{"page of a test without a run", "lr-find --data x --serve 127.0.0.1:0", "unknown flag --serve"},
		{"mistyped flag of a command", "eval --weight x", "did you mean --weights?"},
		{"name of PyTorch scripts", "--learning-rate 0.1", "unknown flag --learning-rate: did you mean --lr?"},
		{"name with underscores", "--learning_rate 0.1", "did you mean --lr?"},
		{"name of Ultralytics", "--imgsz 320", "did you mean --resolution?"},
		{"batch of Ultralytics", "--batch 3", "did you mean --batch-size?"},
		{"name of timm", "--img-size 320", "did you mean --resolution?"},
		{"name of a model", "--model mobilenet", "did you mean --arch?"},
		{"model of weights", "eval --model x", "did you mean --weights?"},
		{"classes of timm", "--num-classes 10", "did you mean --classes?"},
		{"pretrained weights", "--pretrained", "use --init imagenet"},
		{"weights to start from", "--data x --weights y", "did you mean --init?"},
		{"frozen layers", "--data x --freeze most", "--freeze \"most\": must be none, bn, backbone, blocks:N"},
		{"too many frozen blocks", "--data x --freeze blocks:0", "--freeze"},
		{"layer decay", "--data x --layer-decay 2", "--layer-decay 2: must be above 0 and at most 1"},
		{"unfreeze without freeze", "--data x --unfreeze-after 3", "needs --freeze"},
		{"pretrained weights to evaluate", "eval --pretrained", "did you mean --weights?"},
		{"weight decay of timm", "--wd 0.1", "did you mean --weight-decay?"},
		{"GPU", "--gpu 0", "use --device cuda"},
		{"GPU of a command that uses none", "export --gpu 0", "unknown flag --gpu (see"},
		{"workers of PyTorch", "--num-workers 4", "did you mean --workers?"},
		{"name of a run", "--name a", "did you mean --out?"},
		{"mixed precision", "--amp", "use --precision bf16"},
		{"short flag", "-b 32", "unknown flag -b: did you mean --batch-size?"},
		{"short flag for the version", "-V", "did you mean --version?"},
		{"one hyphen", "-lr 0.1", "unknown flag -lr: did you mean --lr?"},
		{"flag with a single letter", "--b 32", "unknown flag --b (see"},
		{"decimal comma", "--data x --lr 0,1", "--lr 0,1: did you mean 0.1? Decimals are written with a point"},
		{"decimal comma in a number or auto", "--data x --warmup-epochs 2,5", "did you mean 2.5?"},
		{"comma in a whole number", "--data x --epochs 1,5", "--epochs 1,5: must be a whole number"},
		{"text for a number", "summary --width half", "--width half: must be a number such as 0.5"},
		{"negative seed", "--data x --seed -1", "--seed -1: must be a whole number of at least 0"},
		{"too large a number", "--data x --epochs 99999999999999999999", "--epochs 99999999999999999999: is out of range"},
		{"too large a fraction", "--data x --lr 1e999", "--lr 1e999: is out of range"},
		{"infinite", "--data x --lr inf", "--lr +Inf: must be above 0 and finite"},
		{"crop backwards", "--data x --crop-scale 1,0.5", "--crop-scale 1,0.5: must be two fractions"},
		{"color jitter beyond the limits", "--data x --color-jitter 1,1,1,0.6", "--color-jitter 1,1,1,0.6: must be"},
		{"resolution beyond any network, once", "--data x --resolution 100000", "error: --resolution 100000: must be 1 to 8192 pixels (see"},
		{"resolution beyond images", "--data x --resolution 5000", "error: --resolution 5000: must be 1 to 4096 pixels for images (see"},
		{"empty number", "--data x --lr=", "--lr \"\": must be a number"},
		{"learning-rate range backwards", "lr-find --data x --from 2 --to 1", "--to 1: must be above --from 2"},
		{"negative learning rate of a range test", "lr-find --data x --from -1", "--from -1: must be above 0"},
		{"too few steps of a range test", "lr-find --data x --steps 3", "--steps 3: must be 20 to 10000"},
		{"range test without data", "lr-find", "no dataset given"},
		{"chart of another format", "lr-find --data x --plot a.pdf", "use .png or .svg"},
		{"curve of another format", "lr-find --data x --output a.txt", "use .json or .csv"},
		{"folder of a range test", "lr-find --data x --out y", "unknown flag --out"},
		{"text for a switch", "--data x --exif=perhaps", "--exif perhaps: must be auto, true or false"},
		{"device of other tools", "--data x --device gpu", "--device \"gpu\": did you mean cuda?"},
		{"optimizer of other tools", "--data x --optimizer adam", "did you mean adamw?"},
		{"precision of other tools", "--data x --precision float32", "did you mean fp32?"},
		{"backends that contradict", "--data x --backend torch --kernels fused", "--kernels fused: contradicts --backend torch"},
		{"mistyped backend", "--data x --backend fusd", "did you mean fused?"},
		{"no value of a choice", "--backend", "--backend needs a value: auto, cuda, fused, torch"},
		{"unknown help topic", "help trian", "unknown help topic \"trian\": did you mean train?"},
		{"mistyped help topic", "help evla", "did you mean eval?"},
		{"mistyped help topic of a command", "help bench stp", "unknown help topic \"bench stp\": did you mean step?"},
		{"help topic below a command", "help eval now", "train eval has no subcommands"},
		{"help of a mistyped command", "evla --help", "did you mean eval?"},
		{"help of a mistyped command of a command", "bench stp --help", "did you mean step?"},
		{"completion of no shell", "completion", "bash, zsh, fish, powershell"},
		{"completion of a mistyped shell", "completion bsh", "did you mean bash?"},
		{"manual pages to nowhere", "docs man", "one folder"},
		{"mistyped value", "--data x --optimizer sdg", "--optimizer sdg: did you mean sgd? allowed: " + strings.Join(optim.OptimizerNames(optim.Optimizers), ", ")},
		{"unknown value", "--data x --precision fp8", "allowed: auto, fp32, bf16"},
		{"mistyped variant", "summary --variant papre", "did you mean paper? allowed: paper, article, keras, timm, hf"},
		{"variant of another architecture", "summary --arch mobilenet_v2 --variant paper", `--variant "paper": allowed: torchvision, timm, keras, hf`},
		{"mistyped architecture", "summary --arch mobilenet_v22", "did you mean mobilenet_v2? allowed: mobilenet_v1, mobilenet_v2"},
		{"mistyped recipe", "--data x --recipe torchvison", "did you mean torchvision? allowed: finetune, imagenet"},
		{"mistyped recipe to show", "recipes finetun", "did you mean finetune? allowed: finetune, imagenet"},
		{"two recipes to show", "recipes paper modern", "one name"},
		{"value of an optional flag as a word", "--data x --exif auto", "write --exif=auto"},
		{"no number", "--data x --epochs many", "--epochs many: must be a whole number"},
		{"no duration", "--data x --time long", "--time long: must be a duration such as 90s, 10m or 2h"},
		{"no value", "--lr", "--lr needs a value"},
		{"several wrong values", "--data x --epochs 0 --batch-size 0 --width 64 --checkpoint-every 500", "--width 64: must be above 0 and at most 16; --epochs 0: must be at least 1; --batch-size 0: must be at least 1; --checkpoint-every"},
		{"device", "--data x --device cdua", "--device"},
		{"flip without augmentation", "--data x --augment none --flip 0.5", "--flip has no effect with --augment none"},
		{"decay of another schedule", "--data x --gamma 0.5", "--gamma has no effect with --schedule cosine: omit it, or use --schedule step, exp or plateau"},
		{"intervals of another schedule", "--data x --schedule onecycle --step-epochs 3", "--step-epochs has no effect with --schedule onecycle"},
		{"too much of augmentation", "--data x --random-erase 25 --mixup -1 --cutmix 1e9 --color-jitter 0.4,0.4,0.4,0.9",
			"0.4,0.4,0.4,0.1; --random-erase 25: must be a probability from 0 to 1; --mixup -1: must be the Beta distribution's parameter, from 0 (off) to 100, such as 0.2; --cutmix 1e+09"},
		{"mistyped augmentation", "--data x --augment randagu", "did you mean randaug? allowed: none, basic, randaug, trivial"},
		{"mistyped fit", "--data x --fit leterbox", "did you mean letterbox? allowed: crop, letterbox, pad"},
		{"mistyped command", "evla", "did you mean eval?"},
		{"unknown command", "fly", "allowed: bench, bundle, check, completion, data, embed, eval, export, lr-find, predict, recipes, report, resume, runs, serve, similar, summary, version"},
		{"mistyped command of a command", "bench stp", "did you mean step?"},
		{"command without its command", "bench", "allreduce, infer, loader, scaling, step"},
		{"argument of a command that has none", "summary now", "no arguments"},
		{"eval of nothing", "eval", "train eval needs: --weights --data"},
		{"predict of nothing", "predict --weights w", "needs images"},
		{"predict of both", "predict --weights w --input a.npy --output b.npy c.jpg", "not both"},
		{"predict without output", "predict --weights w --input a.npy", "go together"},
		{"no classes to print", "predict --weights w --top 0 a.jpg", "--top 0: must be at least 1"},
		{"export to nowhere", "export --weights w", "--output"},
		{"export to an unknown format", "export --weights w --format npy --output o", "did you mean npz?"},
		{"imagenet from nowhere", "data imagenet src", "two folders"},
		{"shards of nothing", "data shard src", "two folders"},
		{"settings of standard input", "--config -", "for standard input use --config /dev/stdin"},
		{"batch of standard input", "predict --weights w --input - --output o.npy", "for standard input use --input /dev/stdin"},
		{"epochs beyond counting", "--data x --epochs 9223372036854775807", "--epochs 9223372036854775807: must be at most 2147483647"},
		{"batches of a step beyond counting", "--data x --accumulate 9223372036854775807", "--accumulate 9223372036854775807: must be at most 2147483647"},
		{"threads beyond any machine", "--data x --threads 100000", "--threads 100000: must be 1 to 1024"},
		{"workers beyond any machine", "--data x --workers 100000000", "--workers 100000000: must be 0 to 1024, or auto"},
		{"workers of shards beyond any machine", "data shard x y --workers 100000000", "--workers 0 to 1024"},
		{"workers of a check beyond any machine", "data check x --workers 100000000", "--workers 100000000: must be 0 to 1024"},
		{"steps beyond counting", "bench step --steps 9223372036854775807", "--steps must be 1 to 2147483647"},
		{"warmup beyond counting", "bench loader --data x --warmup-steps 9223372036854775807", "--warmup-steps 0 to 2147483647"},
		{"resolution beyond memory", "summary --resolution 100000", "--resolution 100000: must be 1 to 8192 pixels"},
		{"width beyond memory", "summary --width 1000", "--width 1000: must be above 0 and at most 16"},
		{"classes beyond memory", "summary --classes 1000000000", "--classes 1000000000: must be 1 to 1048576"},
		{"a batch of a check beyond memory", "check --batch-size 4611686018427387904", "million values between the layers"},
		{"no number of a flag", "--data x --lr nan", "--lr NaN: must be above 0"},
		{"infinite warmup", "--data x --warmup-epochs inf", "--warmup-epochs"},
		{"infinite time between decays", "--data x --schedule step --step-epochs inf", "--step-epochs +Inf: must be above 0 and at most"},
		{"shards without images", "data shard src dst --per-shard 0", "--per-shard"},
		{"data without its command", "data", "imagenet, shard"},
		{"stats of nothing", "data stats", "one folder"},
		{"stats of no images", "data stats x --images 0", "--images 0: must be at least 1"},
		{"loader without data", "bench loader", "--data"},
		{"no steps", "bench step --steps 0", "--steps"},
		{"a picture of no layers", "bench step --plot x.png", "needs --layers"},
		{"a picture of no layers of inference", "bench infer --plot x.png", "needs --layers"},
		{"no network", "summary --width 0", "--width 0: must be above 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			code, stdout, stderr := execute(t, strings.Fields(c.args)...)
			if code != exitUsage {
				t.Errorf("exit code %d, want %d", code, exitUsage)
			}
			if stdout != "" {
				t.Errorf("standard output has %q", stdout)
			}
			if last := lastLine(stderr); !strings.HasPrefix(last, "error: ") || !strings.Contains(last, c.want) {
				t.Errorf("last line %q does not say %q", last, c.want)
			}
			if left, err := os.ReadDir("."); err != nil || len(left) != 0 {
				t.Errorf("it left %v behind, %v", left, err)
			}
		})
	}
}

// TestBackendAlias: --kernels is still accepted, alone or in agreement with --backend.
func TestBackendAlias(t *testing.T) {
	for _, args := range []string{"--kernels torch", "--backend torch", "--backend torch --kernels torch", "--backend fused --backend torch"} {
		s := newSettings()
		cmd := configured(s)
		if err := cmd.ParseFlags(strings.Fields("--data x " + args)); err != nil {
			t.Fatalf("%s: %v", args, err)
		}
		if c, err := s.checked(cmd); err != nil || c.Backend != "torch" {
			t.Errorf("%s: %q, %v", args, c.Backend, err)
		}
	}
}

// TestVersion: --version and the command print the same on standard output.
func TestVersion(t *testing.T) {
	command, flag := done(t, "version"), done(t, "--version")
	if command != flag || !strings.HasPrefix(flag, "depthwise ") || !strings.Contains(flag, "libtorch") {
		t.Errorf("version prints %q, --version %q", command, flag)
	}
}

// TestShardsInTheData: shards in a class folder would hide its images.
func TestShardsInTheData(t *testing.T) {
	dir := pictures(t)
	for _, in := range []string{dir, dir + "/train", dir + "/train/red"} {
		if code, _, stderr := execute(t, "data", "shard", dir, in); code != exitUsage || !strings.Contains(stderr, "name a new folder") {
			t.Errorf("%s: code %d, %s", in, code, stderr)
		}
	}
	done(t, "data", "shard", dir, dir+"/shards")
}

// TestFailures: exit code 1 for what is not the command line's fault.
func TestFailures(t *testing.T) {
	for _, c := range []struct{ name, args, want string }{
		{"no configuration", "--config no.yaml", "no.yaml"},
		{"no data", "--data nowhere --out run", "nowhere"},
		{"no weights to evaluate", "eval --weights no.safetensors --data nowhere", "no.safetensors"},
		{"no weights to predict with", "predict --weights no.safetensors a.jpg", "no.safetensors"},
		{"no weights to export", "export --weights no.safetensors --output x.npz --format npz", "no.safetensors"},
		{"no ImageNet to lay out", "data imagenet nowhere out", "nowhere"},
		{"no data to shard", "data shard nowhere out", "nowhere"},
		{"no data to look at", "data stats nowhere", "nowhere"},
		{"no data to load", "bench loader --data nowhere", "nowhere"},
		{"layers of libtorch's kernels", "bench step --layers --backend torch --plot x.png", "use --backend fused"},
		{"layers of libtorch's inference", "bench infer --layers --kernels torch --plot x.png", "use --backend fused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			code, stdout, stderr := execute(t, strings.Fields(c.args)...)
			if code != exitFailed || stdout != "" {
				t.Errorf("exit code %d, standard output %q; want %d and none", code, stdout, exitFailed)
			}
			if last := lastLine(stderr); !strings.HasPrefix(last, "error: ") || !strings.Contains(last, c.want) {
				t.Errorf("last line %q does not say %q", last, c.want)
			}
		})
	}
}

// TestPrecedence: explicit flags come over the file, the file over the recipe,
// the recipe over mnist, mnist over the defaults.
func TestPrecedence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte("data: mnist\nrecipe: torchvision\nlr: 0.2\nwidth: 0.25\nseed: 3\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := newSettings()
	cmd := configured(s)
	if err := cmd.ParseFlags([]string{"--config", file, "--width", "0.75", "--crop-scale", "0.5,1", "--workers", "0", "--no-decay", "bias,norm", "--warmup-epochs", "auto", "--stop-after", "90m"}); err != nil {
		t.Fatal(err)
	}
	c, err := s.checked(cmd)
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []struct {
		what       string
		have, want any
	}{
		{"keep, a default", c.Keep, 3},
		{"resolution, of mnist", c.Model.Resolution, 32},
		{"fit, of mnist", c.Fit, "pad"},
		{"epochs, of the recipe over mnist", c.Epochs, 300},
		{"lr, of the file over the recipe", c.LR, 0.2},
		{"seed, of the file", c.Seed, uint64(3)},
		{"width, of the flag over the file", c.Model.Width, 0.75},
		{"workers, of the flag", c.Workers, 0},
		{"warmup, of the flag over the recipe", c.WarmupEpochs, -1.0},
		{"stop-after, of the flag", c.StopAfter.String(), "1h30m0s"},
		{"no-decay, of the flag", strings.Join(c.NoDecay, " "), "bias norm"},
		{"crop-scale, of the flag", c.CropScale, [2]float64{0.5, 1}},
		{"augment, implied by crop-scale", c.Augment, "basic"},
		{"flip, still mnist's", c.Flip, 0.0},
	} {
		if got.have != got.want {
			t.Errorf("%s: %v, want %v", got.what, got.have, got.want)
		}
	}
}

// TestInterrupted: a context that a signal canceled ends with 130.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code := exitCode(ctx, context.Canceled); code != exitInterrupted {
		t.Errorf("exit code %d, want %d", code, exitInterrupted)
	}
	if code := exitCode(t.Context(), context.Canceled); code != exitFailed {
		t.Errorf("without a signal: exit code %d, want %d", code, exitFailed)
	}
}
