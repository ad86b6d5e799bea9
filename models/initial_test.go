package models_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"testing"

	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// config is a variant at a width.
func config(t testing.TB, arch, variant string, width float64) mobilenet.Config {
	t.Helper()
	c, err := mobilenet.Default(arch, variant)
	if err != nil {
		t.Fatal(err)
	}
	c.Width = width
	return c
}

func graph(t testing.TB, c mobilenet.Config) *models.Graph {
	t.Helper()
	g, err := c.Graph()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// He's standard deviation for each kind of layer, and the seed's part in it.
func TestInitialValues(t *testing.T) {
	want := map[string]float64{ // sqrt(2 / (out * k*k)), the head 0.01
		"conv_stem.weight":          math.Sqrt(2.0 / (32 * 9)),
		"blocks.4.1.conv_dw.weight": math.Sqrt(2.0 / (1024 * 9)),
		"blocks.4.1.conv_pw.weight": math.Sqrt(2.0 / 1024),
		"classifier.weight":         0.01,
	}
	seen := 0
	for _, a := range graph(t, config(t, "mobilenet_v1", "paper", 1)).Arrays() {
		deviation, ok := want[a.Name]
		if !ok {
			continue
		}
		seen++
		values := a.Initial(3)
		var sum, squares float64
		for _, v := range values {
			sum, squares = sum+float64(v), squares+float64(v)*float64(v)
		}
		n := float64(len(values))
		// 864 values at least: five standard errors of the deviation are 5/sqrt(2*864) = 12 %.
		if got := math.Sqrt(squares / n); math.Abs(got/deviation-1) > 0.12 || math.Abs(sum/n) > 0.2*deviation {
			t.Errorf("%s: mean %v, deviation %v, want 0 and %v", a.Name, sum/n, got, deviation)
		}
		if !slices.Equal(values, a.Initial(3)) || slices.Equal(values, a.Initial(4)) {
			t.Errorf("%s: the values are not a function of the seed", a.Name)
		}
	}
	if seen != len(want) {
		t.Errorf("%d of %d arrays", seen, len(want))
	}
}

// The same seed gives the same bits, names and order of arrays as version 0.1 did: the hashes are of its code.
func TestInitialValuesAreAsBefore(t *testing.T) {
	for _, tc := range []struct {
		variant string
		width   float64
		want    string
	}{
		{"paper", 0.25, "75e050d63736fe615c5d36ed901818dd"},
		{"article", 0.25, "3e5436b4d88b1a9ffdd10883c133915b"},
		{"paper", 1, "9932b026dea24384c7f6937cc67af64b"},
	} {
		h := sha256.New()
		for _, a := range graph(t, config(t, "mobilenet_v1", tc.variant, tc.width)).Arrays() {
			fmt.Fprintln(h, a.Name, a.Shape)
			var bytes []byte
			for _, v := range a.Initial(42) {
				bytes = binary.LittleEndian.AppendUint32(bytes, math.Float32bits(v))
			}
			h.Write(bytes)
		}
		if got := fmt.Sprintf("%x", h.Sum(nil)[:16]); got != tc.want {
			t.Errorf("%s, width %v: %s, want %s", tc.variant, tc.width, got, tc.want)
		}
	}
}
