package classifier

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"
)

// goldenTolerance is relative to the largest logit: float32 rounding in up to 53 layers.
const goldenTolerance = 1e-4

// TestGolden: pixels and logits equal those that were computed when the network was exported, in float64 by plain loops.
func TestGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Pixels string
		Logits []string
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	want := make([]float64, len(golden.Logits))
	for i, text := range golden.Logits {
		if want[i], err = strconv.ParseFloat(text, 64); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range available() {
		t.Run(k.name, func(t *testing.T) {
			c, err := load(weights, k)
			if err != nil {
				t.Fatal(err)
			}
			compareLogits(t, goldenLogits(t, c, golden.Pixels), want)
		})
	}
}

// goldenLogits computes the logits of testdata/input.png, or of a formula if the network does not take images.
func goldenLogits(t *testing.T, c *Classifier, digest string) []float32 {
	if digest == "" {
		channels, rows, columns := c.Shape()
		values := make([]float32, channels*rows*columns)
		for i := range values {
			values[i] = float32(i*7919%1024)/256 - 2
		}
		logits, err := c.LogitsOf(values)
		if err != nil {
			t.Fatal(err)
		}
		return logits
	}
	file, err := os.Open("testdata/input.png")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	img, err := c.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	pixels, err := c.Pixels(img)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(pixels); hex.EncodeToString(sum[:]) != digest {
		t.Error("the pixels differ")
	}
	logits, err := c.Logits(pixels)
	if err != nil {
		t.Fatal(err)
	}
	return logits
}

func compareLogits(t *testing.T, got []float32, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d logits, want %d", len(got), len(want))
	}
	worst, largest := 0.0, 1.0
	for i, v := range want {
		if v != v && got[i] != got[i] || v == float64(got[i]) { // both NaN, or both infinite
			continue
		}
		if math.IsInf(v, 0) {
			t.Errorf("logit %d: %v, want %v", i, got[i], v)
			continue
		}
		worst, largest = max(worst, math.Abs(v-float64(got[i]))), max(largest, math.Abs(v))
	}
	t.Logf("largest difference %.2g of logits up to %.3g", worst, largest)
	if !(worst <= goldenTolerance*largest) {
		t.Errorf("largest difference %.2g of logits up to %.3g", worst, largest)
	}
}

func BenchmarkLogits(b *testing.B) {
	for _, k := range available() {
		b.Run(k.name, func(b *testing.B) {
			c, err := load(weights, k)
			if err != nil {
				b.Fatal(err)
			}
			channels, rows, columns := c.Shape()
			values := make([]float32, channels*rows*columns)
			b.ResetTimer()
			for i := 0; i < b.N; i++ {
				if _, err := c.LogitsOf(values); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
