package data

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/data/internal/random"
	"depthwise.dev/data/jpeg"
)

// geometryCase is one image and what torchvision made of it.
type geometryCase struct {
	Image, Pillow, Tensor string
	Resolution, Resize    int
	Interpolation         string
	Crop                  []int // x, y, width, height
}

func TestGeometryEqualsTorchvision(t *testing.T) {
	var cases []geometryCase
	readJSON(t, "testdata/geometry/cases.json", &cases)
	if len(cases) < 60 {
		t.Fatalf("%d cases", len(cases))
	}
	r := openReader(t)
	for _, c := range cases {
		t.Run(strings.TrimSuffix(c.Pillow, ".pillow"), func(t *testing.T) {
			if err := r.Open(t.Context(), Sample{Path: filepath.Join("testdata/geometry", c.Image)}); err != nil {
				t.Fatal(err)
			}
			p := Preprocess{Resolution: c.Resolution, Resize: c.Resize, Interpolation: c.Interpolation}
			v := p.evaluation(r.width, r.height)
			if c.Crop != nil {
				v = view{resize: jpeg.Resize{
					Filter: p.filter(),
					X:      jpeg.Axis{Origin: c.Crop[0], Size: c.Crop[2], Scaled: c.Resolution, Count: c.Resolution},
					Y:      jpeg.Axis{Origin: c.Crop[1], Size: c.Crop[3], Scaled: c.Resolution, Count: c.Resolution},
				}}
			}
			got := make([]byte, 3*c.Resolution*c.Resolution)
			if err := r.draw(v, c.Resolution, got); err != nil {
				t.Fatal(err)
			}
			pillow, _, _ := readGolden(t, filepath.Join("testdata/geometry", c.Pillow))
			tensor, _, _ := readGolden(t, filepath.Join("testdata/geometry", c.Tensor))
			if mean, worst := difference(t, got, tensor); worst != 0 {
				t.Errorf("differs from the tensors' by %.3f on average, %d at most", mean, worst)
			}
			// Pillow's weights have 22 bits, and some tall images get its vertical pass first. A cubic overshoots, and
			// values beyond 0..255 are clipped between the passes, so the order shows there: measured 0.283 and 9.
			most, mostMean := 1, 0.25
			if c.Interpolation == Bicubic {
				most, mostMean = 9, 0.3
			}
			if mean, worst := difference(t, got, pillow); worst > most || mean > mostMean {
				t.Errorf("differs from Pillow's by %.3f on average, %d at most", mean, worst)
			}
		})
	}
}

func TestRandomCropsAreDistributedAsTorchvisions(t *testing.T) {
	var cases []struct {
		Width, Height   int
		Scale, Ratio    [2]float64
		Mean, Deviation [4]float64 // x, y, width, height of 20,000 boxes
	}
	readJSON(t, "testdata/crops.json", &cases)
	for _, c := range cases {
		a := Augment{Crop: true, CropScale: c.Scale, CropRatio: c.Ratio}
		const n = 20000
		var sum, squares [4]float64
		for i := range n {
			x, y, w, h := a.randomCrop(c.Width, c.Height, random.New(5, random.Augment, 0, uint64(i)))
			if x < 0 || y < 0 || w < 1 || h < 1 || x+w > c.Width || y+h > c.Height {
				t.Fatalf("%dx%d: crop %d,%d %dx%d is not inside", c.Width, c.Height, x, y, w, h)
			}
			for k, v := range [4]int{x, y, w, h} {
				sum[k] += float64(v)
				squares[k] += float64(v) * float64(v)
			}
		}
		for k := range 4 {
			mean := sum[k] / n
			deviation := math.Sqrt(max(squares[k]/n-mean*mean, 0))
			standard := c.Deviation[k]*math.Sqrt(2./n) + 1e-9 // of the difference of two such means
			if math.Abs(mean-c.Mean[k]) > 4*standard {
				t.Errorf("%dx%d %v: mean %d is %.3f, want %.3f", c.Width, c.Height, c.Scale, k, mean, c.Mean[k])
			}
			if math.Abs(deviation-c.Deviation[k]) > 0.03*c.Deviation[k]+1e-3 {
				t.Errorf("%dx%d %v: deviation %d is %.3f, want %.3f", c.Width, c.Height, c.Scale, k, deviation, c.Deviation[k])
			}
		}
	}
}

func TestPadCentersOnBlack(t *testing.T) {
	p := Preprocess{Resolution: 64, Fit: FitPad}
	got, err := LoadImage("testdata/geometry/40x40.jpg", p)
	if err != nil {
		t.Fatal(err)
	}
	r := openReader(t)
	if err := r.Open(t.Context(), Sample{Path: "testdata/geometry/40x40.jpg"}); err != nil {
		t.Fatal(err)
	}
	want := make([]byte, 3*40*40)
	if err := r.draw(original(40, 40), 40, want); err != nil {
		t.Fatal(err)
	}
	for y := range 64 {
		for x := range 64 {
			pixel := [3]byte(got[3*(64*y+x):])
			expected := [3]byte{}
			if x >= 12 && x < 52 && y >= 12 && y < 52 {
				expected = [3]byte(want[3*(40*(y-12)+x-12):])
			}
			if pixel != expected {
				t.Fatalf("pixel %d,%d is %v, want %v", x, y, pixel, expected)
			}
		}
	}
}

func TestPadReducesTheLongerSide(t *testing.T) {
	v := Preprocess{Resolution: 32, Fit: FitPad}.evaluation(33, 200)
	if v.resize.X.Count != 5 || v.resize.Y.Count != 32 || v.left != 13 || v.top != 0 {
		t.Errorf("view %+v", v)
	}
}

func TestFlipMirrorsThePaddedImage(t *testing.T) {
	r := openReader(t)
	p := Preprocess{Resolution: 41, Fit: FitPad} // one column more on the right than on the left
	if err := r.Open(t.Context(), Sample{Path: "testdata/geometry/40x40.jpg"}); err != nil {
		t.Fatal(err)
	}
	plain, flipped := make([]byte, 3*41*41), bytesOf(200, 3*41*41)
	for flip, dst := range map[float64][]byte{0: plain, 1: flipped} {
		if err := r.draw(Augment{Flip: flip}.view(p, 40, 40, random.New(1, random.Augment)), 41, dst); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 41 * 41 {
		mirrored := i/41*41 + 40 - i%41
		if [3]byte(plain[3*i:]) != [3]byte(flipped[3*mirrored:]) {
			t.Fatalf("pixel %d,%d differs from its mirror image", i%41, i/41)
		}
	}
}

func bytesOf(v byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = v
	}
	return b
}

func TestValidateNamesEveryWrongField(t *testing.T) {
	err := LoaderOptions{
		BatchSize: 0, Workers: -1, Prefetch: -1, Train: true,
		Preprocess: Preprocess{Resolution: 0, Fit: "stretch", Resize: -3, Interpolation: "nearest"},
		Augment:    Augment{Crop: true, CropScale: [2]float64{0, 2}, CropRatio: [2]float64{2, 1}, Flip: math.NaN()},
	}.Validate()
	for _, want := range []string{"batch size", "workers", "prefetch", "resolution", "fit", "resize", "interpolation", "crop scale", "crop ratio", "flip"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named in: %v", want, err)
		}
	}
}
