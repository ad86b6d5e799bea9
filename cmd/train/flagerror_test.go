package main

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestCarriageReturn: an argument of a script with Windows line endings is named with its flag.
func TestCarriageReturn(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"value", []string{"--data", "photos\r"}, `--data "photos\r": contains a carriage return`},
		{"value after an equals sign", []string{"--lr=0.1\r"}, `--lr "0.1\r": contains a carriage return`},
		{"argument", []string{"predict", "--weights", "w", "a.jpg\r"}, `argument "a.jpg\r": contains a carriage return`},
		{"flag", []string{"--data", "x", "--exif\r"}, `argument "--exif\r": contains a carriage return`},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := execute(t, c.args...)
			if code != exitUsage || stdout != "" || !strings.Contains(lastLine(stderr), c.want) {
				t.Errorf("exit code %d, %q; want %d and %q", code, stderr, exitUsage, c.want)
			}
		})
	}
}

// TestFlagsOfLaunchers: what other tools name the number of processes leads to --nproc.
func TestFlagsOfLaunchers(t *testing.T) {
	for _, name := range []string{"nproc-per-node", "nproc_per_node", "nprocs", "ranks", "world-size", "num_processes"} {
		code, _, stderr := execute(t, "--data", "photos", "--"+name, "2")
		if want := "unknown flag --" + name + ": use --nproc N"; code != exitUsage || !strings.Contains(lastLine(stderr), want) {
			t.Errorf("exit code %d, %q; want %d and %q", code, stderr, exitUsage, want)
		}
	}
}

// TestFlagsOfRanks: commands that run in one process say so.
func TestFlagsOfRanks(t *testing.T) {
	for _, args := range [][]string{{"eval", "--nproc", "2"}, {"lr-find", "--nproc=2"}, {"bench", "step", "--nproc", "2"}, {"predict", "--dist-timeout", "5m"}} {
		code, _, stderr := execute(t, args...)
		if want := " runs in one process; training, "; code != exitUsage || !strings.Contains(lastLine(stderr), want) {
			t.Errorf("%v: exit code %d, %q; want %d and %q", args, code, stderr, exitUsage, want)
		}
	}
}

// TestFolderAsCommand: a folder instead of a command is probably the dataset.
func TestFolderAsCommand(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("photos", 0o755); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := execute(t, "photos", "--epochs", "3")
	if want := `unknown command "photos": to train on that folder, use --data photos`; code != exitUsage || !strings.Contains(lastLine(stderr), want) {
		t.Errorf("exit code %d, %q; want %d and %q", code, stderr, exitUsage, want)
	}
}

// TestBadValues: no value of any flag brings a message of strconv or pflag to light.
func TestBadValues(t *testing.T) {
	eachCommand(t, func(t *testing.T, cmd *cobra.Command) {
		refused, texts := 0, true // whether every flag takes any text
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			texts = texts && (f.Value.Type() == "string" || f.Name == "help")
			for _, value := range []string{"half", "0,1", "", "-", "1e999", "99999999999999999999", "0x", "1h2", "a,b,c"} {
				err := cmd.ParseFlags([]string{"--" + f.Name + "=" + value})
				if err == nil {
					continue
				}
				refused++
				text := flagError(cmd, err).Error()
				for _, leak := range []string{"strconv", "parsing", "invalid syntax", "invalid argument", "time:"} {
					if strings.Contains(text, leak) {
						t.Errorf("--%s=%s: %s", f.Name, value, text)
					}
				}
				if !strings.HasPrefix(text, "--"+f.Name+" ") {
					t.Errorf("--%s=%s: the error does not name the flag: %s", f.Name, value, text)
				}
			}
		})
		if refused == 0 && !texts {
			t.Error("nothing was refused")
		}
	})
}
