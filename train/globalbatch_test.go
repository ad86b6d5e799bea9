package train

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/internal/testset"
	"depthwise.dev/tune"
)

// fakeGroup is a member of a group without other members, for what needs only the numbers.
type fakeGroup struct{ rank, size int }

func (g fakeGroup) Rank() int                          { return g.rank }
func (g fakeGroup) Size() int                          { return g.size }
func (g fakeGroup) Sum([]float64) error                { return nil }
func (g fakeGroup) Broadcast(b []byte) ([]byte, error) { return b, nil }
func (g fakeGroup) Gather(b []byte) ([][]byte, error)  { return [][]byte{b}, nil }
func (g fakeGroup) Process() *autograd.ProcessGroup    { return nil }

// TestChooseRanks: a new run records its ranks; one that is continued keeps the images of a batch, unless another batch size was
// given, which resume refuses.
func TestChooseRanks(t *testing.T) {
	c := small(t, testset.Images(t, 14, 3)) // 42 images
	c.BatchSize, c.MaxSteps = 8, 1
	fit(t, c)
	for _, tt := range []struct {
		name         string
		resume       bool
		batch, ranks int // as given
		size         int
		wantBatch    int
		wantRanks    int
	}{
		{"one process", false, 8, 0, 1, 8, 0},
		{"a group", false, 8, 0, 4, 8, 4},
		{"a configuration of 4 ranks", false, 8, 4, 2, 8, 4},
		{"the same command", true, 8, 0, 4, 8, 0},
		{"the same images of a batch", true, 4, 0, 2, 8, 0},
		{"the same process", true, 8, 0, 1, 8, 0},
		{"another batch size", true, 6, 0, 2, 6, 2},
		{"another batch size of one process", true, 6, 0, 1, 6, 0},
		{"chosen by the machine", true, config.AutoBatchSize, 0, 2, 8, 0},
	} {
		r := &run{ranks: ranks{fakeGroup{size: tt.size}}, config: c, images: images{train: &data.Dataset{Samples: make([]data.Sample, 42)}}}
		r.config.BatchSize, r.config.Ranks = tt.batch, tt.ranks
		if tt.resume {
			r.config.Resume = "auto"
		}
		r.chooseRanks()
		if r.config.BatchSize != tt.wantBatch || r.config.Ranks != tt.wantRanks {
			t.Errorf("%s: batch size %d of %d ranks, want %d of %d", tt.name, r.config.BatchSize, r.config.Ranks, tt.wantBatch, tt.wantRanks)
		}
	}
}

// TestCountStepsOfRanks: a step needs two images on one rank at least where batch norm cannot train on one.
func TestCountStepsOfRanks(t *testing.T) {
	for _, c := range []struct {
		images, batch, ranks, resolution int
		sync                             bool
		want                             int64
	}{
		{40, 4, 1, 32, false, 10}, {41, 4, 1, 32, false, 10}, {41, 4, 1, 40, false, 11},
		{40, 4, 2, 32, false, 5}, {42, 4, 2, 32, false, 5}, {43, 4, 2, 32, false, 6}, {42, 4, 2, 32, true, 6}, {41, 4, 2, 32, true, 5}, {42, 4, 2, 40, false, 6},
		{40, 1, 4, 32, false, 0}, {40, 1, 4, 32, true, 10},
	} {
		config := config.Default()
		config.BatchSize, config.Ranks, config.SyncBN = c.batch, c.ranks, c.sync
		config.Model.Width, config.Model.Resolution = 0.25, c.resolution
		net, err := Trainer{}.network(&config, 3)
		if err != nil {
			t.Fatal(err)
		}
		set := &data.Dataset{Samples: make([]data.Sample, c.images)}
		r := &run{ranks: ranks{fakeGroup{size: c.ranks}}, config: config, net: net, images: images{train: set}}
		options := r.loaderOptions(true)
		options.Workers = 0
		if r.loader, err = data.NewLoader(set, options); err != nil {
			t.Fatal(err)
		}
		steps, err := r.countSteps()
		if steps != c.want || (err != nil) != (c.want == 0) {
			t.Errorf("%+v: %d steps, error %v", c, steps, err)
		}
	}
}

// TestRangeTestOfRanks: it is refused.
func TestRangeTestOfRanks(t *testing.T) {
	_, err := Trainer{Group: fakeGroup{size: 2}}.FindLR(t.Context(), small(t, "data"), tune.Range{}, ignore)
	if err == nil || !strings.Contains(err.Error(), "runs in one process") {
		t.Errorf("error %v", err)
	}
}

// TestMergeRefuses: what other ranks send is checked.
func TestMergeRefuses(t *testing.T) {
	set := &data.Dataset{Classes: []string{"a", "b"}, Samples: make([]data.Sample, 3)}
	message := func(part string, rest ...byte) []byte {
		return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(part))), part...), rest...)
	}
	for _, c := range []struct {
		name    string
		message []byte
		want    string // "": it is right
	}{
		{"one image", message(`{"Samples":[2]}`, 0, 0, 0, 0, 0, 0, 128, 63), ""},
		{"nothing", message(`{}`), ""},
		{"empty", nil, "a message of 0 bytes"},
		{"cut off", message(`{}`)[:9], "a message of 1 bytes with 2 bytes of JSON"},
		{"half a number", message(`{}`, 1, 2), "a message of 4 bytes with 2 bytes of JSON"},
		{"no JSON", message(`{`), "unexpected end of JSON"},
		{"an image that is not there", message(`{"Samples":[3]}`), "image 3 of 3"},
		{"a negative image", message(`{"Samples":[-1]}`), "image -1 of 3"},
	} {
		b := &data.Batch{}
		values, err := addPart(set, b, nil, c.message)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
		if c.name == "one image" && fmt.Sprint(values, b.Samples, b.Labels, b.N) != "[0 1] [2] [0] 1" {
			t.Errorf("merged %v, %+v", values, b)
		}
	}
}

// TestConfigOfRanks: a run of two ranks records them, one of a process does not.
func TestConfigOfRanks(t *testing.T) {
	c := small(t, testset.Images(t, 14, 3))
	c.MaxSteps, c.Out = 1, filepath.Join(t.TempDir(), "one")
	fit(t, c)
	one := string(testset.Contents(t, filepath.Join(c.Out, configFile)))
	c.Out = filepath.Join(t.TempDir(), "two")
	trained(t, 2, c)
	two := string(testset.Contents(t, filepath.Join(c.Out, configFile)))
	if strings.Contains(one, "\nranks:") || !strings.Contains(two, "\nranks: 2\n") {
		t.Errorf("config.yaml of one process:\n%s\nof two ranks:\n%s", one, two)
	}
}

func TestWithoutRanks(t *testing.T) {
	for _, c := range []struct {
		name        string
		sync        bool
		compression string
		size        int
		want        string
	}{
		{"neither", false, config.CompressNone, 1, ""},
		{"several ranks", true, config.CompressBFloat16, 2, ""},
		{"batch norm", true, config.CompressNone, 1, "--sync-bn has no effect in one process: it is for several (--nproc N)"},
		{"compression", false, config.CompressBFloat16, 1, "--gradient-compression bf16 has no effect in one process: it is for several (--nproc N)"},
		{"both", true, config.CompressBFloat16, 1, "--sync-bn and --gradient-compression bf16 have no effect in one process: they are for several (--nproc N)"},
	} {
		if got := withoutRanks(config.Config{SyncBN: c.sync, GradientCompression: c.compression}, c.size); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
