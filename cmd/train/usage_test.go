package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
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
// standard error that says what was meant.
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
		{"mistyped flag of a command", "eval --weight x", "did you mean --weights?"},
		{"mistyped value", "--data x --optimizer sdg", "did you mean sgd? allowed: sgd, rmsprop, rmsprop_tf, adamw"},
		{"unknown value", "--data x --precision fp8", "allowed: auto, fp32, bf16"},
		{"mistyped variant", "summary --variant papre", "did you mean paper? allowed: paper, article"},
		{"mistyped recipe", "--data x --recipe torchvison", "did you mean torchvision? allowed: paper, torchvision"},
		{"no number", "--data x --epochs many", "--epochs"},
		{"no duration", "--data x --time long", "--time"},
		{"no value", "--lr", "--lr"},
		{"several wrong values", "--data x --epochs 0 --batch-size -2 --width 64 --checkpoint-every 500", "--width 64: must be above 0 and at most 16; --epochs 0: must be at least 1; --batch-size -2: must be at least 1; --checkpoint-every"},
		{"device", "--data x --device cdua", "--device"},
		{"flip without augmentation", "--data x --augment none --flip 0.5", "--flip does nothing with --augment none"},
		{"too much of augmentation", "--data x --random-erase 25 --mixup -1 --cutmix 1e9 --color-jitter 0.4,0.4,0.4,0.9",
			"0.4,0.4,0.4,0.1; --random-erase 25: must be a probability from 0 to 1; --mixup -1: must be the Beta distribution's parameter, from 0 (off) to 100, such as 0.2; --cutmix 1e+09"},
		{"mistyped augmentation", "--data x --augment randagu", "did you mean randaug? allowed: none, basic, randaug, trivial"},
		{"mistyped fit", "--data x --fit leterbox", "did you mean letterbox? allowed: crop, letterbox, pad"},
		{"mistyped command", "evla", "did you mean eval?"},
		{"unknown command", "fly", "allowed: bench, check, data, eval, export, predict, summary, version"},
		{"mistyped command of a command", "bench stp", "did you mean step?"},
		{"command without its command", "bench", "infer, loader, step"},
		{"argument of a command that has none", "summary now", "no arguments"},
		{"eval of nothing", "eval", "--weights --data"},
		{"predict of nothing", "predict --weights w", "needs images"},
		{"predict of both", "predict --weights w --input a.npy --output b.npy c.jpg", "not both"},
		{"predict without output", "predict --weights w --input a.npy", "go together"},
		{"no classes to print", "predict --weights w --top 0 a.jpg", "--top"},
		{"export to nowhere", "export --weights w", "--output"},
		{"export to an unknown format", "export --weights w --format npy --output o", "did you mean npz?"},
		{"imagenet from nowhere", "data imagenet src", "two folders"},
		{"shards of nothing", "data shard src", "two folders"},
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
		{"layers of libtorch's kernels", "bench step --layers --kernels torch --plot x.png", "use --kernels fused"},
		{"layers of libtorch's inference", "bench infer --layers --kernels torch --plot x.png", "use --kernels fused"},
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
	if err := cmd.ParseFlags([]string{"--config", file, "--width", "0.75", "--crop-scale", "0.5,1", "--workers", "0", "--no-decay", "bias,norm", "--warmup-epochs", "auto", "--time", "90m"}); err != nil {
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
		{"warm-up, of the flag over the recipe", c.WarmupEpochs, -1.0},
		{"time, of the flag", c.Time.String(), "1h30m0s"},
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

// TestHelp: every command explains itself and every flag stands under a heading.
func TestHelp(t *testing.T) {
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		t.Run(strings.ReplaceAll(cmd.CommandPath(), " ", "_"), func(t *testing.T) {
			args := append(strings.Fields(cmd.CommandPath())[1:], "--help")
			code, stdout, stderr := execute(t, args...)
			if code != exitDone || stderr != "" {
				t.Fatalf("exit code %d, standard error %q", code, stderr)
			}
			for _, want := range []string{cmd.Short, "Usage:", cmd.CommandPath()} {
				if cmd.Long == "" && !strings.Contains(stdout, want) {
					t.Errorf("the help lacks %q:\n%s", want, stdout)
				}
			}
			cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
				if f.Name != "help" && f.Annotations[groupOf] == nil {
					t.Errorf("--%s has no heading", f.Name)
				}
				if !strings.Contains(stdout, "--"+f.Name) || f.Usage == "" {
					t.Errorf("the help does not explain --%s", f.Name)
				}
			})
			for _, c := range cmd.Commands() {
				if c.IsAvailableCommand() && !strings.Contains(stdout, c.Short) {
					t.Errorf("the help lacks the command %s", c.Name())
				}
			}
		})
		for _, c := range cmd.Commands() {
			visit(c)
		}
	}
	visit(newRoot())
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
