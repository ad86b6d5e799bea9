//go:build mutants

package suite_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd/oracle"
	"depthwise.dev/autograd/oracle/suite"
	"depthwise.dev/models"
)

// TestEachMutant runs in the build of TestMutants, with planted errors: oracle.Mutant activates one
// of oracle.Mutants. It prints whether a comparison with libtorch finds it.
func TestEachMutant(t *testing.T) {
	tasks := mutantTasks(t)
	for k := range len(oracle.Mutants) + 1 { // 0 is the oracle itself, which must agree
		oracle.Mutant = k
		by := ""
		for _, task := range tasks {
			if by = task(); by != "" {
				break
			}
		}
		switch {
		case k == 0 && by != "":
			t.Fatalf("the oracle without an error differs: %s", by)
		case k == 0:
		case by == "":
			fmt.Printf("survived %s\n", oracle.Mutants[k-1])
		default:
			fmt.Printf("caught %s by %s\n", oracle.Mutants[k-1], by)
		}
	}
}

// mutantTasks are comparisons of gorgonia with libtorch, the fastest first; each returns the
// difference that it finds, or "".
func mutantTasks(t *testing.T) []func() string {
	ctx := context.Background()
	i := slices.IndexFunc(suite.Engines, func(e suite.Engine) bool { return e.Name == "gorgonia" })
	if i < 0 {
		t.Fatal("suite.Engines has no row gorgonia")
	}
	gorgonia := suite.Engines[i]
	var tasks []func() string
	for _, c := range append(suite.Operations(1), suite.Layers()...) {
		want, err := suite.Reference.Case(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		tasks = append(tasks, func() string { return found(c.Name, suite.CompareCase(ctx, gorgonia, c, want)) })
	}
	graphs := []*models.Graph{everyKind(t)}
	for _, v := range [][2]string{{"mobilenet_v1", "paper"}, {"mobilenet_v1", "article"}, {"mobilenet_v2", "torchvision"}, {"mobilenet_v2", "keras"}} {
		graphs = append(graphs, mobileNet(t, v[0], v[1], 0.005, 32))
	}
	for _, g := range graphs {
		for _, mode := range bothModes {
			n := suite.NoiseNetwork(g, mode, 4)
			want, err := suite.Reference.Network(ctx, n)
			if err != nil {
				t.Fatal(err)
			}
			tasks = append(tasks, func() string { return found(n.String(), suite.CompareNetwork(ctx, gorgonia, n, want)) })
		}
	}
	return tasks
}

func found(what string, c suite.Cell) string {
	if !c.Failed {
		return ""
	}
	return fmt.Sprintf("%q: %s%.100s", what, c.Value, strings.ReplaceAll(c.Error, "\n", " "))
}
