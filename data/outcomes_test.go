package data

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"depthwise.dev/data/internal/datatest"
)

var update = flag.Bool("update", false, "rewrite the table of docs/images.md")

// row is a line of the documentation's table.
type row struct {
	kind, why string
	outcome   outcome
}

// TestOutcomes handles every case with several numbers of workers, in training and evaluation, and compares
// the outcomes with the documentation.
func TestOutcomes(t *testing.T) {
	var rows []row
	dir := makeCases(t)
	datatest.InjectFaults(t, "unreadable.jpg", &datatest.Faults{Err: syscall.EACCES, Times: -1}) // the superuser may read everything
	d, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]string{}
	for _, p := range d.Problems {
		named[filepath.Base(p.Path)] = p.Reason
	}
	for _, c := range cases {
		if c.later != nil {
			c.later(t, filepath.Join(dir, "class", c.name))
		}
	}
	got := outcomesOf(t, d)
	for _, c := range cases {
		t.Run(c.kind, func(t *testing.T) {
			reason, listed := got[c.name]
			if c.outcome == unlisted {
				reason, listed = named[c.name], named[c.name] == "" || listed
			}
			if listed == (c.outcome == unlisted) || (reason == "") != (c.outcome == used) || c.outcome != used && !strings.Contains(reason, c.why) {
				t.Errorf("listed %v, reason %q; want %s: %q", listed, reason, c.outcome, c.why)
			}
			if c.want != "" {
				checkPixels(t, filepath.Join(dir, "class", c.name), c.want)
			}
			if c.outcome == used {
				reason = c.why
			}
			rows = append(rows, row{c.kind, reason, c.outcome})
		})
	}
	for _, c := range situations {
		t.Run(c.kind, func(t *testing.T) {
			c.check(t)
			rows = append(rows, c.row)
		})
	}
	if len(rows) == len(cases)+len(situations) && !t.Failed() { // all of them ran
		checkDocument(t, rows)
	}
}

// makeCases makes a folder with a class of all cases.
func makeCases(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "train")
	datatest.MakeFolder(t, dir)
	datatest.MakeFolder(t, filepath.Join(dir, "class"))
	good(t, filepath.Join(dir, "..", "photo.jpg"))
	back, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		c.make(t, filepath.Join(dir, "class", c.name))
		if err := os.Chdir(back); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// fates returns why each image was left out, "" where it was used. It is the same for every
// number of workers, in training and evaluation, and its memory is bounded.
func outcomesOf(t *testing.T, d *Dataset) map[string]string {
	t.Helper()
	var first map[string]string
	for _, train := range []bool{true, false} {
		for _, workers := range []int{0, 1, 4} {
			o := training(workers)
			o.Train = train
			before := peakMemory(t)
			got := runEpochs(t, newLoader(t, d, o))
			if grown := peakMemory(t) - before; grown > caseMemory {
				t.Errorf("train %v, %d workers: %d MB more", train, workers, grown>>20)
			}
			if first == nil {
				first = got
			}
			if !maps.Equal(got, first) {
				t.Errorf("train %v, %d workers: %q, want %q", train, workers, got, first)
			}
		}
	}
	return first
}

// outcome runs through two epochs.
func runEpochs(t *testing.T, l *Loader) map[string]string {
	t.Helper()
	got := map[string]string{}
	note := func(path, reason string) {
		name := filepath.Base(path)
		if was, ok := got[name]; ok && was != reason {
			t.Errorf("%s: %q in one epoch, %q in another", name, was, reason)
		}
		got[name] = reason
	}
	for epoch := range 2 {
		it := l.Epoch(t.Context(), epoch, 0)
		defer it.Close()
		for b, err := it.Next(); err != io.EOF; b, err = it.Next() {
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range b.Samples {
				note(l.set.Samples[s].Path, "")
			}
			for _, p := range b.Skipped {
				note(p.Path, p.Reason)
			}
		}
	}
	return got
}

// caseMemory is what all cases together may add to the process's highest memory:
// their bombs claim up to 13 GB. The race detector multiplies Go's own.
const caseMemory = 256 << 20

// peakMemory returns the highest resident memory of the process so far, 0 where the system does not tell.
func peakMemory(t testing.TB) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.Atoi(strings.Fields(value)[0])
			if err != nil {
				t.Fatal(err)
			}
			return kb << 10
		}
	}
	t.Fatal("no VmHWM")
	return 0
}

// checkPixels compares an image, as evaluation sees it, with what Pillow sees.
func checkPixels(t *testing.T, path, golden string) {
	t.Helper()
	want, w, h := pillowPixels(t, golden)
	got, err := LoadImage(path, Preprocess{Resolution: 64, Fit: FitPad})
	if err != nil {
		t.Fatal(err)
	}
	mean, worst := difference(t, inMiddle(got, 64, w, h), want)
	if strings.HasSuffix(path, ".webp") && mean < 0.5 && worst <= 4 { // libwebp adds its own rounding
		return
	}
	if worst != 0 {
		t.Errorf("differs from Pillow's by %.3f on average, %d at most", mean, worst)
	}
}

// pillowPixels reads a golden; a JPEG stands for itself, since package jpeg compares it.
func pillowPixels(t *testing.T, golden string) (pixels []byte, w, h int) {
	if strings.HasSuffix(golden, ".jpg") {
		return decoded(t, golden)
	}
	return readGolden(t, golden)
}

const (
	document   = "../docs/images.md"
	tableBegin = "<!-- table of cases: go test ./data -run TestOutcomes -update -->\n"
	tableEnd   = "<!-- end of the table -->\n"
)

// checkDocument compares the documentation's table with what was seen.
func checkDocument(t *testing.T, rows []row) {
	t.Helper()
	var table strings.Builder
	table.WriteString("\n| file | outcome | how it is used, or the reason that is reported |\n|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&table, "| %s | %s | %s |\n", r.kind, r.outcome, strings.ReplaceAll(r.why, "|", "\\|"))
	}
	table.WriteString("\n")
	text := string(datatest.Read(t, document))
	head, rest, ok := strings.Cut(text, tableBegin)
	was, tail, closed := strings.Cut(rest, tableEnd)
	if !ok || !closed {
		t.Fatalf("%s has no table of cases", document)
	}
	if reflect.DeepEqual(was, table.String()) {
		return
	}
	if !*update {
		t.Fatalf("the table of %s differs from the test; -update rewrites it. Seen:\n%s", document, table.String())
	}
	datatest.Write(t, document, []byte(head+tableBegin+table.String()+tableEnd+tail))
}
