package train

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOutFolder(t *testing.T) {
	for _, c := range []struct {
		name   string
		taken  []string
		config Config
		want   string
	}{
		{"given", []string{"photos-1"}, Config{Data: "photos", Out: "here"}, "here"},
		{"first", nil, Config{Data: "/data/photos/"}, "runs/photos-1"},
		{"next", []string{"photos-1", "photos-2", "birds-7", "photos-x", "photos"}, Config{Data: "photos"}, "runs/photos-3"},
		{"a gap stays", []string{"photos-3"}, Config{Data: "photos"}, "runs/photos-4"},
		{"resume the last", []string{"photos-1", "photos-10", "photos-9"}, Config{Data: "photos", Resume: "auto"}, "runs/photos-10"},
		{"resume nothing", nil, Config{Data: "mnist", Resume: "auto"}, "runs/mnist-1"},
		{"resume a file elsewhere", []string{"photos-1"}, Config{Data: "photos", Resume: "x.safetensors"}, "runs/photos-2"},
		{"root", nil, Config{Data: "/"}, "runs/data-1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for _, run := range c.taken {
				if err := os.MkdirAll(filepath.Join("runs", run), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			got, err := c.config.OutFolder()
			if err != nil {
				t.Fatal(err)
			}
			if filepath.ToSlash(got) != c.want {
				t.Errorf("OutFolder() = %q, want %q", got, c.want)
			}
		})
	}
}

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
