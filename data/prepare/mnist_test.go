package prepare

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/progress"
)

// idx builds an IDX file.
func idx(magic uint32, data []byte, dims ...uint32) []byte {
	out := binary.BigEndian.AppendUint32(nil, magic)
	for _, d := range dims {
		out = binary.BigEndian.AppendUint32(out, d)
	}
	return append(out, data...)
}

// tinyMNIST writes two splits of 4x3 images, 5 and 2 of them, and returns their folder.
func tinyMNIST(t *testing.T) (source string, splits []mnistSplit) {
	t.Helper()
	source = t.TempDir()
	put := func(name string, data []byte) idxFile {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, err := w.Write(data)
		if err := errors.Join(err, w.Close(), os.WriteFile(filepath.Join(source, name), packed.Bytes(), 0o600)); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(packed.Bytes())
		return idxFile{name, hex.EncodeToString(sum[:])}
	}
	pixels := make([]byte, 5*12)
	for i := range pixels {
		pixels[i] = byte(i * 4)
	}
	return source, []mnistSplit{
		{"train", put("a", idx(idxImages, pixels, 5, 3, 4)), put("b", idx(idxLabels, []byte{7, 0, 7, 9, 1}, 5)), 5},
		{"val", put("c", idx(idxImages, pixels[:24], 2, 3, 4)), put("d", idx(idxLabels, []byte{3, 9}, 2)), 2},
	}
}

func TestLayOutMNIST(t *testing.T) {
	source, splits := tinyMNIST(t)
	dir := filepath.Join(t.TempDir(), "mnist")
	var last [2]int64
	if err := layOutMNIST(t.Context(), source, dir, splits, func(done, total int64) { last = [2]int64{done, total} }); err != nil {
		t.Fatal(err)
	}
	if last != [2]int64{7, 7} {
		t.Errorf("progress ended at %v", last)
	}
	d, _, err := data.ListFolder(filepath.Join(dir, "train"), "")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(d.Classes, "") != "0123456789" {
		t.Errorf("classes %q", d.Classes)
	}
	var paths []string
	for _, sample := range d.Samples {
		paths = append(paths, strings.TrimPrefix(sample.Path, dir+"/"))
	}
	if want := []string{"train/0/00001.png", "train/1/00004.png", "train/7/00000.png", "train/7/00002.png", "train/9/00003.png"}; !slices.Equal(paths, want) {
		t.Errorf("files %q, want %q", paths, want)
	}
	f, err := os.Open(filepath.Join(dir, "train/7/00002.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	gray, ok := m.(*image.Gray)
	if !ok || gray.Bounds() != image.Rect(0, 0, 4, 3) || gray.Pix[0] != 2*12*4 || gray.GrayAt(3, 2).Y != (2*12+11)*4 {
		t.Errorf("image %+v", m)
	}
	if left, _ := filepath.Glob(dir + ".tmp-*"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestLayOutMNISTRefuses(t *testing.T) {
	for _, c := range []struct {
		name, want string
		change     func(source string, s *mnistSplit)
	}{
		{"a changed file", "SHA-256", func(source string, s *mnistSplit) { s.images.sha256 = strings.Repeat("0", 64) }},
		{"a missing file", "no such file", func(source string, s *mnistSplit) { s.labels.name = "none" }},
		{"another count", "want 4", func(source string, s *mnistSplit) { s.count = 4 }},
		{"labels as images", "IDX header", func(source string, s *mnistSplit) { s.images = s.labels }},
	} {
		t.Run(c.name, func(t *testing.T) {
			source, splits := tinyMNIST(t)
			c.change(source, &splits[0])
			dir := filepath.Join(t.TempDir(), "mnist")
			err := layOutMNIST(t.Context(), source, dir, splits, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if left, _ := filepath.Glob(dir + "*"); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

func TestLayOutMNISTEndsWithItsContext(t *testing.T) {
	source, splits := tinyMNIST(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := layOutMNIST(ctx, source, filepath.Join(t.TempDir(), "mnist"), splits, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestMNISTWithoutGoSaysSo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := MNIST(t.Context(), t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "install Go") {
		t.Errorf("error %v", err)
	}
}

// TestMNIST reads all of the real data where its module is already in the module cache, and
// writes 1,000 images of each split: all 70,000 would show nothing new, and take minutes on a busy disk.
func TestMNIST(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 70,000 images")
	}
	t.Setenv("GOPROXY", "off")
	cache := t.TempDir()
	source, err := mnistSource(t.Context(), cache)
	if err != nil {
		t.Skipf("the data's module is not in the module cache: %v", err)
	}
	dir := filepath.Join(cache, "mnist")
	// The counts that the MNIST page gives for each digit.
	want := [][]int{{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}, {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}}
	for i, s := range mnistSplits {
		d, err := s.read(source)
		if err != nil {
			t.Fatal(err)
		}
		if got := digitCounts(d.labels); !slices.Equal(got, want[i]) || len(d.pixels) != s.count*28*28 {
			t.Errorf("%s has %v images a digit, %d bytes; want %v", s.name, got, len(d.pixels), want[i])
		}
		d.labels = d.labels[:1000]
		if err := d.write(t.Context(), filepath.Join(dir, s.name), progress.New(nil)); err != nil {
			t.Fatal(err)
		}
		folder, err := data.OpenFolder(filepath.Join(dir, s.name))
		if err != nil {
			t.Fatal(err)
		}
		if got := folder.Counts(); !slices.Equal(got, digitCounts(d.labels)) {
			t.Errorf("the folder of %s has %v images a digit, want %v", s.name, got, digitCounts(d.labels))
		}
	}
	if again, err := MNIST(t.Context(), cache, nil); err != nil || again != dir {
		t.Errorf("a folder that is there already: %q, %v", again, err)
	}
}

// digitCounts counts the labels of each digit.
func digitCounts(labels []byte) []int {
	counts := make([]int, 10)
	for _, label := range labels {
		counts[label]++
	}
	return counts
}

func FuzzIDX(f *testing.F) {
	f.Add(idx(idxImages, make([]byte, 24), 2, 3, 4))
	f.Add(idx(idxLabels, []byte{1, 2, 3}, 3))
	f.Add(idx(idxImages, nil, 1<<31, 1<<31, 4))
	f.Fuzz(func(t *testing.T, data []byte) {
		if pixels, n, w, h, err := readIDXImages(bytes.NewReader(data)); err == nil && (len(pixels) != n*w*h || n*w*h == 0) {
			t.Errorf("%d bytes for %d images of %dx%d", len(pixels), n, w, h)
		}
		if labels, err := readIDXLabels(bytes.NewReader(data)); err == nil && !bytes.Equal(idx(idxLabels, labels, uint32(len(labels))), data) {
			t.Errorf("%d labels of %d bytes", len(labels), len(data))
		}
	})
}
