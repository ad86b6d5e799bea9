package main

import (
	"strings"
	"testing"
	"testing/iotest"
)

// TestContains looks for a text at the edges of blocks.
func TestContains(t *testing.T) {
	const text = "ProcessGroupGlooC"
	for _, c := range []struct {
		name, file string
		want       bool
	}{
		{"empty", "", false},
		{"at the beginning", text + "1", true},
		{"at the end of the first block", strings.Repeat("x", 1<<20-len(text)) + text, true},
		{"across two blocks", strings.Repeat("x", 1<<20-5) + text, true},
		{"in the second block", strings.Repeat("x", 1<<20+7) + text, true},
		{"incomplete", strings.Repeat("x", 1<<20-5) + text[:9], false},
	} {
		for how, r := range map[string]func() (bool, error){
			"whole":  func() (bool, error) { return contains(strings.NewReader(c.file), text) },
			"halves": func() (bool, error) { return contains(iotest.HalfReader(strings.NewReader(c.file)), text) },
		} {
			if got, err := r(); err != nil || got != c.want {
				t.Errorf("%s, %s: %v, %v; want %v", c.name, how, got, err, c.want)
			}
		}
	}
}

// TestGlooFlags checks the flags for a libtorch with and without gloo.
func TestGlooFlags(t *testing.T) {
	for text, want := range map[string]string{"_ZN4c10d16ProcessGroupGlooC1E": "", "other": "-DDEPTHWISE_NO_GLOO=1"} {
		dir := t.TempDir()
		writeFile(t, dir+"/lib/libtorch_cpu"+sharedSuffix(), text)
		flags, err := glooFlags(libtorch{Dir: dir})
		if err != nil || strings.Join(flags, " ") != want {
			t.Errorf("%s: flags are %v, %v; want %q", text, flags, err, want)
		}
	}
	if _, err := glooFlags(libtorch{Dir: t.TempDir()}); err == nil {
		t.Error("no error without a library")
	}
}
