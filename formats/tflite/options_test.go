package tflite

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/internal/floats"
	"depthwise.dev/weights"
)

// TestFloat16: weights are the nearest halves, widened by an operator; what is small stays float32.
func TestFloat16(t *testing.T) {
	for _, g := range kinds {
		w := g.weights(t)
		full, half := parse(t, written(t, w, Options{})), parse(t, written(t, w, Options{Float16: true}))
		want, narrowed := map[string][]float64{}, 0
		for _, x := range full.tensors {
			want[x.name] = x.values()
		}
		for _, x := range half.tensors {
			if weight := strings.HasSuffix(x.name, ".weight"); weight != (x.element == typeFloat16) {
				t.Errorf("%s: %q has elements of type %d", g.name, x.name, x.element)
			}
			if x.element != typeFloat16 {
				continue
			}
			narrowed++
			for i, v := range x.values() {
				if nearest := floats.Half(floats.ToHalf(float32(want[x.name][i]))); float64(nearest) != v {
					t.Fatalf("%s: value %d of %q is %v, want %v", g.name, i, x.name, v, nearest)
				}
			}
		}
		widened := 0
		for _, o := range half.operators {
			if o.code == opDequantize {
				widened++
				if o.version != 3 || half.tensors[o.inputs[0]].element != typeFloat16 || half.tensors[o.outputs[0]].element != typeFloat32 {
					t.Errorf("%s: version %d of the operator that widens", g.name, o.version)
				}
			}
		}
		if widened != narrowed || narrowed == 0 && strings.Contains(g.name, "convolution") {
			t.Errorf("%s: %d weights are float16, %d are widened", g.name, narrowed, widened)
		}
		images, input := g.images()
		compare(t, half.run(t, input), reference(t, w, images), 2e-2) // of logits up to 10, halves have 11 bits
	}
}

// linearOf is a network of one linear layer on a global pool, whose first weight is v.
func linearOf(t *testing.T, v float32) weights.Weights {
	t.Helper()
	w := graph{"linear", kinds[0].input, append(pooled(), linear("head", 2))}.weights(t)
	values, err := checkpoints.Values[float32](w.Arrays[0])
	if err != nil {
		t.Fatal(err)
	}
	values[0] = v
	return w
}

// TestExtremes: special values keep their bits in float32, and in float16 only what is beyond it is refused.
func TestExtremes(t *testing.T) {
	for _, c := range []struct {
		name    string
		bits    uint32
		refused bool // in float16
	}{
		{"infinity", 0xff800000, false},
		{"NaN with a payload", 0x7fc12345, false},
		{"negative zero", 0x80000000, false},
		{"least subnormal", 1, false},
		{"greatest half", math.Float32bits(65504), false},
		{"rounds to the greatest half", math.Float32bits(65519), false},
		{"beyond half", math.Float32bits(65520), true},
		{"beyond half, negative", math.Float32bits(-1e10), true},
	} {
		w := linearOf(t, math.Float32frombits(c.bits))
		p := parse(t, written(t, w, Options{}))
		for _, x := range p.tensors {
			if got := binary.LittleEndian.Uint32(append(x.data, 0, 0, 0, 0)); x.name == "head.weight" && got != c.bits {
				t.Errorf("%s: bits %#x, want %#x", c.name, got, c.bits)
			}
		}
		var b bytes.Buffer
		err := Write(&b, w, Options{Float16: true})
		if (err != nil) != c.refused || err != nil && !strings.Contains(err.Error(), `layer "head": deploy: array "head.weight" holds`) {
			t.Errorf("%s: error %v in float16", c.name, err)
		}
		if err != nil && b.Len() > 0 {
			t.Errorf("%s: %d bytes before the error", c.name, b.Len())
		}
	}
}

// TestUint8Input: pixels give the logits of their normalized values.
func TestUint8Input(t *testing.T) {
	for _, g := range kinds {
		if g.input.Channels != 3 {
			continue
		}
		w := g.weights(t)
		p := parse(t, written(t, w, Options{Uint8Input: true}))
		if x := p.tensors[p.input]; x.element != typeUint8 || x.name != "input" {
			t.Errorf("%s: input %q of type %d", g.name, x.name, x.element)
		}
		images, pixels := g.images()
		for i := range pixels.values {
			pixels.values[i] = float64((i*37 + 5) % 256)
		}
		for n := range 2 {
			for c := range 3 {
				for y := range g.input.Height {
					for x := range g.input.Width {
						pixel := pixels.values[pixels.at(n, y, x, c)]
						images.values[images.at(n, c, y, x)] = (pixel/255 - w.Preprocess.Mean[c]) / w.Preprocess.Std[c]
					}
				}
			}
		}
		compare(t, p.run(t, pixels), reference(t, w, images), 1e-5) // scale and shift are float32
	}
}

// TestUint8InputErrors: networks that cannot take pixels.
func TestUint8InputErrors(t *testing.T) {
	without := kinds[0].weights(t)
	without.Preprocess.Std = [3]float64{0.2, 0, 0.2}
	for _, c := range []struct {
		name string
		w    weights.Weights
		want string
	}{
		{"one channel", graph{"one", kinds[7].input, kinds[7].layers}.weights(t), "need a network of 3 channels, this one has 1: export it with --uint8-input=false"},
		{"deviation of 0", without, "std [0.2 0 0.2] in the weights: set weights.Weights.Preprocess, or export them with --uint8-input=false"},
	} {
		if err := Write(&bytes.Buffer{}, c.w, Options{Uint8Input: true}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
		if err := Write(&bytes.Buffer{}, c.w, Options{}); err != nil { // the advice
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
