package host

import (
	"runtime"
	"strings"
	"testing"
)

func TestCountCores(t *testing.T) {
	block := func(processor, socket, core string) string {
		return "processor\t: " + processor + "\nmodel name\t: any\nphysical id\t: " + socket + "\ncore id\t\t: " + core + "\nflags\t\t: a b\n\n"
	}
	for _, c := range []struct {
		name, text string
		want       int
	}{
		{"two threads a core", block("0", "0", "0") + block("1", "0", "1") + block("2", "0", "0") + block("3", "0", "1"), 2},
		{"two sockets", block("0", "0", "0") + block("1", "1", "0"), 2},
		{"arm64 without cores", "processor\t: 0\nBogoMIPS\t: 50\n\nprocessor\t: 1\nBogoMIPS\t: 50\n", 0},
		{"empty", "", 0},
	} {
		if got := countCores(strings.NewReader(c.text)); got != c.want {
			t.Errorf("%s: %d cores, want %d", c.name, got, c.want)
		}
	}
	if n := PhysicalCores(); n < 1 {
		t.Errorf("PhysicalCores() = %d", n)
	}
}

func TestCacheFolder(t *testing.T) {
	t.Setenv("HOME", "")
	t.Setenv("XDG_CACHE_HOME", "/x")
	if got, err := CacheFolder(); runtime.GOOS == "linux" && (got != "/x/depthwise" || err != nil) {
		t.Errorf("CacheFolder() = %q, %v", got, err)
	}
	t.Setenv("XDG_CACHE_HOME", "")
	if _, err := CacheFolder(); err == nil || !strings.Contains(err.Error(), "set XDG_CACHE_HOME") {
		t.Errorf("without a home folder: %v", err)
	}
}

func TestPeakRSS(t *testing.T) {
	before := PeakRSS()
	held := make([]byte, 64<<20)
	for i := range held {
		held[i] = 1
	}
	if after := PeakRSS(); before < 1 || after < 64 || after < before {
		t.Errorf("peak of %d MB, and of %d MB after 64 MB were written", before, after)
	}
	runtime.KeepAlive(held)
}

func TestEnvironment(t *testing.T) {
	lines := Environment()
	for i, want := range []string{"depthwise ", runtime.Version() + " " + runtime.GOOS, " physical cores"} {
		if i >= len(lines) || !strings.Contains(lines[i], want) {
			t.Errorf("line %d of %q lacks %q", i, lines, want)
		}
	}
	if got := modelName(strings.NewReader("processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: a:b\n")); got != "AMD EPYC" {
		t.Errorf("model name %q", got)
	}
}
