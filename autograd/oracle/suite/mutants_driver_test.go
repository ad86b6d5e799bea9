//go:build mutants

package suite_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/oracle"
	"depthwise.dev/autograd/oracle/suite"
	"depthwise.dev/models/mobilenet"
)

// TestEachMutant is run by TestMutants in a build whose oracle has errors planted: oracle.Mutant switches one of
// oracle.Mutants on. It prints each of them that no comparison with libtorch finds.
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

// mutantTasks are comparisons of the oracle with libtorch, the quick ones first; each names what it finds wrong.
func mutantTasks(t *testing.T) []func() string {
	ctx := context.Background()
	engines, err := suite.ByName("gorgonia")
	if err != nil {
		t.Fatal(err)
	}
	var tasks []func() string
	for _, c := range append(suite.Operations(1), suite.Layers()...) {
		want, err := suite.Reference.Case(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		tasks = append(tasks, func() string { return found(c.Name, suite.JudgeCase(ctx, engines[0], c, want)) })
	}
	for _, variant := range mobilenet.Variants() {
		c, err := mobilenet.Variant(variant)
		if err != nil {
			t.Fatal(err)
		}
		c.Width, c.Resolution, c.Classes = 0.005, 32, 3
		for _, mode := range []autograd.Mode{autograd.Training, autograd.Evaluation} {
			n := suite.NewNetwork(c, mode, suite.Draw("images", -2, 2, 4, 3, 32, 32), []int64{0, 2, 1, 1})
			want, err := suite.Reference.Network(ctx, n)
			if err != nil {
				t.Fatal(err)
			}
			tasks = append(tasks, func() string { return found(n.String(), suite.JudgeNetwork(ctx, engines[0], n, want)) })
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
