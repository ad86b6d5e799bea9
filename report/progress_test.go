package report

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// recordRun records two epochs of 40 batches, half a second each, each with a validation of 4
// batches. It calls look at named points.
func recordRun(t *testing.T, r Recorder, clock *fakeClock, look func(point string)) {
	t.Helper()
	record(t, r, Start{Run: "runs/a", Images: 1280, ValImages: 100, Epochs: 2, Batches: 40, Steps: 80, Description: "MobileNet paper\nabout 0:40\n"})
	look("start")
	for epoch := 1; epoch <= 2; epoch++ {
		for batch := 1; batch <= 40; batch++ {
			clock.seconds(0.5)
			step := int64(40*(epoch-1) + batch)
			record(t, r, Step{Step: step, Epoch: epoch, Batch: batch, Batches: 40, Loss: 2.5, Top1: 0.25, Images: 32, ImagesPerSecond: 64})
			if step == 20 {
				look("step 20")
				record(t, r, Note{Level: Warning, Text: "careful"}, Skip{Step: step, Path: "a.jpg", Reason: "empty"})
				look("note")
			}
		}
		look("end of training")
		for batch := 1; batch <= 4; batch++ {
			clock.seconds(0.5)
			record(t, r, Validation{Epoch: epoch, Batch: batch, Batches: 4})
		}
		look("end of validation")
		e := anEpoch
		e.Epoch, e.Epochs, e.Step, e.Best = epoch, 2, int64(40*epoch), epoch == 1
		record(t, r, e, Checkpoint{Step: e.Step, Path: "runs/a/x"})
		look("epoch")
	}
	record(t, r, Done{Step: 80, Epochs: 2, BestTop1: 0.42, Seconds: 44, Status: Finished})
	closeIt(t, r)
	look("done")
}

func TestPlain(t *testing.T) {
	var out bytes.Buffer
	clock := newClock()
	recordRun(t, newPlain(&out, clock.now), clock, func(string) {})
	want := `MobileNet paper
about 0:40
runs/a: 1280 images, 100 to validate; 2 epochs of 40 batches
epoch 1/2  batch 20/40  step 20  loss 2.500  top-1 25.0 %  64 img/s  0:31 left
warning: careful
warning: step 20: skipped a.jpg: empty
epoch 1/2  batch 40/40  step 40  loss 2.500  top-1 25.0 %  64 img/s  0:21 left
epoch 1/2  step 40  loss 2.104  top-1 38.2 %  val loss 1.930  val top-1 42.0 %  val top-5 78.5 %  412 img/s  0:23  best
step 40: saved runs/a/x
epoch 2/2  batch 20/40  step 60  loss 2.500  top-1 25.0 %  64 img/s  0:12 left
epoch 2/2  batch 40/40  step 80  loss 2.500  top-1 25.0 %  64 img/s  0:02 left
epoch 2/2  step 80  loss 2.104  top-1 38.2 %  val loss 1.930  val top-1 42.0 %  val top-5 78.5 %  412 img/s  0:23
step 80: saved runs/a/x
finished after 2 epochs, step 80, 0:44; best val top-1 42.0 %
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestPlainShowsProgressOfValidation(t *testing.T) {
	var out bytes.Buffer
	clock := newClock()
	p := newPlain(&out, clock.now)
	for batch := 1; batch <= 5; batch++ {
		clock.sleep(6 * time.Second)
		record(t, p, Validation{Epoch: 3, Batch: batch, Batches: 5})
	}
	if want := "epoch 3  validation 2/5\nepoch 3  validation 4/5\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

// screen emulates the parts of a terminal that the bar uses: lines, carriage return, and both clear
// sequences.
func screen(t *testing.T, out string, columns int) []string {
	t.Helper()
	list, at := []string{""}, 0
	for len(out) > 0 {
		last := &list[len(list)-1]
		switch {
		case strings.HasPrefix(out, "\x1b[2K"):
			*last, out = "", out[4:]
			continue
		case strings.HasPrefix(out, "\x1b[0K"):
			runes := []rune(*last)
			*last, out = string(runes[:min(at, len(runes))]), out[4:]
			continue
		}
		r, size := utf8.DecodeRuneInString(out)
		out = out[size:]
		switch r {
		case '\r':
			at = 0
		case '\n':
			list, at = append(list, ""), 0
		case '\x1b':
			t.Fatalf("an unknown control sequence: %q", out[:min(6, len(out))])
		default:
			runes := append([]rune(*last), []rune(strings.Repeat(" ", max(0, at-utf8.RuneCountInString(*last))))...)
			*last = string(runes[:at]) + string(r) + string(runes[min(at+1, len(runes)):])
			if at++; at > columns {
				t.Fatalf("wider than %d columns: %q", columns, *last)
			}
		}
	}
	return list
}

func TestBarIsDrawnAtMostTenTimesASecond(t *testing.T) {
	var out bytes.Buffer
	clock := newClock()
	r := newBar(&out, func() int { return 80 }, clock.now)
	for i := range 1000 {
		clock.sleep(time.Millisecond)
		record(t, r, Step{Step: int64(i + 1), Epoch: 1, Batch: i + 1, Batches: 2000})
	}
	if drawn := strings.Count(out.String(), "epoch 1"); drawn < 10 || drawn > 20 { // some twice, where the percentage changes
		t.Errorf("drawn %d times in a second", drawn)
	}
}

func TestNewBarWithoutATerminalIsPlain(t *testing.T) {
	var out bytes.Buffer
	r := NewBar(&out, false)
	record(t, r, aStep, aNote)
	closeIt(t, r)
	if out.String() != "warning: loss is high\n" {
		t.Errorf("got %q", out.String())
	}
}

func TestProgressErrors(t *testing.T) {
	for _, room := range []int{0, 5, 60} {
		for name, r := range map[string]Recorder{"plain": NewPlain(&failing{room}), "bar": NewBar(&failing{room}, true)} {
			err := r.Record(anEpoch)
			if !errors.Is(err, errWriter) {
				t.Errorf("%s, after %d bytes: %v", name, room, err)
			}
		}
		bar := NewBar(&failing{room}, true)
		if err := bar.Record(aStep); !errors.Is(err, errWriter) {
			t.Errorf("a step, after %d bytes: %v", room, err)
		}
		if err := bar.Close(); !errors.Is(err, errWriter) {
			t.Errorf("close, after %d bytes: %v", room, err)
		}
	}
}

func TestTracker(t *testing.T) {
	clock := newClock()
	tr := tracker{now: clock.now}
	for _, loss := range []float64{3, 1} {
		tr.step(Step{Epoch: 1, Batch: 1, Batches: 10, Loss: loss, Images: 32})
	}
	if want := (3*memory + 1) / (memory + 1); math.Abs(tr.shownLoss()-want) > 1e-12 {
		t.Errorf("loss %g, want %g", tr.shownLoss(), want)
	}
	tr.step(Step{Epoch: 1, Batch: 1, Batches: 10, Loss: math.NaN(), Images: 32})
	if !math.IsNaN(tr.shownLoss()) {
		t.Errorf("a NaN is shown as %g", tr.shownLoss())
	}
	tr.step(Step{Epoch: 1, Batch: 1, Batches: 10, Loss: 1, Images: 32})
	if loss := tr.shownLoss(); !(loss > 1 && loss < 2) {
		t.Errorf("after the NaN: %g", loss)
	}

	resumed := tracker{now: clock.now}
	resumed.start(Start{Epochs: 4, Steps: 40})
	resumed.step(Step{Step: 21, Epoch: 3, Batch: 1, Batches: 10})
	if left := resumed.timeLeft(); left != "" {
		t.Errorf("after one step: %q", left)
	}
	clock.sleep(20 * time.Second)
	resumed.step(Step{Step: 25, Epoch: 3, Batch: 5, Batches: 10})
	if left := resumed.timeLeft(); left != "1:15 left" { // 5 s a step, 15 steps
		t.Errorf("left: %q", left)
	}

	short := tracker{now: clock.now}
	short.start(Start{Epochs: 90, Steps: 6}) // of --max-steps
	short.step(Step{Step: 2, Epoch: 1, Batch: 4, Batches: 1000})
	clock.sleep(20 * time.Second)
	short.step(Step{Step: 4, Epoch: 1, Batch: 8, Batches: 1000})
	if left := short.timeLeft(); left != "0:20 left" {
		t.Errorf("with --max-steps: %q", left)
	}
}

func TestText(t *testing.T) {
	tests := []struct{ got, want string }{
		{clock(0), "0:00"}, {clock(23 * time.Second), "0:23"}, {clock(59*time.Minute + 59500*time.Millisecond), "1:00:00"},
		{clock(725 * time.Second), "12:05"}, {clock(26*time.Hour + 3*time.Minute + 4*time.Second), "26:03:04"},
		{clock(seconds(math.NaN())), "0:00"}, {clock(seconds(math.Inf(1))), "0:00"}, {clock(seconds(-1)), "0:00"},
		{number(2.1044), "2.104"}, {number(0.01234), "0.0123"}, {number(1234.56), "1234.6"}, {number(math.NaN()), "NaN"}, {number(math.Inf(1)), "+Inf"},
		{percent(0.38249), "38.2 %"}, {percent(1), "100.0 %"},
		{speed(3.14), "3.1 img/s"}, {speed(412.4), "412 img/s"},
		{count(1, "batch", "batches"), "1 batch"}, {count(0, "batch", "batches"), "0 batches"},
		{lines(aStart)[2], "runs/a: 100 images, 20 to validate; 12 epochs of 57 batches; continues after step 3"},
		{lines(Control{Step: 7, Action: ControlLR, LRFactor: 0.5, LR: 0.05, LRBefore: 0.1})[0],
			"step 7: learning rate changed on request from 0.1 to 0.05: 0.5 times that of the schedule from the next step on"},
		{lines(Control{Step: 7, Action: ControlPause})[0], "step 7: paused on request; its live page continues the run, and Ctrl-C ends it with a checkpoint"},
		{lines(Control{Step: 7, Action: ControlContinue, Seconds: 75})[0], "step 7: continued after a pause of 1:15"},
		{lines(Control{Step: 7, Action: "stop"})[0], "step 7: stop requested"},
		{lines(Note{Level: Info, Text: "x"})[0], "x"},
		{lines(Done{Step: 7, Epochs: 1, Seconds: 3.2, Status: Interrupted})[0], "interrupted after 1 epoch, step 7, 0:03"},
		{join(epochFields(Epoch{Epoch: 1, Epochs: 2, Step: 9, TrainLoss: 1, ImagesPerSecond: 5, Seconds: 1, DataWaitShare: 0.2, Skipped: 3}, Start{})),
			"epoch 1/2  step 9  loss 1.000  top-1 0.0 %  5.0 img/s  0:01  waited for data 20.0 %  3 skipped"},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		name, line string
		want       []string
	}{
		{"fits", "one two", []string{"one two"}},
		{"as wide as the terminal", "1234567890", []string{"1234567890"}},
		{"breaks between words", "one two three four five", []string{"one two", "  three", "  four", "  five"}},
		{"break at the last column", "one two 34 rest", []string{"one two 34", "  rest"}},
		{"a long word", "abcdefghijklmnop qrs tuv wxy", []string{"abcdefghijklmnop", "  qrs tuv", "  wxy"}},
		{"a long word in the middle", "abc defghijklmnop qrs", []string{"abc", "  defghijklmnop", "  qrs"}},
		{"wide characters", "写真写真 写真", []string{"写真写真", "  写真"}},
		{"letters of several bytes", "ééé ééééé ü", []string{"ééé ééééé", "  ü"}},
	} {
		if got := wrap(c.line, 10); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if got := wrap("one two", 0); !slices.Equal(got, []string{"one two"}) {
		t.Errorf("without room: %q", got)
	}
}
