package data

import (
	"fmt"
	"image"
	"math"
	"slices"
	"testing"

	"depthwise.dev/data/internal/random"
	"depthwise.dev/data/jpeg"
)

const sampled = 20000 // draws, as many as torchvision made

func TestErasedBoxesAreDistributedAsTorchvisions(t *testing.T) {
	for _, c := range readAugmentGolden(t).Erased {
		rng := random.New(3, random.Augment)
		var rows [][]float64
		for range sampled {
			b := eraseBox(c.Width, c.Height, rng)
			if b.Empty() || !b.In(image.Rect(0, 0, c.Width, c.Height)) {
				t.Fatalf("%v of %dx%d", b, c.Width, c.Height)
			}
			rows = append(rows, []float64{float64(b.Min.X), float64(b.Min.Y), float64(b.Dx()), float64(b.Dy())})
		}
		sameMoments(t, fmt.Sprintf("%dx%d", c.Width, c.Height), rows, c.Mean[:], c.Deviation[:])
	}
	if b := eraseBox(1, 1, random.New(3, random.Augment)); !b.Empty() { // nothing is smaller than one pixel
		t.Errorf("%v of 1x1", b)
	}
}

func TestEraseFillsItsBoxWithTheMean(t *testing.T) {
	p := Preprocess{Resolution: 16, Mean: [3]float64{0.485, 0.456, 0.406}}
	erased := 0
	for i := range 200 {
		c := goldenPicture(t, "wide", 16, 16)
		before := slices.Clone(c.Pixels)
		rng := random.New(4, random.Augment, uint64(i))
		Augment{Erase: 0.25}.apply(c, p, c.Pixels, rng)
		rng = random.New(4, random.Augment, uint64(i))
		box := image.Rectangle{}
		if rng.Float64() < 0.25 {
			box = eraseBox(16, 16, rng)
			erased++
		}
		for at, v := range c.Pixels {
			want := before[at]
			if image.Pt(at/3%16, at/48).In(box) {
				want = [3]uint8{124, 116, 104}[at%3] // 123.675, 116.28, 103.53
			}
			if v != want {
				t.Fatalf("image %d, byte %d: %d, want %d", i, at, v, want)
			}
		}
	}
	if erased < 30 || erased > 70 { // 50, five deviations of 6.1 less or more
		t.Errorf("%d of 200 were erased", erased)
	}
}

func TestJitterIsDrawnAsTorchvisions(t *testing.T) {
	for _, c := range readAugmentGolden(t).Jittered {
		j := Jitter{c.Jitter[0], c.Jitter[1], c.Jitter[2], c.Jitter[3]}
		rng := random.New(5, random.Augment)
		var rows [][]float64
		first := [4]int{}
		for range sampled {
			order, factors := j.draw(rng)
			first[order[0]]++
			rows = append(rows, factors[:])
		}
		sameMoments(t, fmt.Sprint(j), rows, c.Mean[:], c.Deviation[:])
		for what, n := range first {
			near(t, fmt.Sprintf("operation %d comes first", what), float64(n)/sampled, 0.25, 0.016)
		}
	}
}

// TestJitterGoesThroughItsOperations: what is off is left out, the rest done in order.
func TestJitterGoesThroughItsOperations(t *testing.T) {
	for i := range 50 {
		j := Jitter{Brightness: 0.4, Saturation: 0.3, Hue: 0.1}
		got, want := goldenPicture(t, "narrow", 20, 20), goldenPicture(t, "narrow", 20, 20)
		j.apply(got, random.New(6, random.Augment, uint64(i)))
		order, f := j.draw(random.New(6, random.Augment, uint64(i)))
		for _, what := range order {
			switch what {
			case 0:
				want.brightness(f[0])
			case 2:
				want.saturation(f[2])
			case 3:
				want.hue(f[3])
			}
		}
		if !slices.Equal(got.Pixels, want.Pixels) {
			t.Errorf("draw %d: order %v, factors %v", i, order, f)
		}
	}
}

func TestMixingIsDistributedAsTorchvisions(t *testing.T) {
	for _, c := range readAugmentGolden(t).Mixed {
		rng := random.New(7, random.Mix)
		var shares []float64
		var rows [][]float64
		for range sampled {
			shares = append(shares, beta(c.Alpha, rng))
			b, left := cutBox(beta(c.Alpha, rng), c.Side, c.Side, rng)
			rows = append(rows, []float64{float64(b.Min.X), float64(b.Min.Y), float64(b.Max.X), float64(b.Max.Y), left})
		}
		sameMoments(t, fmt.Sprintf("cutmix %v", c.Alpha), rows, c.Mean[:], c.Deviation[:])
		slices.Sort(shares)
		for i, want := range c.Quantiles {
			// The share of draws below torchvision's quantile, five deviations of both samples.
			below, _ := slices.BinarySearch(shares, want)
			near(t, fmt.Sprintf("mixup %v: draws below %v", c.Alpha, want), float64(below)/sampled, float64(i+1)/10, 5*0.5*math.Sqrt(2./sampled))
		}
	}
}

// mixedBatch is three pictures of other classes.
func mixedBatch(t *testing.T) *Batch {
	t.Helper()
	b := &Batch{N: 3, Width: 12, Height: 10, Labels: []int64{5, 6, 7}, Lambda: 1}
	for _, kind := range []string{"wide", "narrow", "two"} {
		b.Pixels = append(b.Pixels, goldenPicture(t, kind, 12, 10).Pixels...)
	}
	return b
}

// TestMixUp and TestCutMix: what the definitions say, pixel by pixel; the rolled batch
// of torchvision is the image before.
func TestMixUp(t *testing.T) {
	before, b := mixedBatch(t), mixedBatch(t)
	Augment{MixUp: 1}.mix(b, random.New(8, random.Mix), nil)
	share := float64(float32(b.Lambda))
	if b.Lambda <= 0 || b.Lambda >= 1 || !slices.Equal(b.MixedLabels, []int64{7, 5, 6}) || !slices.Equal(b.Labels, before.Labels) {
		t.Fatalf("share %v, labels %v with %v", b.Lambda, b.Labels, b.MixedLabels)
	}
	size := len(b.Pixels) / 3
	for i, v := range b.Pixels {
		other := before.Pixels[(i+2*size)%(3*size)]
		want := share*float64(before.Pixels[i]) + (1-share)*float64(other)
		if math.Abs(float64(v)-want) > 0.5001 {
			t.Fatalf("byte %d: %d, want %v", i, v, want)
		}
	}
}

func TestCutMix(t *testing.T) {
	for seed := range uint64(30) {
		before, b := mixedBatch(t), mixedBatch(t)
		Augment{CutMix: 1}.mix(b, random.New(seed, random.Mix), nil)
		size, others := len(b.Pixels)/3, 0
		for i := range b.Pixels {
			own, other := before.Pixels[i], before.Pixels[(i+2*size)%(3*size)]
			if b.Pixels[i] != own && b.Pixels[i] != other {
				t.Fatalf("byte %d is of neither image", i)
			}
			if b.Pixels[i] != own {
				others++
			}
		}
		// Pixels that are equal in both do not count, so the box is at least as large.
		if cut := (1 - b.Lambda) * float64(3*size); float64(others) > cut+1e-6 || float64(others) < 0.9*cut-1e-6 {
			t.Errorf("seed %d: %d bytes of others, share %v leaves %v", seed, others, b.Lambda, cut)
		}
	}
}

func TestMixingSkipsSmallBatches(t *testing.T) {
	one := mixedBatch(t)
	one.N, one.Pixels, one.Labels = 1, one.Pixels[:360], one.Labels[:1]
	whole := mixedBatch(t)
	for _, c := range []struct {
		name string
		a    Augment
		b    *Batch
	}{{"one image", Augment{MixUp: 1, CutMix: 1}, one}, {"nothing asked for", Augment{}, whole}} {
		want := slices.Clone(c.b.Pixels)
		c.a.mix(c.b, random.New(1, random.Mix), nil)
		if !slices.Equal(c.b.Pixels, want) || c.b.Lambda != 1 || len(c.b.MixedLabels) != 0 {
			t.Errorf("%s was mixed: share %v", c.name, c.b.Lambda)
		}
	}
}

// TestMixUpAndCutMixAlternate: with both on, about half of the batches are cut.
func TestMixUpAndCutMixAlternate(t *testing.T) {
	cut := 0
	for i := range uint64(400) {
		before, b := mixedBatch(t), mixedBatch(t)
		Augment{MixUp: 2, CutMix: 2}.mix(b, random.New(9, random.Mix, i), nil)
		size := len(b.Pixels) / 3
		isCut := true
		for i := range b.Pixels {
			isCut = isCut && (b.Pixels[i] == before.Pixels[i] || b.Pixels[i] == before.Pixels[(i+2*size)%(3*size)])
		}
		if isCut {
			cut++
		}
	}
	if cut < 150 || cut > 250 { // 200, five deviations of 10
		t.Errorf("%d of 400 batches were cut", cut)
	}
}

// TestAugmentingAllocatesNothing: nor does it for the first image of a size that was seen.
func TestAugmentingAllocatesNothing(t *testing.T) {
	c := goldenPicture(t, "wide", 32, 32)
	p := Preprocess{Resolution: 32}
	for _, policy := range []Policy{RandAugment, TrivialAugment} {
		a := Augment{Policy: policy, Erase: 0.5, Jitter: Jitter{0.4, 0.4, 0.4, 0.1}}
		rng := random.New(1, random.Augment)
		if n := testing.AllocsPerRun(300, func() { a.apply(c, p, c.Pixels, rng) }); n != 0 {
			t.Errorf("%s: %v allocations an image", policy, n)
		}
	}
	for _, op := range operations { // each of them, as a policy may not have drawn it
		if n := testing.AllocsPerRun(20, func() { op.apply(c, 0.5) }); n != 0 {
			t.Errorf("%s: %v allocations", op.name, n)
		}
	}
}

func TestAugmentValidate(t *testing.T) {
	good := Augment{Policy: RandAugment, Erase: 1, MixUp: 0.2, CutMix: 1, Jitter: Jitter{0.4, 0.4, 0.4, 0.5}}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, bad := range map[string]Augment{
		"policy": {Policy: "rand"}, "erase": {Erase: 1.1}, "mixup": {MixUp: -1}, "cutmix": {CutMix: math.NaN()},
		"hue": {Jitter: Jitter{Hue: 0.6}}, "brightness": {Jitter: Jitter{Brightness: -0.1}},
	} {
		if err := bad.Validate(); err == nil {
			t.Errorf("%s: %+v passes", name, bad)
		}
	}
}

func BenchmarkOperations(b *testing.B) {
	c := new(canvas)
	c.open(make([]uint8, 3*224*224), 224)
	for i := range c.Pixels {
		c.Pixels[i] = uint8(i * 7)
	}
	run := func(name string, f func()) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
		})
	}
	for _, op := range operations {
		run(op.name, func() { op.apply(c, op.rand(224).at(randAugmentMagnitude)) })
	}
	run("Hue", func() { c.hue(0.1) })
	run("Erase", func() { c.fill(image.Rect(40, 40, 120, 130), [3]uint8{}) })
	other := slices.Clone(c.Pixels)
	run("MixUp", func() { jpeg.Mix(c.Pixels, other, 0.3) })
}
