package weights_test

import (
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/weights/weightstest"
)

// TestValues: the values of all arrays by their names; another type is an error that names the array.
func TestValues(t *testing.T) {
	w := weightstest.New(t)
	values, err := w.Values()
	if err != nil || len(values) != len(w.Arrays) {
		t.Fatalf("%d of %d arrays, %v", len(values), len(w.Arrays), err)
	}
	for _, a := range w.Graph.Arrays() {
		if got, want := values[a.Name], a.Initial(3); len(got) != len(want) || got[0] != want[0] {
			t.Errorf("%s: %d values, want %d", a.Name, len(got), len(want))
		}
	}
	other, err := checkpoints.NewArray("counts", []int64{1, 2}, 2)
	if err != nil {
		t.Fatal(err)
	}
	w.Arrays = append(w.Arrays, other)
	if _, err := w.Values(); err == nil || !strings.Contains(err.Error(), `"counts"`) {
		t.Errorf("integers: %v", err)
	}
}
