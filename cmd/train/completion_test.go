package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/optim"
)

// completions drives Cobra's completion as a shell does.
func completions(t *testing.T, args ...string) (list []string, directive cobra.ShellCompDirective) {
	t.Helper()
	code, stdout, stderr := execute(t, append([]string{"__complete"}, args...)...)
	lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	last := lines[len(lines)-1]
	if _, err := fmt.Sscanf(last, ":%d", &directive); err != nil {
		t.Fatalf("no directive in %q", stdout)
	}
	return lines[:len(lines)-1], directive
}

// TestCompletion: values with their notes, files and folders of the right kind.
func TestCompletion(t *testing.T) {
	const (
		words   = cobra.ShellCompDirectiveNoFileComp
		files   = cobra.ShellCompDirectiveFilterFileExt
		folders = cobra.ShellCompDirectiveFilterDirs
	)
	for _, c := range []struct {
		name      string
		args      []string
		want      string // all of it, or its beginning before "..."
		directive cobra.ShellCompDirective
	}{
		{"commands", []string{"e"}, "embed\tWrite the embeddings of images|eval\tMeasure the accuracy of trained weights on a dataset|export\tWrite trained weights for other programs", words},
		{"commands of a command", []string{"bench", "st"}, "step\tMeasure training steps: forward, backward, update", words},
		{"optimizers", []string{"--optimizer", ""}, optimizers(""), words},
		{"optimizers by a letter", []string{"--optimizer", "a"}, optimizers("a"), words},
		{"optimizers after an equals sign", []string{"--optimizer=a"}, optimizers("a"), words},
		{"schedules", []string{"--schedule", "c"}, schedules("c"), words},
		{"augmentation", []string{"--augment", "r"}, "randaug\tbasic + RandAugment", words},
		{"fits", []string{"--fit", "l"}, "letterbox\twhole image on black", words},
		{"precisions", []string{"eval", "--precision", "b"}, "bf16", words},
		{"devices", []string{"predict", "--device", "c"}, "cpu|cuda|cuda:N\tthe GPU with index N", words},
		{"progress", []string{"--progress", "p"}, "plain\tlines of text", words},
		{"backends", []string{"--backend", "t"}, "torch\tunfused libtorch operations", words},
		{"backends by their old name", []string{"--kernels", "t"}, "torch\tunfused libtorch operations", words},
		{"architectures", []string{"summary", "--arch", ""}, "mobilenet_v1...", words},
		{"variants", []string{"summary", "--variant", "p"}, "paper\tthe paper's network as PyTorch users train it", words},
		{"recipes", []string{"--recipe", "p"}, "paper\tImageNet as the authors trained it...", words},
		{"recipes to show", []string{"recipes", "q"}, "quick\ta first network in...", words},
		{"formats", []string{"export", "--format", "n"}, "npz\tNumPy's archive of arrays", words},
		{"first of a list", []string{"--no-decay", "n"}, "norm", words | cobra.ShellCompDirectiveNoSpace},
		{"second of a list", []string{"--no-decay", "bias,n"}, "bias,norm", words | cobra.ShellCompDirectiveNoSpace},
		{"typical widths", []string{"--width", "0.7"}, "0.75", words},
		{"numbers", []string{"--epochs", ""}, "", words},
		{"workers", []string{"--workers", ""}, "auto", words},
		{"data", []string{"--data", ""}, "", folders},
		{"a run's folder", []string{"--out", ""}, "", folders},
		{"a run to continue", []string{"resume", ""}, "", folders},
		{"no further run", []string{"resume", "a", ""}, "", words},
		{"configurations", []string{"--config", ""}, "yaml|yml", files},
		{"weights", []string{"eval", "--weights", ""}, "safetensors...", files},
		{"exports", []string{"export", "--output", ""}, "safetensors|...", files},
		{"checkpoints or auto", []string{"--resume", "a"}, "auto\tnewest checkpoint of --out or the newest runs/DATA-N, if any", words},
		{"checkpoints", []string{"--resume", "runs/"}, "safetensors", files},
		{"images", []string{"predict", "--weights", "w", ""}, "jpg|...", files},
		{"images to embed", []string{"embed", "--weights", "w", ""}, "jpg|...", files},
		{"embeddings", []string{"embed", "--output", ""}, "npy|csv", files},
		{"embeddings to search", []string{"similar", "--embeddings", ""}, "npy|csv", files},
		{"folders to search", []string{"similar", "--data", ""}, "", folders},
		{"folders as arguments", []string{"data", "check", ""}, "", folders},
		{"no further folder", []string{"data", "check", "a", ""}, "", words},
		{"arguments of a command without any", []string{"summary", ""}, "", words},
		{"arguments of training", []string{"--data", "x", "zzz"}, "", words},
		{"shells", []string{"completion", "z"}, "zsh", words},
		{"help topics", []string{"help", "ev"}, "eval\tMeasure the accuracy of trained weights on a dataset", words},
		{"help topics of a command", []string{"help", "bench", "i"}, "infer\tMeasure inference: the forward pass of evaluation", words},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, directive := completions(t, c.args...)
			got := strings.Join(list, "|")
			if beginning, cut := strings.CutSuffix(c.want, "..."); got != c.want && !(cut && strings.HasPrefix(got, beginning)) || directive != c.directive {
				t.Errorf("completes to %q with directive %d, want %q with %d", got, directive, c.want, c.directive)
			}
		})
	}
}

// optimizers are the completions of a beginning of an optimizer's name.
func optimizers(beginning string) string {
	var list []string
	for _, o := range optim.Optimizers {
		if strings.HasPrefix(o.Name, beginning) {
			list = append(list, o.Name+"\t"+o.About)
		}
	}
	return strings.Join(list, "|")
}

// schedules are the completions of a beginning of a schedule's name.
func schedules(beginning string) string {
	var list []string
	for _, s := range optim.Schedules {
		if strings.HasPrefix(s.Name, beginning) {
			list = append(list, s.Name+"\t"+s.About)
		}
	}
	return strings.Join(list, "|")
}

// TestEveryFlagCompletes: each flag of each command completes its words, or paths if it is declared
// to take one, never files in general.
func TestEveryFlagCompletes(t *testing.T) {
	eachCommand(t, func(t *testing.T, cmd *cobra.Command) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Value.Type() == "bool" {
				return
			}
			args := append(path(cmd), "--"+f.Name, "")
			if f.NoOptDefVal != "" { // the value is optional
				args = append(path(cmd), "--"+f.Name+"=")
			}
			list, directive := completions(t, args...)
			if v, ok := f.Value.(enumerated); ok {
				if len(list) != len(v.Values()) {
					t.Errorf("--%s completes to %q, allowed are %q", f.Name, list, v.Values())
				}
				return
			}
			paths := f.Annotations[pathOf] != nil
			if offered := directive&(cobra.ShellCompDirectiveFilterDirs|cobra.ShellCompDirectiveFilterFileExt) != 0; offered != paths {
				t.Errorf("--%s: offers paths %v, want %v", f.Name, offered, paths)
			}
			if !paths && directive&cobra.ShellCompDirectiveNoFileComp == 0 {
				t.Errorf("--%s offers files", f.Name)
			}
			if paths != (describe(f).placeholder == "DIR" || describe(f).placeholder == "FILE") {
				t.Errorf("--%s takes %s, offers paths: %v", f.Name, describe(f).placeholder, paths)
			}
		})
	})
}

// TestCompletionScripts: each shell has its script, which calls back into the program.
func TestCompletionScripts(t *testing.T) {
	for _, shell := range shells {
		if script := done(t, "completion", shell); !strings.Contains(script, "__complete") || !strings.Contains(script, "train") {
			t.Errorf("%s: %.200q", shell, script)
		}
	}
}
