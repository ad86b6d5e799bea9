//go:build !mutants && !invariants

package suite_test

import (
	"encoding/json"
	"fmt"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// equivalent lists planted errors that change no result, each with the reason.
var equivalent = map[string]string{
	"layers.go s[0] * s[1]: -(s[0] * s[1])": "gorgonia computes a negative size from the others, which gives the same number",
	"parts_gorgonia.go is Left":             "max pooling has this padding only if all four sides are equal",
}

// mutatedPackages hold the arithmetic of the comparison with gorgonia.
var mutatedPackages = []mutatedPackage{
	{dir: "..", name: "oracle", node: "Node", mutant: "Mutant",
		header: "// Mutant is the number of the active error, 0 for none.\nvar Mutant int",
		files: []string{"arithmetic.go", "arithmetic_kernels.go", "channels.go", "channels_kernels.go", "conv.go", "conv_kernels.go",
			"focal.go", "layers.go", "pool.go", "pool_kernels.go"}},
	{dir: ".", name: "suite", node: "oracle.Node", mutant: "oracle.Mutant", header: `import "depthwise.dev/autograd/oracle"`,
		files: []string{"parts_gorgonia.go"}, pairs: map[string]string{"Height": "Width", "Width": "Height", "Kernel": "Stride",
			"Stride": "Kernel", "Groups": "Kernel"}},
}

// TestMutants plants errors everywhere in the arithmetic, one at a time: signs changed, terms
// dropped, indices and neighbors exchanged, operations confused. A comparison with libtorch must
// find every one.
func TestMutants(t *testing.T) {
	overlay, planted := plantAll(t)
	cmd := exec.Command("go", "test", "-tags", "mutants", "-overlay", overlay, "-count", "1", "-v", "-run", "^TestEachMutant$", ".")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	caught := 0
	for line := range strings.Lines(string(out)) {
		verdict, mutant, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch verdict {
		case "caught":
			caught++
		case "survived":
			place, what, _ := strings.Cut(mutant, " ")
			file, _, _ := strings.Cut(place, ":")
			if _, ok := equivalent[file+" "+what]; !ok {
				t.Errorf("survived: %s", mutant)
			}
		}
	}
	t.Logf("%d mutants planted, %d caught, %d change no result", planted, caught, len(equivalent))
	if caught+len(equivalent) != planted || planted < 100 {
		t.Errorf("of %d mutants %d were caught, %d are known to change no result", planted, caught, len(equivalent))
	}
}

// plantAll writes the mutated packages and returns the overlay with which go builds them in place
// of the real ones.
func plantAll(t *testing.T) (overlay string, planted int) {
	t.Helper()
	m := &mutator{set: token.NewFileSet()}
	replace := map[string]string{}
	for _, p := range mutatedPackages {
		plant(t, m, p, replace)
	}
	writeMutated(t, mutatedPackages[0], "zz_list.go", []byte(fmt.Sprintf("package oracle\n\n// Mutants describes each.\nvar Mutants = %#v\n", m.list)), replace)
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay = filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(overlay, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return overlay, len(m.list)
}

// plant writes the mutated files of a package.
func plant(t *testing.T, m *mutator, p mutatedPackage, replace map[string]string) {
	t.Helper()
	m.pairs = p.pairs
	for _, name := range p.files {
		source, err := os.ReadFile(filepath.Join(p.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		before := len(m.list)
		code, err := m.file(name, source)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.list) == before {
			t.Errorf("%s: no error was planted", name)
		}
		writeMutated(t, p, name, code, replace)
	}
	writeMutated(t, p, "zz_mutants.go", []byte(helpers(p)), replace)
}

// writeMutated writes a file that replaces the one of that name in the package.
func writeMutated(t *testing.T, p mutatedPackage, name string, code []byte, replace map[string]string) {
	t.Helper()
	dir, err := filepath.Abs(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, code, 0o644); err != nil {
		t.Fatal(err)
	}
	replace[filepath.Join(dir, name)] = path
}
