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
	"layers.go s[0] * s[1]: -(s[0] * s[1])": "gorgonia takes a negative size for what the others leave, which is the same number",
}

// mutatedFiles hold the oracle's arithmetic.
var mutatedFiles = []string{"arithmetic.go", "arithmetic_kernels.go", "channels.go", "channels_kernels.go",
	"conv.go", "conv_kernels.go", "layers.go", "network.go", "pool.go", "pool_kernels.go"}

// TestMutants plants errors all over the oracle's arithmetic, one at a time: signs flipped, terms dropped, indices and
// neighbors exchanged, operations mistaken. Every one must be found by a comparison with libtorch.
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

// plantAll writes the mutated package and returns the file that tells go to build it in place of the real one.
func plantAll(t *testing.T) (overlay string, planted int) {
	t.Helper()
	dir := t.TempDir()
	package_, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	m := &mutator{set: token.NewFileSet()}
	replace := map[string]string{}
	write := func(name string, code []byte) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, code, 0o644); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(package_, name)] = path
	}
	for _, name := range mutatedFiles {
		source, err := os.ReadFile(filepath.Join(package_, name))
		if err != nil {
			t.Fatal(err)
		}
		code, err := m.file(name, source)
		if err != nil {
			t.Fatal(err)
		}
		write(name, code)
	}
	write("zz_mutants.go", []byte(helpers+fmt.Sprintf("\n// Mutants tells of each.\nvar Mutants = %#v\n", m.list)))
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay = filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return overlay, len(m.list)
}
