package terminal

import (
	"bytes"
	"os"
	"testing"
)

func TestWidth(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "abc": 3, "é": 1, "e\u0301": 1, "日本語": 6, "ﾊﾝ": 2, "한글": 4, "👩‍👩‍👧": 2, "🇩🇪": 2, "a\u200bb": 2, "Ａ": 2,
	} {
		if got := Width(text); got != want {
			t.Errorf("%q: %d columns, want %d", text, got, want)
		}
		if left, right := PadLeft(text, 8), PadRight(text, 8); Width(left) != 8 || Width(right) != 8 {
			t.Errorf("%q padded to 8: %q and %q", text, left, right)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text    string
		columns int
		want    string
	}{
		{"abc", 5, "abc"}, {"abc", 3, "abc"}, {"abc", 2, "ab"}, {"abc", 0, ""}, {"abc", -1, ""},
		{"日本", 3, "日"}, {"日本", 1, ""}, {"e\u0301e\u0301", 1, "e\u0301"}, {"👩‍👩‍👧x", 2, "👩‍👩‍👧"},
	} {
		if got := Cut(c.text, c.columns); got != c.want {
			t.Errorf("%q in %d columns: %q, want %q", c.text, c.columns, got, c.want)
		}
	}
}

// TestColors: the environment decides, otherwise whether there is a terminal.
func TestColors(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	for _, c := range []struct {
		name                                     string
		noColor, clicolor, cliForce, force, term string
		onTerminal, inPipe                       bool
	}{
		{name: "nothing set", term: "xterm", onTerminal: true},
		{name: "dumb terminal", term: "dumb"},
		{name: "no TERM"},
		{name: "NO_COLOR", noColor: "1", term: "xterm"},
		{name: "NO_COLOR=0 is not empty", noColor: "0", term: "xterm"},
		{name: "NO_COLOR before forcing", noColor: "1", cliForce: "1", force: "1", term: "xterm"},
		{name: "CLICOLOR=0", clicolor: "0", term: "xterm"},
		{name: "CLICOLOR=1", clicolor: "1", term: "xterm", onTerminal: true},
		{name: "CLICOLOR_FORCE", cliForce: "1", term: "xterm", onTerminal: true, inPipe: true},
		{name: "CLICOLOR_FORCE before CLICOLOR", cliForce: "1", clicolor: "0", term: "dumb", onTerminal: true, inPipe: true},
		{name: "CLICOLOR_FORCE=0", cliForce: "0", term: "xterm", onTerminal: true},
		{name: "FORCE_COLOR", force: "3", onTerminal: true, inPipe: true},
		{name: "FORCE_COLOR=true", force: "true", onTerminal: true, inPipe: true},
		{name: "FORCE_COLOR=0", force: "0", term: "xterm"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, value := range map[string]string{"NO_COLOR": c.noColor, "CLICOLOR": c.clicolor, "CLICOLOR_FORCE": c.cliForce, "FORCE_COLOR": c.force, "TERM": c.term} {
				t.Setenv(name, value)
			}
			if got := Colors(terminal).Red("x") != "x"; got != c.onTerminal {
				t.Errorf("on a terminal %v, want %v", got, c.onTerminal)
			}
			if got := Colors(&bytes.Buffer{}).Red("x") != "x"; got != c.inPipe {
				t.Errorf("in a pipe %v, want %v", got, c.inPipe)
			}
			if got := Forced().Red("x") != "x"; got != c.inPipe {
				t.Errorf("forced %v, want %v", got, c.inPipe)
			}
		})
	}
	if got := (Palette{on: true}).Green("best"); got != "\x1b[32mbest\x1b[0m" {
		t.Errorf("green: %q", got)
	}
}

func TestColumnsOfAFile(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/f")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if a, b := Columns(file), Columns(&bytes.Buffer{}); a != defaultColumns || b != defaultColumns {
		t.Errorf("%d columns of a file, %d of a buffer", a, b)
	}
}
