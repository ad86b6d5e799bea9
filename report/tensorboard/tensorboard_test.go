package tensorboard

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"depthwise.dev/report"
)

// TestRecord: a record as TensorFlow writes it. The bytes are those of tensorboard.summary.writer.record_writer 2.21.0.
func TestRecord(t *testing.T) {
	const want = "0500000000000000eab2043e68656c6c6fbb1f1c19"
	got := fmt.Sprintf("%x", appendRecord(nil, []byte("hello")))
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
	data, err := readRecord(bufio.NewReader(bytes.NewReader(appendRecord(nil, []byte("hello")))))
	if err != nil || string(data) != "hello" {
		t.Errorf("%q, %v", data, err)
	}
}

// TestDamagedRecord: each way in which a record can be wrong.
func TestDamagedRecord(t *testing.T) {
	good := appendRecord(nil, []byte("hello"))
	changed := func(i int) []byte {
		b := bytes.Clone(good)
		b[i] ^= 1
		return b
	}
	long := binary.LittleEndian.AppendUint64(nil, maxRecord+1)
	long = binary.LittleEndian.AppendUint32(long, masked(long))
	for name, b := range map[string][]byte{"length": changed(0), "checksum of the length": changed(9), "data": changed(12), "checksum": changed(len(good) - 1),
		"cut header": good[:5], "cut data": good[:14], "no data": good[:headerSize], "cut checksum": good[:len(good)-1], "too long": long} {
		if _, err := readRecord(bufio.NewReader(bytes.NewReader(b))); !errors.Is(err, errDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := readRecord(bufio.NewReader(bytes.NewReader(nil))); !errors.Is(err, io.EOF) {
		t.Errorf("the end: %v", err)
	}
}

// TestHistogram: counts by hand.
func TestHistogram(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	h := newHistogram([]float32{0, 30, 0.5, 29.5, 15, nan, inf, -inf})
	if h.min != 0 || h.max != 30 || h.n != 5 || h.sum != 75 || h.squares != 900+0.25+870.25+225 {
		t.Errorf("%+v", h)
	}
	for i, want := range map[int]float64{0: 2, 15: 1, 29: 2, 7: 0} {
		if h.counts[i] != want || h.limits[i] != float64(i+1) {
			t.Errorf("bucket %d: %v up to %v, want %v", i, h.counts[i], h.limits[i], want)
		}
	}
	for name, c := range map[string]struct {
		values []float32
		want   histogram
	}{
		"none":  {[]float32{nan}, histogram{limits: []float64{0}, counts: []float64{0}}},
		"equal": {[]float32{2, 2}, histogram{min: 2, max: 2, n: 2, sum: 4, squares: 8, limits: []float64{2}, counts: []float64{2}}},
	} {
		if got := newHistogram(c.values); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestCurve: counts by hand of three images with and two without the class.
func TestCurve(t *testing.T) {
	var c, o Curve
	c.Add(1, true)
	c.Add(0.5, true)
	c.Add(0.5, false)
	o.Add(0.25, true)
	o.Add(math.NaN(), false)
	c.Merge(&o)
	table := c.table()
	for _, w := range []struct {
		at   int
		want [6]float32
	}{{0, [6]float32{3, 2, 0, 0, 0.6, 1}}, {1, [6]float32{3, 1, 1, 0, 0.75, 1}}, {50, [6]float32{3, 1, 1, 0, 0.75, 1}}, {51, [6]float32{2, 1, 1, 1, 2. / 3, 2. / 3}}, {200, [6]float32{1, 0, 2, 2, 1, 1. / 3}}} {
		for row, v := range w.want {
			if got := table[row*Thresholds+w.at]; got != v {
				t.Errorf("threshold %d, row %d: %v, want %v", w.at, row, got, v)
			}
		}
	}
}

// clock counts seconds.
func clock(from int64) func() time.Time {
	return func() time.Time { return time.Unix(from, 0) }
}

// steps records events to a run's events.jsonl and to the event files.
func steps(t *testing.T, run string, r *Recorder, from int64, list ...report.Event) {
	t.Helper()
	events, err := report.OpenJSONL(filepath.Join(run, eventsFile), report.Position{Step: from, Epochs: 9})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if err := errors.Join(events.Record(e), r.Record(e)); err != nil {
			t.Fatal(err)
		}
	}
	if err := events.Close(); err != nil {
		t.Fatal(err)
	}
}

// contents lists the events of all files as "step tag", and restarts as "step restart".
func contents(t *testing.T, run string) (list []string) {
	t.Helper()
	paths, err := files(filepath.Join(run, Folder))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for r := bufio.NewReader(bytes.NewReader(b)); ; {
			data, err := readRecord(r)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				list = append(list, err.Error())
				break
			}
			h, ok := parseHeader(data)
			switch {
			case !ok:
				list = append(list, "not an event")
			case h.restart:
				list = append(list, fmt.Sprint(h.step, " restart"))
			case !h.version:
				list = append(list, fmt.Sprint(h.step, " ", strings.TrimSuffix(h.tag, "/number")))
			}
		}
	}
	return list
}

func step(n int64) report.Step {
	return report.Step{Step: n, Epoch: 1, Batch: int(n), Batches: 9, Loss: 1}
}

// TestResume: after a kill and a resume each step and epoch is there once, in any state of the files.
func TestResume(t *testing.T) {
	epoch := report.Epoch{Epoch: 1, Step: 2}
	for name, c := range map[string]struct {
		before []report.Event // of the first process
		torn   int            // bytes that the kill cut off
		lost   bool           // nothing after the first flush was written
		from   int64          // the checkpoint
		extra  bool           // an image was written at step 2
		want   []string
	}{
		"continued":          {before: []report.Event{step(1), step(2), epoch}, from: 2, want: []string{"1 train/loss", "2 train/loss", "2 epoch", "3 restart", "3 train/loss"}},
		"ahead":              {before: []report.Event{step(1), step(2), epoch, step(3), step(4)}, from: 2, want: []string{"1 train/loss", "2 train/loss", "2 epoch", "3 restart", "3 train/loss"}},
		"torn":               {before: []report.Event{step(1), step(2), epoch}, torn: 3, from: 2, want: []string{"1 train/loss", "2 train/loss", "3 restart", "2 epoch", "3 train/loss"}},
		"lost":               {before: []report.Event{step(1), step(2), epoch}, lost: true, from: 2, want: []string{"3 restart", "1 train/loss", "2 train/loss", "2 epoch", "3 train/loss"}},
		"middle":             {before: []report.Event{step(1), step(2), epoch}, from: 1, want: []string{"1 train/loss", "2 restart", "3 train/loss"}},
		"from the start":     {before: []report.Event{step(1), step(2), epoch}, from: 0, want: []string{"3 train/loss"}},
		"without validation": {before: []report.Event{step(1), step(2)}, extra: true, from: 2, want: []string{"1 train/loss", "2 train/loss", "3 restart", "3 train/loss"}},
		"with validation":    {before: []report.Event{step(1), step(2), epoch}, extra: true, from: 2, want: []string{"1 train/loss", "2 train/loss", "2 epoch", "2 images/a", "3 restart", "3 train/loss"}},
	} {
		t.Run(name, func(t *testing.T) {
			run := t.TempDir()
			r, err := open(run, 0o644, 0, clock(1000))
			if err != nil {
				t.Fatal(err)
			}
			path := r.file.f.Name()
			size, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			steps(t, run, r, 0, c.before...)
			if c.extra {
				err = r.Write(2, Image("images/a", 1, 1, nil))
			}
			if err := errors.Join(err, r.Close()); err != nil {
				t.Fatal(err)
			}
			keep := size.Size()
			if !c.lost {
				if size, err = os.Stat(path); err != nil {
					t.Fatal(err)
				}
				keep = size.Size() - int64(c.torn)
			}
			if err := os.Truncate(path, keep); err != nil {
				t.Fatal(err)
			}
			events, err := report.OpenJSONL(filepath.Join(run, eventsFile), report.Position{Step: c.from, Epochs: 9}) // as train does before
			if err != nil {
				t.Fatal(err)
			}
			events.Close()
			if r, err = open(run, 0o644, c.from, clock(900)); err != nil { // the clock was set back
				t.Fatal(err)
			}
			if err := errors.Join(r.Record(step(3)), r.Close()); err != nil {
				t.Fatal(err)
			}
			if got := contents(t, run); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%q\nwant %q", got, c.want)
			}
		})
	}
}

// TestForeignFiles: files of other programs stay.
func TestForeignFiles(t *testing.T) {
	run := t.TempDir()
	var paths []string
	for _, name := range []string{"events.out.tfevents.1700000000.host.1.0", "events.out.tfevents.170.depthwise", "notes"} {
		paths = append(paths, filepath.Join(run, Folder, name))
	}
	if err := os.Mkdir(filepath.Join(run, Folder), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Open(run, 0o644, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if b, err := os.ReadFile(path); err != nil || string(b) != "x" {
			t.Errorf("%s: %q, %v", path, b, err)
		}
	}
}

// TestFlush: steps are in the file at the end of an epoch, and after flushEvery.
func TestFlush(t *testing.T) {
	for name, c := range map[string]struct {
		after time.Duration
		last  report.Event
		want  int
	}{
		"at once":    {0, step(2), 0},
		"later":      {flushEvery, step(2), 2},
		"validation": {flushEvery, report.Validation{}, 1},
		"epoch":      {0, report.Epoch{Epoch: 1, Step: 1}, 2},
		"checkpoint": {0, report.Checkpoint{}, 1},
		"end":        {0, report.Done{}, 1},
	} {
		run, now := t.TempDir(), time.Unix(1000, 0)
		r, err := open(run, 0o644, 0, func() time.Time { return now })
		if err != nil {
			t.Fatal(err)
		}
		err = r.Record(step(1))
		now = now.Add(c.after)
		if err := errors.Join(err, r.Record(c.last)); err != nil {
			t.Fatal(err)
		}
		if got := contents(t, run); len(got) != c.want {
			t.Errorf("%s: %q, want %d events", name, got, c.want)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestErrors: a failed write is reported by every later call, and a folder that cannot be made is an error.
func TestErrors(t *testing.T) {
	run := t.TempDir()
	r, err := open(run, 0o644, 0, clock(1000))
	if err != nil {
		t.Fatal(err)
	}
	r.file.f.Close()
	for range 2 {
		if err := r.Record(report.Epoch{Epoch: 1, Step: 1}); !errors.Is(err, os.ErrClosed) {
			t.Errorf("error %v", err)
		}
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, Folder), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(other, 0o644, 0); err == nil || !strings.Contains(err.Error(), Folder) {
		t.Errorf("error %v", err)
	}
}

// TestNotFinite: values that are not numbers are left out, others of the step stay.
func TestNotFinite(t *testing.T) {
	values := scalars(report.Step{Step: 1, Loss: math.NaN(), LR: 1, ImagesPerSecond: math.Inf(1)})
	var tags []string
	for _, v := range values {
		tags = append(tags, v.tag)
	}
	if want := []string{"train/top1", "train/lr"}; !reflect.DeepEqual(tags, want) {
		t.Errorf("%q, want %q", tags, want)
	}
}

func FuzzFilter(f *testing.F) {
	whole := appendRecord(appendRecord(nil, version(time.Unix(1, 0))), summary(time.Unix(1, 0), 3, []Value{Scalar("train/loss", 1)}, map[string]bool{}))
	f.Add(whole, int64(2))
	f.Add(whole[:len(whole)-2], int64(3))
	f.Add(appendRecord(nil, []byte{0x2a, 0xff}), int64(0))
	f.Fuzz(func(t *testing.T, b []byte, last int64) {
		parseHeader(b)
		var out bytes.Buffer
		kept := 0
		keep := func(h header) bool { return h.step <= last }
		if _, err := copyRecords(&out, bufio.NewReader(bytes.NewReader(b)), keep, &kept); err != nil {
			t.Fatal(err)
		}
		var again bytes.Buffer
		changed, err := copyRecords(&again, bufio.NewReader(bytes.NewReader(out.Bytes())), keep, &kept)
		if err != nil || changed || !bytes.Equal(again.Bytes(), out.Bytes()) {
			t.Fatalf("%v, changed %v", err, changed)
		}
	})
}
