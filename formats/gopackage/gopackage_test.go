package gopackage

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"depthwise.dev/formats/gopackage/classifier"
	"depthwise.dev/models"
	"depthwise.dev/weights"
)

var update = flag.Bool("update", false, "write the small network of package classifier")

// TestSmallNetwork: the network in package classifier is the one that the exporter writes, byte for byte.
func TestSmallNetwork(t *testing.T) {
	files, err := Files(small(t), Options{Name: Name{Package: "small", Path: "example.com/small", Module: true}, DType: classifier.Float32})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"weights.bin", "testdata/input.png", "testdata/golden.json"} {
		path := filepath.Join("classifier", filepath.FromSlash(name))
		if *update {
			if err := os.WriteFile(path, files[name], 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, files[name]) {
			t.Errorf("%s is not what the exporter writes (error %v): go test ./formats/gopackage -update", name, err)
		}
	}
}

// TestPackage: the written packages of networks that take images and of others build and pass their tests, with any class
// names, and import the standard library alone.
func TestPackage(t *testing.T) {
	images := small(t)
	images.Classes = []string{"ü \"`*/\n", "", "{{.}}", "\u2028"}
	values := weightsOf(t, graph(t, "`values`\n*/ {{", models.Shape{Channels: 5, Height: 6, Width: 7}, models.Layer{Kind: models.KindGlobalAvgPool}, models.Layer{Kind: models.KindLinear, Out: 7}))
	for _, c := range []struct {
		name, dtype string
		weights     weights.Weights
	}{{"images", classifier.BFloat16, images}, {"values", classifier.Float32, values}} {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			files, err := Files(c.weights, Options{Name: Name{Package: c.name, Path: "example.com/" + c.name, Module: true}, DType: c.dtype})
			if err != nil {
				t.Fatal(err)
			}
			for name, content := range files {
				path := filepath.Join(folder, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, content, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if out := command(t, folder, "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./..."); out != "example.com/"+c.name+"\nexample.com/"+c.name+"/cmd/serve\n" {
				t.Errorf("packages %q", out)
			}
			if out := command(t, folder, "gofmt", "-d", "."); out != "" {
				t.Error(out)
			}
			command(t, folder, "go", "test", "./...") // which vets too
		})
	}
}

// TestOtherProcessors: the package compiles where int has 32 bits, and without assembly.
func TestOtherProcessors(t *testing.T) {
	for _, processor := range []string{"386", "arm64"} {
		command(t, "classifier", "env", "GOARCH="+processor, "go", "build", ".")
	}
}

// command runs a program of Go outside the workspace and without cgo, and returns its output.
func command(t *testing.T, folder, name string, arguments ...string) string {
	t.Helper()
	cmd := exec.Command(name, arguments...)
	cmd.Dir, cmd.Env = folder, append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0", "GOFLAGS=", "GOPROXY=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	return string(out)
}

// TestNames: names of packages from those of folders.
func TestNames(t *testing.T) {
	for folder, want := range map[string]string{"flowers": "flowers", "My-Flowers_2": "myflowers2", "2x": "x", "ü": "classifier", "...": "classifier",
		"main": "classifier", "func": "classifier", "documentation": "classifier", "go": "classifier", "x.d": "xd"} {
		if got := identifier(folder); got != want {
			t.Errorf("%q: %q, want %q", folder, got, want)
		}
	}
	for text, want := range map[string]string{"module a.b/c\n": "a.b/c", "// module x\nmodule \"a.b/c\" // d\ngo 1.22": "a.b/c", "go 1.22\n": "", "": "", "\tmodule  `q`\n": "q"} {
		if got := modulePath(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestLicense: the package has the project's license.
func TestLicense(t *testing.T) {
	here, err := os.ReadFile("classifier/LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	if root, err := os.ReadFile("../../LICENSE"); err != nil || !bytes.Equal(here, root) {
		t.Errorf("classifier/LICENSE is not the LICENSE of the repository (error %v)", err)
	}
}
