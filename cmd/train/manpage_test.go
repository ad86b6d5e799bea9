package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestManPages: a page for each command, with every flag and example, and text unharmed.
func TestManPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man1")
	done(t, "docs", "man", dir)
	eachCommand(t, func(t *testing.T, cmd *cobra.Command) {
		text, err := os.ReadFile(filepath.Join(dir, manName(cmd)+".1"))
		if hidden := strings.HasPrefix(cmd.CommandPath(), "train docs") || cmd.Name() == "help"; hidden != os.IsNotExist(err) {
			t.Fatalf("hidden %v, %v", hidden, err)
		} else if hidden {
			return
		}
		page := unroff(string(text))
		wants := []string{".TH ", ".SH NAME\n" + manName(cmd) + " - " + cmd.Short, ".SH SYNOPSIS\n.B train", ".SH EXIT STATUS\n", "EXAMPLES\n.nf\n" + cmd.Example}
		for _, h := range flagHeadings(cmd) {
			wants = append(wants, ".SS "+h.name+"\n")
			for _, f := range h.flags {
				wants = append(wants, ".TP\n.B "+f.names()+"\n")
			}
		}
		for _, want := range wants {
			if !strings.Contains(page, want) {
				t.Errorf("the page lacks %q:\n%s", want, page)
			}
		}
	})
	root, err := os.ReadFile(filepath.Join(dir, "train.1"))
	if err != nil || !strings.Contains(unroff(string(root)), "DIR with train/CLASS/* and val/CLASS/*,") {
		t.Errorf("the asterisks are gone (%v)", err)
	}
}

// unroff undoes the escapes of roff.
func unroff(text string) string {
	return strings.NewReplacer(`\-`, "-", `\e`, `\`, `\&`, "").Replace(text)
}

func TestRoff(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"hyphen", "--lr", `\-\-lr`},
		{"backslash", `a\b`, `a\eb`},
		{"looks like a request", ".TH\n'x", `\&.TH` + "\n" + `\&'x`},
	} {
		if got := roff(c.text); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
