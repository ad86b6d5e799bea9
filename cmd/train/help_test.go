package main

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// eachCommand runs a test for every command, hidden ones too.
func eachCommand(t *testing.T, test func(*testing.T, *cobra.Command)) {
	t.Helper()
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		t.Run(strings.ReplaceAll(cmd.CommandPath(), " ", "_"), func(t *testing.T) { test(t, cmd) })
		for _, c := range cmd.Commands() {
			visit(c)
		}
	}
	root := newRoot()
	root.InitDefaultHelpCmd()
	visit(root)
}

// path is a command without the program's name.
func path(cmd *cobra.Command) []string { return strings.Fields(cmd.CommandPath())[1:] }

// TestHelp: the help of every command fits 80 columns, explains each flag under a heading, and says
// a default once.
func TestHelp(t *testing.T) {
	eachCommand(t, func(t *testing.T, cmd *cobra.Command) {
		code, stdout, stderr := execute(t, append(path(cmd), "--help")...)
		if code != exitDone || stderr != "" {
			t.Fatalf("exit code %d, standard error %q", code, stderr)
		}
		for line := range strings.Lines(stdout) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > helpWidth {
				t.Errorf("a line of %d columns: %s", n, line)
			}
		}
		for _, want := range []string{"Usage:\n", "\nExamples:\n", cmd.CommandPath()} {
			if !strings.Contains(stdout, want) {
				t.Errorf("the help lacks %q:\n%s", want, stdout)
			}
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" && !slices.Contains(groupOrder, annotation(f, groupOf)) {
				t.Errorf("--%s stands under %q, which is no heading", f.Name, annotation(f, groupOf))
			}
			d := describe(f)
			if text := d.text(longestNote); f.Usage == "" || strings.Count(text, "(default") > 1 || strings.Contains(f.Usage, "default") {
				t.Errorf("--%s: %s", f.Name, text)
			}
			if !strings.Contains(stdout, "--"+d.name) {
				t.Errorf("the help does not list --%s", f.Name)
			}
		})
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() && !strings.Contains(stdout, c.Short) {
				t.Errorf("the help lacks the command %s", c.Name())
			}
		}
	})
}

// TestHelpCommand: help COMMAND prints what COMMAND --help prints.
func TestHelpCommand(t *testing.T) {
	for _, c := range []struct{ topic, command string }{{"help", ""}, {"help train", ""}, {"help eval", "eval"}, {"help bench step", "bench step"}} {
		if help, flag := done(t, strings.Fields(c.topic)...), done(t, append(strings.Fields(c.command), "--help")...); help != flag {
			t.Errorf("%s prints\n%s\nwant\n%s", c.topic, help, flag)
		}
	}
}

// TestExamples: the examples of every command are command lines of that command that parse.
func TestExamples(t *testing.T) {
	eachCommand(t, func(t *testing.T, cmd *cobra.Command) {
		own := 0
		for line := range strings.Lines(cmd.Example) {
			line, _, _ = strings.Cut(line, " # ")
			line = strings.NewReplacer("source <(", "", ")", "").Replace(line)
			line, _, _ = strings.Cut(line, " >")
			words := strings.Fields(line)
			if len(words) == 0 || words[0] != "train" {
				t.Fatalf("%q does not begin with train", line)
			}
			target, args, err := newRootWithHelp().Find(words[1:])
			if err == nil {
				err = target.ParseFlags(args)
			}
			if err == nil {
				err = target.ValidateArgs(target.Flags().Args())
			}
			if err != nil {
				t.Errorf("%q: %v", line, err)
			}
			if strings.HasPrefix(target.CommandPath(), cmd.CommandPath()) {
				own++
			}
		}
		if own == 0 {
			t.Error("no example of the command")
		}
	})
}

func newRootWithHelp() *cobra.Command {
	root := newRoot()
	root.InitDefaultHelpCmd()
	return root
}

// TestWrap: lines break between words at the given width; a longer word has a line of its own.
func TestWrap(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"short", "a b", []string{"a b"}},
		{"exactly as wide", "abcd efgh ij", []string{"abcd efgh", "ij"}},
		{"long word", "a bcdefghijklm n", []string{"a", "bcdefghijklm", "n"}},
		{"nothing", "", []string{""}},
	} {
		if got := wrap(c.text, 9); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestNotes: every note belongs to a value that its flag allows.
func TestNotes(t *testing.T) {
	allowed := make(map[string][]string)
	eachCommand(t, func(t *testing.T, cmd *cobra.Command) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if v, ok := f.Value.(enumerated); ok {
				allowed[f.Name] = v.Values()
			}
		})
	})
	for flag, notes := range notesOf {
		for value := range notes {
			if !slices.Contains(allowed[flag], value) {
				t.Errorf("--%s has a note on %s, which it does not allow: %v", flag, value, allowed[flag])
			}
		}
	}
}
