package report

import (
	"strings"
	"testing"
)

// TestPlainPlans: of the plans of a time limit a log has the first one and those that change its steps by a tenth.
func TestPlainPlans(t *testing.T) {
	var b strings.Builder
	p := NewPlain(&b)
	for _, steps := range []int64{1000, 1050, 960, 1099, 1100, 1050, 990, 989} {
		if err := p.Record(Budget{Step: 10, Steps: steps, Epochs: 3, Used: 5, Limit: 60}); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"1000 steps", "1100 steps", "990 steps"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no line of %s:\n%s", want, &b)
		}
	}
	if n := strings.Count(b.String(), "\n"); n != 3 {
		t.Errorf("%d lines:\n%s", n, &b)
	}
}
