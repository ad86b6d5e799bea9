package train

import (
	"strings"
	"testing"
	"time"

	"depthwise.dev/data"
	"depthwise.dev/report"
)

func TestBottleneck(t *testing.T) {
	const ms = time.Millisecond
	// 100 images of 2 MP and 400 KB, an epoch of 10 s.
	at := func(waited, reading, decoding time.Duration, change func(*inputStats)) inputStats {
		p := inputStats{seconds: 10, workers: 2, cores: 2, defaultWorkers: 2, resolution: 224,
			stats: data.LoaderStats{Waited: waited, Reading: reading, Decoding: decoding, Images: 100, Pixels: 100 * 2_000_000, Bytes: 100 * 400 << 10}}
		if change != nil {
			change(&p)
		}
		return p
	}
	for _, c := range []struct {
		name  string
		input inputStats
		want  []string // in the text; none: no text
	}{
		{"hardly waited", at(400*ms, 900*ms, 1100*ms, nil), []string{"the bottleneck is the training step: it waited for images 4.0 %", "9.0 ms to read and 11.0 ms to decode, 2 workers load at most 100 images per second, at most 10 % of the capacity of the cores"}},
		{"more than the cores", at(0, 30000*ms, 0, nil), []string{"it waited for images 0.0 %", "at most 100 %"}},
		{"no image", at(5000*ms, 0, 0, func(p *inputStats) { p.stats = data.LoaderStats{Waited: p.stats.Waited} }), nil},
		{"no time", at(0, 0, 0, func(p *inputStats) { p.seconds = 0 }), []string{"the bottleneck is the training step"}},
		{"waited long", at(5000*ms, 100*ms, 900*ms, nil), []string{"the bottleneck is the loader: training waited for images 50 %"}},
		{"decoding, few workers", at(5000*ms, 100*ms, 900*ms, func(p *inputStats) { p.workers = 1 }), []string{"50 % of the time", "1.0 ms to read and 9.0 ms to decode", "--workers 2,"}},
		{"one worker", at(400*ms, 900*ms, 1100*ms, func(p *inputStats) { p.workers = 1 }), []string{", 1 worker loads at most 50 images per second"}},
		{"several ranks", at(400*ms, 900*ms, 1100*ms, func(p *inputStats) { p.ranks = 3 }), []string{", the 3 ranks with --workers 2 load at most 300 images per second in all"}},
		{"decoding in the loop", at(5000*ms, 100*ms, 900*ms, func(p *inputStats) { p.workers = 0 }), []string{"--workers auto"}},
		{"decoding large files", at(1200*ms, 100*ms, 900*ms, nil), []string{"12 %", "help: --decode fast, which decodes images above 1000 pixels at half size, or smaller files: train data shard --max-side 512", "1414 pixels"}},
		{"decoding large files at half size", at(1200*ms, 100*ms, 900*ms, func(p *inputStats) { p.fast = true }), []string{"help: smaller files: train data shard --max-side 512", "1414 pixels"}},
		{"decoding with a GPU with all cores", at(5000*ms, 1000*ms, 149000*ms, func(p *inputStats) { p.workers, p.cores, p.defaultWorkers, p.stats.Pixels = 15, 16, 15, 100*300*300 }),
			[]string{"10.0 ms to read and 1490.0 ms to decode, 15 workers load at most 10 images per second", "help: a lower --resolution, less augmentation, or more cores"}},
		{"decoding with a GPU with few workers", at(5000*ms, 100*ms, 900*ms, func(p *inputStats) { p.workers, p.cores, p.defaultWorkers = 8, 16, 15 }), []string{"help: --workers 15, which use all cores"}},
		{"reading with a GPU", at(9000*ms, 900*ms, 100*ms, func(p *inputStats) { p.workers, p.cores, p.defaultWorkers = 15, 16, 15 }), []string{"help: --workers 64, which read"}},
		{"the step of a GPU", at(100*ms, 1000*ms, 79000*ms, func(p *inputStats) { p.workers, p.cores, p.defaultWorkers = 15, 16, 15 }), []string{"the bottleneck is the training step", "at most 50 % of the capacity of the cores"}},
		{"decoding small files", at(1200*ms, 100*ms, 900*ms, func(p *inputStats) { p.stats.Pixels = 100 * 300 * 300 }), []string{"lower --resolution", "more cores"}},
		{"decoding small files for small inputs", at(1200*ms, 100*ms, 900*ms, func(p *inputStats) { p.stats.Pixels, p.resolution = 100*400*400, 128 }), []string{"--max-side 320"}},
		{"reading files", at(9000*ms, 900*ms, 100*ms, nil), []string{"help: --workers 8, which read", "train data shard, which reads few large files", "400 KB"}},
		{"reading files, many workers", at(9000*ms, 900*ms, 100*ms, func(p *inputStats) { p.workers = 8 }), []string{"help: train data shard"}},
		{"reading shards at random", at(9000*ms, 900*ms, 100*ms, func(p *inputStats) { p.shards = true }), []string{"--shuffle-buffer 16384"}},
		{"reading shards as a stream", at(9000*ms, 900*ms, 100*ms, func(p *inputStats) { p.shards, p.streamed = true, true }), []string{"a faster disk"}},
		{"reading from afar", at(9000*ms, 900*ms, 100*ms, func(p *inputStats) { p.shards, p.streamed, p.remote = true, true, true }), []string{"help: a closer or faster server", "--shard-cache"}},
		{"more than the epoch", at(11000*ms, 900*ms, 100*ms, nil), []string{"100 %"}},
	} {
		got := c.input.describe()
		if len(c.want) == 0 && got != "" {
			t.Errorf("%s: %q, want nothing", c.name, got)
		}
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q does not say %q", c.name, got, want)
			}
		}
	}
}

// TestBottleneckIsRecordedOnce: the training step is recorded once, and again after the loader was
// the bottleneck.
func TestBottleneckIsRecordedOnce(t *testing.T) {
	step := inputStats{seconds: 10, cores: 2, stats: data.LoaderStats{Images: 100}}
	loader, none := step, inputStats{seconds: 10}
	loader.stats.Waited = 5 * time.Second
	var notes []string
	r := &run{recorder: report.Multi{recorderFunc(func(e report.Event) error {
		notes = append(notes, e.(report.Note).Text)
		return nil
	})}}
	for epoch, p := range []inputStats{none, step, step, none, step, loader, loader, step, step} {
		r.Epoch = epoch
		if err := r.recordBottleneck(p); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"epoch 2: the bottleneck is the training step", "epoch 6: the bottleneck is the loader", "epoch 7: the bottleneck is the loader", "epoch 8: the bottleneck is the training step"}
	if len(notes) != len(want) {
		t.Fatalf("%d notes, want %d: %q", len(notes), len(want), notes)
	}
	for i, text := range notes {
		if !strings.HasPrefix(text, want[i]+": ") {
			t.Errorf("note %d is %q, want %q", i, text, want[i])
		}
	}
}
