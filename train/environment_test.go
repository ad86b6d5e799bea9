package train

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
		{"arm64 names no cores", "processor\t: 0\nBogoMIPS\t: 50\n\nprocessor\t: 1\nBogoMIPS\t: 50\n", 0},
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

func TestEnvironment(t *testing.T) {
	lines := Environment()
	for i, want := range []string{"depthwise ", runtime.Version() + " " + runtime.GOOS, " physical cores"} {
		if i >= len(lines) || !strings.Contains(lines[i], want) {
			t.Errorf("line %d of %q does not tell %q", i, lines, want)
		}
	}
	if got := modelName(strings.NewReader("processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: a:b\n")); got != "AMD EPYC" {
		t.Errorf("model name %q", got)
	}
}
