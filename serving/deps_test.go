package serving_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestDependencies: a program that only classifies stays small. Package gorgonia.org/tensor is
// allowed, with what it imports.
func TestDependencies(t *testing.T) {
	const maximum = 375 // packages, with the standard library; 351 with the first format of operations
	forbidden := []string{"gocloud.dev", "github.com/minio", "cloud.google.com", "gonum.org", "gorgonia.org/gorgonia",
		"depthwise.dev/autograd/oracle", "depthwise.dev/bench", "depthwise.dev/config", "depthwise.dev/data/remote",
		"depthwise.dev/diagnose", "depthwise.dev/hub", "depthwise.dev/optim", "depthwise.dev/report", "depthwise.dev/train"}
	tensor := dependencies(t, "gorgonia.org/tensor")
	list := dependencies(t, "depthwise.dev/serving", "depthwise.dev/classify")
	if !slices.Contains(list, "depthwise.dev/classify") || !slices.Contains(list, "depthwise.dev/backend") {
		t.Fatalf("incomplete list of %d packages", len(list))
	}
	if len(list) > maximum {
		t.Errorf("%d packages, want at most %d", len(list), maximum)
	}
	for _, p := range list {
		if slices.Contains(tensor, p) {
			continue
		}
		for _, f := range forbidden {
			if p == f || strings.HasPrefix(p, f+"/") {
				t.Errorf("imports %s", p)
			}
		}
	}
}

// dependencies lists packages and everything that they import.
func dependencies(t *testing.T, packages ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-deps"}, packages...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd, err)
	}
	return strings.Fields(string(out))
}
