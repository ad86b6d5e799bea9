package report

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"depthwise.dev/internal/terminal"
)

var colorCodes = regexp.MustCompile("\x1b\\[[0-9;]*m")

func visible(text string) string { return colorCodes.ReplaceAllString(text, "") }

// TestBar compares what a terminal shows during a run, and at its end, with testdata/bar-COLUMNS.txt.
func TestBar(t *testing.T) {
	for _, columns := range []int{5, 25, 40, 80, 120, 200} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			var out bytes.Buffer
			clock := newClock()
			var got strings.Builder
			recordRun(t, newBar(&out, func() int { return columns }, clock.now), clock, func(point string) {
				list := screen(t, out.String(), max(columns, 120))
				fmt.Fprintf(&got, "%s:\n%s\n", point, list[len(list)-1])
			})
			fmt.Fprintf(&got, "final screen:\n%s", strings.Join(screen(t, out.String(), max(columns, 120)), "\n"))
			golden(t, fmt.Sprintf("bar-%d.txt", columns), got.String())
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := content(t, path); got != want {
		t.Errorf("differs from %s (go test ./report -run TestBar -update writes it):\n%s", path, got)
	}
}

// runs are runs of different lengths and speeds.
var runs = []struct {
	name          string
	epochs, batch int // batches of an epoch
	step, val     time.Duration
	valBatches    int
	multi         bool
	loss          float64
}{
	{"ordinary", 12, 57, 150 * time.Millisecond, 50 * time.Millisecond, 5, false, 2.1},
	{"300 epochs of fast steps", 300, 8, 10 * time.Millisecond, 10 * time.Millisecond, 1, false, 0.0123},
	{"slow steps", 90, 40, 10 * time.Second, 4 * time.Second, 10, false, 153.2},
	{"without validation", 3, 10, time.Second, 0, 0, false, 6.9},
	{"epochs of one step", 20, 1, time.Second, time.Second, 1, false, 1e7},
	{"many steps", 1000, 120000, time.Second, time.Second, 4000, false, 7},
	{"several labels", 12, 57, time.Second, time.Second, 5, true, 0.7},
	{"diverged", 12, 57, time.Second, time.Second, 5, false, math.Inf(1)},
}

// TestBarFits checks that at every width the line leaves the last column free, has the loss and the time left from 40 columns on,
// and has the same width from the first step to the last validation.
func TestBarFits(t *testing.T) {
	for _, r := range runs {
		for columns := 20; columns <= 250; columns += 1 + columns/130*6 { // all up to 130
			var out bytes.Buffer
			clock := newClock()
			b := newBar(&out, func() int { return columns }, clock.now)
			steps := r.epochs * r.batch
			record(t, b, Start{Run: "r", Images: 32 * r.batch, ValImages: 32 * r.valBatches, Epochs: r.epochs, Batches: r.batch, Steps: int64(steps), MultiLabel: r.multi})
			out.Reset()
			width := -1
			check := func() {
				t.Helper()
				line := visible(b.line)
				switch got := terminal.Width(line); {
				case got >= columns:
					t.Fatalf("%s, %d columns: %d wide: %q", r.name, columns, got, line)
				case width >= 0 && got != width:
					t.Fatalf("%s, %d columns: %d wide, before %d: %q", r.name, columns, got, width, line)
				default:
					width = got
				}
				if columns >= 40 && !(strings.Contains(line, "loss ") && strings.HasSuffix(line, " left") && strings.Contains(line, "%")) {
					t.Fatalf("%s, %d columns: no loss, percentage or time left: %q", r.name, columns, line)
				}
			}
			for _, epoch := range []int{1, r.epochs/2 + 1, r.epochs} {
				for _, batch := range []int{1, r.batch} {
					clock.sleep(r.step)
					record(t, b, Step{Step: int64((epoch-1)*r.batch + batch), Epoch: epoch, Batch: batch, Batches: r.batch, Loss: r.loss * float64(batch), Top1: float64(batch) / float64(r.batch),
						Images: 32, ImagesPerSecond: 32 / r.step.Seconds()})
					check()
				}
				for batch := 1; batch <= r.valBatches; batch += max(1, r.valBatches-1) {
					clock.sleep(r.val)
					record(t, b, Validation{Epoch: epoch, Batch: batch, Batches: r.valBatches})
					check()
				}
			}
		}
	}
}

// TestTable checks that rows and header have the same columns, that they fit, and when the header appears.
func TestTable(t *testing.T) {
	averaged := anEpoch
	averaged.Averaged, averaged.EMAValLoss, averaged.EMAValTop1, averaged.EMAValTop5 = true, 1.5, 0.5, 0.8
	multi := averaged
	multi.ValMAP, multi.EMAValMAP = 0.61, 0.62
	alone := anEpoch
	alone.ValImages = 0
	odd := anEpoch
	odd.TrainLoss, odd.ValLoss, odd.Skipped, odd.DataWaitShare, odd.Seconds = math.Inf(1), math.NaN(), 12, 0.66, 1e6
	for _, c := range []struct {
		name string
		e    Epoch
	}{{"validated", anEpoch}, {"averaged", averaged}, {"several labels", multi}, {"without validation", alone}, {"odd", odd}} {
		for columns := 20; columns <= 250; columns++ {
			var tb table
			e := c.e
			e.Best = e.ValImages > 0
			list := tb.add(e, Start{Epochs: 12, Steps: 684}, columns)
			if len(list) != 2 {
				t.Fatalf("%s: %d lines", c.name, len(list))
			}
			for _, line := range list {
				if terminal.Width(line) >= columns {
					t.Fatalf("%s, %d columns: too wide: %q", c.name, columns, line)
				}
			}
			if columns >= 40 && e.ValImages > 0 && !(strings.Contains(list[0], "loss") && strings.Contains(list[0], "val") && strings.Contains(list[1], "best")) {
				t.Fatalf("%s, %d columns: the loss, the accuracy or the best epoch is missing:\n%s", c.name, columns, strings.Join(list, "\n"))
			}
			if next := tb.add(c.e, Start{Epochs: 12, Steps: 684}, columns); len(next) != 1 {
				t.Fatalf("%s, %d columns: the second row has %d lines", c.name, columns, len(next))
			}
		}
	}
}

func TestTableHeader(t *testing.T) {
	averaged := anEpoch
	averaged.Averaged = true
	var tb table
	for i, c := range []struct {
		name    string
		e       Epoch
		columns int
		want    int // lines
	}{
		{"first row", anEpoch, 80, 2}, {"second row", anEpoch, 80, 1}, {"another width with the same columns", anEpoch, 81, 1},
		{"narrower", anEpoch, 40, 2}, {"again wide", anEpoch, 80, 2}, {"more columns", averaged, 120, 2},
	} {
		if got := len(tb.add(c.e, Start{}, c.columns)); got != c.want {
			t.Errorf("%d, %s: %d lines, want %d", i, c.name, got, c.want)
		}
	}
	headers := 0
	for range 3 * headerEvery {
		headers += len(tb.add(averaged, Start{}, 120)) - 1
	}
	if headers != 3 && headers != 2 {
		t.Errorf("%d headers in %d rows", headers, 3*headerEvery)
	}
}

// TestColors: the best epoch, warnings and the header are colored, and nothing without a palette.
func TestColors(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	t.Setenv("CLICOLOR_FORCE", "1")
	best := anEpoch
	best.Best = true
	for _, c := range []struct {
		name  string
		event Event
		want  string
	}{
		{"warning", Note{Level: Warning, Text: "careful"}, "\x1b[33mwarning:\x1b[0m careful\n"},
		{"skipped image", aSkip, "\x1b[33mwarning:\x1b[0m step 57"},
		{"message", Note{Level: Info, Text: "warning: no"}, "warning: no\n"},
		{"best accuracy", best, "\x1b[32m    42.0%\x1b[0m"},
		{"best epoch", best, "\x1b[32mbest\x1b[0m"},
		{"header", best, "\x1b[1mepoch "},
	} {
		var out bytes.Buffer
		record(t, NewBar(&out, true), c.event)
		if !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: %q lacks %q", c.name, out.String(), c.want)
		}
		out.Reset()
		t.Setenv("NO_COLOR", "1")
		record(t, NewBar(&out, true), c.event)
		if visible(out.String()) != out.String() {
			t.Errorf("%s: colors despite NO_COLOR: %q", c.name, out.String())
		}
		t.Setenv("NO_COLOR", "")
	}
	var out bytes.Buffer
	record(t, NewPlain(&out), aNote, best)
	if want := "\x1b[33mwarning:\x1b[0m loss is high\nepoch 3/12  "; !strings.HasPrefix(out.String(), want) {
		t.Errorf("plain lines with forced colors: %q", out.String())
	}
}

// TestBarResized: the width is asked for each time.
func TestBarResized(t *testing.T) {
	var out bytes.Buffer
	clock, columns := newClock(), 120
	b := newBar(&out, func() int { return columns }, clock.now)
	record(t, b, Start{Run: "r", Epochs: 12, Batches: 57, Steps: 684})
	for i, c := range []int{120, 40, 80, 20, 200} {
		columns = c
		clock.sleep(time.Second)
		record(t, b, Step{Step: int64(i + 1), Epoch: 1, Batch: i + 1, Batches: 57, Loss: 2})
		if got := terminal.Width(b.line); got >= c || got < min(c, 80)*2/3 {
			t.Errorf("%d columns: %d wide: %q", c, got, b.line)
		}
	}
}

// TestBarWithTimeLimit: a plan, which changes the number of epochs, does not move the bar.
func TestBarWithTimeLimit(t *testing.T) {
	for _, columns := range []int{40, 80, 120} {
		var out bytes.Buffer
		clock := newClock()
		b := newBar(&out, func() int { return columns }, clock.now)
		record(t, b, Start{Run: "r", Batches: 19})
		at := -1
		for i, epochs := range []int{0, 8, 12, 9, 300} {
			if epochs > 0 {
				record(t, b, Budget{Step: int64(i), Steps: int64(19 * epochs), Epochs: epochs, Limit: 6})
			}
			clock.sleep(time.Second)
			record(t, b, Step{Step: int64(i + 1), Epoch: 1, Batch: i + 1, Batches: 19, Loss: 2})
			loss := terminal.Width(b.line[:strings.Index(b.line, "loss")])
			if at >= 0 && loss != at {
				t.Errorf("%d columns, %d epochs: the loss moves from column %d to %d: %q", columns, epochs, at, loss, b.line)
			}
			at = loss
		}
	}
}

// TestRepeatedNotes: what is said after each epoch is shown once; warnings always.
func TestRepeatedNotes(t *testing.T) {
	var out bytes.Buffer
	b := newBar(&out, func() int { return 80 }, newClock().now)
	record(t, b, Note{Info, "epoch 1: waited 11.5 %"}, Note{Info, "epoch 2: waited 8 %"}, Note{Info, "epoch 3: other"}, Note{Warning, "step 1"}, Note{Warning, "step 2"},
		Budget{Step: 3, Steps: 100, Epochs: 2, Limit: 60, StepSeconds: 1}, Budget{Step: 9, Steps: 90, Epochs: 2, Limit: 60, StepSeconds: 1})
	want := "epoch 1: waited 11.5 %\nepoch 3: other\nwarning: step 1\nwarning: step 2\ntime limit 1:00: 100 steps fit, in 2 epochs; 0:00 used; 1 s a step, 0 s at an\n  epoch's end\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestBarLine(t *testing.T) {
	rep := strings.Repeat
	for _, c := range []struct {
		name    string
		a       Amount
		what    string
		left    time.Duration
		columns int
		want    string
	}{
		{"80 columns", Amount{50, 100}, "shard: 100 images", 5 * time.Second, 80, " 50% |" + rep("█", 15) + rep(" ", 15) + "|  shard: 100 images    0:05 left"},
		{"unknown time", Amount{0, 100}, "shard: 100 images", -1, 80, "  0% |" + rep(" ", 30) + "|  shard: 100 images   --:-- left"},
		{"40 columns", Amount{99, 100}, "shard: 100 images", 62 * time.Minute, 40, " 99%  shard: 100 images   1h02m left"},
		{"a long name", Amount{1, 3}, "mobilenetv1_100.ra4_e3600_r224_in1k: 17.1 MB", time.Hour, 40, " 33%  mobilenetv1_100.ra4_   1h00m left"},
		{"wide characters", Amount{1, 3}, "写真写真写真写真写真写真", time.Hour, 40, " 33%  写真写真写真写真写真   1h00m left"},
		{"nothing to do", Amount{0, 0}, "x", 0, 25, "  0%  x    0:00 left"},
		{"narrow", Amount{1, 2}, "x", 0, 10, ""},
	} {
		got := BarLine(c.a, c.what, c.left, c.columns)
		if got != c.want && c.want != "" || terminal.Width(got) >= c.columns {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}
