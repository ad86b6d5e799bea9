package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/classify"
	"depthwise.dev/weights/weightstest"
)

// headWeights is a file of weights of the classes blue, gr/een and red, whose head tells images apart.
func headWeights(t *testing.T) string {
	t.Helper()
	w := weightstest.Of(t, "blue", "gr/een", "red")
	rng := rand.New(rand.NewPCG(5, 6))
	for _, a := range w.Arrays {
		if values, ok := a.Data.Data().([]float32); ok && strings.HasSuffix(a.Name, "classifier.weight") {
			for i := range values {
				values[i] = float32(5e14 * rng.NormFloat64()) // features of initial weights are about 1e-15
			}
		}
	}
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := w.Write(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// predictIn enters a folder with weights, w.safetensors, and a data set, photos; it returns the predictions of its val folder.
func predictIn(t *testing.T) (all []classify.Prediction) {
	t.Helper()
	w, dir := headWeights(t), pictures(t)
	t.Chdir(t.TempDir())
	if err := errors.Join(os.Symlink(w, "w.safetensors"), os.Rename(dir, "photos")); err != nil {
		t.Fatal(err)
	}
	decode(t, done(t, "predict", "--weights", "w.safetensors", "photos/val", "--json", "--top", "3"), &all)
	if len(all) != 6 {
		t.Fatalf("%+v", all)
	}
	return all
}

// standardInput is a file as standard input.
func standardInput(t *testing.T, content []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stdin")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stdin
	os.Stdin = f
	t.Cleanup(func() { os.Stdin = before; f.Close() })
}

// TestPredictFormats: each format has the predictions of --json, and those that cannot be read in their place.
func TestPredictFormats(t *testing.T) {
	all := predictIn(t)
	a, b := all[0], all[1]
	line := func(p classify.Prediction, i int) string {
		return fmt.Sprintf("%6.2f %%  %-6s", 100*p.Top[i].Probability, p.Top[i].Class)
	}
	row := func(p classify.Prediction, i int) string {
		return fmt.Sprintf("  %6.2f %%  %s\n", 100*p.Top[i].Probability, p.Top[i].Class)
	}
	number := func(x float64) string { return fmt.Sprintf("%.6g", x) }
	jsonl := func(p classify.Prediction, n int) string {
		p.Top = p.Top[:min(n, len(p.Top))]
		text, err := p.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	missing := classify.Prediction{Image: "no.png", Error: "no.png: no such file or directory"}
	for _, c := range []struct{ name, args, want string }{
		{"text of few", "--top 2", a.Image + "\n" + row(a, 0) + row(a, 1) + "no.png\n  cannot be read: no such file or directory\n" + b.Image + "\n" + row(b, 0) + row(b, 1)},
		{"table", "--format table", line(a, 0) + "  " + a.Image + "\ncannot be read   no.png: no such file or directory\n" + line(b, 0) + "  " + b.Image + "\n"},
		{"table of two", "--format table --top 2", line(a, 0) + "  " + line(a, 1) + "  " + a.Image + "\ncannot be read                    no.png: no such file or directory\n" +
			line(b, 0) + "  " + line(b, 1) + "  " + b.Image + "\n"},
		{"csv", "--format csv --top 2", "image,class,probability,class_2,probability_2,error\n" +
			strings.Join([]string{a.Image, a.Top[0].Class, number(a.Top[0].Probability), a.Top[1].Class, number(a.Top[1].Probability), ""}, ",") +
			"\nno.png,,,,,no such file or directory\n" +
			strings.Join([]string{b.Image, b.Top[0].Class, number(b.Top[0].Probability), b.Top[1].Class, number(b.Top[1].Probability), ""}, ",") + "\n"},
		{"jsonl", "--format jsonl --top 1", jsonl(a, 1) + jsonl(missing, 1) + jsonl(b, 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"predict", "--weights", "w.safetensors", a.Image, "no.png", b.Image}, strings.Fields(c.args)...)
			code, stdout, stderr := execute(t, args...)
			if code != exitFailed || lastLine(stderr) != "error: no.png: no such file or directory" {
				t.Errorf("exit code %d, %s", code, stderr)
			}
			if stdout != c.want {
				t.Errorf("\n%s\nwant\n%s", stdout, c.want)
			}
		})
	}
}

// TestPredictOutput: the extension of --output selects the format, an older file is replaced, and standard output stays empty.
func TestPredictOutput(t *testing.T) {
	all := predictIn(t)
	for name, read := range map[string]func(text []byte) int{
		"p.csv": func(text []byte) int {
			rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
			if err != nil {
				t.Error(err)
			}
			return len(rows) - 1
		},
		"p.jsonl": func(text []byte) int { return bytes.Count(text, []byte("\n")) },
		"p.JSON": func(text []byte) int {
			var list []classify.Prediction
			if err := json.Unmarshal(text, &list); err != nil {
				t.Error(err)
			}
			return len(list)
		},
		"p.txt": func(text []byte) int { return bytes.Count(text, []byte("photos/val")) },
		"p":     func(text []byte) int { return bytes.Count(text, []byte("photos/val")) },
	} {
		if err := os.WriteFile(name, bytes.Repeat([]byte("older\n"), 1000), 0o644); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := execute(t, "predict", "--weights", "w.safetensors", "photos/val", "--output", name)
		text, err := os.ReadFile(name)
		if code != exitDone || stdout != "" || !strings.HasPrefix(stderr, "classified 6 of 6 images") || err != nil || bytes.Contains(text, []byte("older")) {
			t.Errorf("%s: %d, %q, %q, %v", name, code, stdout, stderr, err)
		}
		if n := read(text); n != len(all) {
			t.Errorf("%s: %d predictions:\n%s", name, n, text)
		}
	}
	if err := os.WriteFile("p.csv", []byte("older"), 0o644); err != nil {
		t.Fatal(err)
	}
	execute(t, "predict", "--weights", "missing", "photos/val", "--output", "p.csv")
	if text, err := os.ReadFile("p.csv"); err != nil || string(text) != "older" {
		t.Errorf("wrong weights: %q, %v", text, err)
	}
	if code, stdout, stderr := execute(t, "predict", "--weights", "w.safetensors", "photos/val", "--output", "/dev/null", "--format", "csv"); code != exitDone {
		t.Errorf("a device: %d, %s, %s", code, stdout, stderr)
	}
}

// TestPredictMany: more than a few images are a table, errors are counted, and the first are named.
func TestPredictMany(t *testing.T) {
	all := predictIn(t)
	args := []string{"predict", "--weights", "w.safetensors", "photos/val", "photos/val"}
	stdout := done(t, args...)
	lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
	if len(lines) != 12 || !strings.HasSuffix(lines[7], "  "+all[1].Image) || strings.Count(lines[0], "%") != 1 {
		t.Errorf("%s", stdout)
	}
	for i := range 25 {
		args = append(args, fmt.Sprintf("no%d.jpg", i))
	}
	code, stdout, stderr := execute(t, args...)
	last := lastLine(stderr)
	if code != exitFailed || strings.Count(stdout, "\n") != 37 || !strings.HasPrefix(last, "error: 25 of 37 images could not be read: no0.jpg: no such file") || !strings.HasSuffix(last, "and 5 more, which the output names") {
		t.Errorf("%d, %s", code, last)
	}
}

// TestPredictStandardInput: an image, and a list with an image that is missing.
func TestPredictStandardInput(t *testing.T) {
	all := predictIn(t)
	image, err := os.ReadFile(all[3].Image)
	if err != nil {
		t.Fatal(err)
	}
	var got []classify.Prediction
	standardInput(t, image)
	decode(t, done(t, "predict", "--weights", "w.safetensors", "-", "--json", "--top", "3"), &got)
	if len(got) != 1 || got[0].Image != "-" || got[0].Top[0] != all[3].Top[0] {
		t.Errorf("%+v, want %+v", got, all[3])
	}
	standardInput(t, []byte("# a list\r\nphotos/val\r\n\r\nno.png\r\n"))
	code, stdout, stderr := execute(t, "predict", "--weights", "w.safetensors", all[5].Image, "-", "--json")
	decode(t, stdout, &got)
	if code != exitFailed || len(got) != 8 || got[1].Image != all[0].Image || got[7].Error == "" {
		t.Errorf("%d, %+v, %s", code, got, stderr)
	}
}

// TestPredictAddresses: images of a server beside local ones; what is no image is reported without the secrets of its address.
func TestPredictAddresses(t *testing.T) {
	all := predictIn(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/a.png", "/photo":
			http.ServeFile(w, r, all[0].Image)
		case "/page.jpg":
			fmt.Fprint(w, "<html>not found</html>")
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	secret := strings.Replace(server.URL, "://", "://user:hidden@", 1)
	code, stdout, stderr := execute(t, "predict", "--weights", "w.safetensors", secret+"/a.png?sig=hidden", server.URL+"/photo", server.URL+"/page.jpg",
		secret+"/no.jpg", all[1].Image, "--json", "--top", "3", "--copy-to", "sorted")
	var got []classify.Prediction
	decode(t, stdout, &got)
	if code != exitFailed || len(got) != 5 || strings.Contains(stdout+stderr, "hidden") {
		t.Fatalf("%d, %s, %s", code, stdout, stderr)
	}
	for i, want := range []*classify.Prediction{&all[0], &all[0], nil, nil, &all[1]} {
		if want != nil && (len(got[i].Top) == 0 || got[i].Top[0] != want.Top[0]) || want == nil && got[i].Error == "" {
			t.Errorf("%+v, want %+v", got[i], want)
		}
	}
	if files := copies(t, "sorted"); !slices.ContainsFunc(files, func(f string) bool { return strings.HasSuffix(f, "/a.png") }) || len(files) != 3 {
		t.Errorf("copies %q", files)
	}
}

// copies lists the files below a folder.
func copies(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestPredictCopies: every image is in the folder of its class with its content, a second run adds nothing, and other files stay.
func TestPredictCopies(t *testing.T) {
	all := predictIn(t)
	limit := 0.0
	for _, p := range all {
		limit = max(limit, p.Top[0].Probability)
	}
	for range 2 {
		done(t, "predict", "--weights", "w.safetensors", "photos/val", "--copy-to", "sorted", "--threshold", fmt.Sprint(limit))
	}
	var want []string
	for _, p := range all {
		dir := "uncertain"
		if p.Top[0].Probability >= limit {
			dir = strings.ReplaceAll(p.Top[0].Class, "/", `\x2f`)
		}
		// val/blue/6.png, val/green/6.png and val/red/6.png differ: 6.png, 6-2.png, 6-3.png.
		name := filepath.Base(p.Image)
		path := filepath.Join("sorted", dir, name)
		for n := 2; slices.Contains(want, path); n++ {
			path = filepath.Join("sorted", dir, strings.Replace(name, ".", fmt.Sprintf("-%d.", n), 1))
		}
		want = append(want, path)
		sameFile(t, path, p.Image)
	}
	slices.Sort(want)
	if got := copies(t, "sorted"); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, dir := range []string{"photos", "photos/sorted", "photos/val/x", "./photos/train/.."} {
		code, stdout, stderr := execute(t, "predict", "--weights", "w.safetensors", "photos", "--copy-to", dir)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, "name a folder elsewhere, such as ") {
			t.Errorf("%s: %d, %s, %s", dir, code, stdout, stderr)
			continue
		}
		advice, _, _ := strings.Cut(stderr[strings.Index(stderr, "such as ")+len("such as "):], " (see")
		if code, _, stderr := execute(t, "predict", "--weights", "w.safetensors", "photos", "--copy-to", advice); code != exitDone {
			t.Errorf("%s: the advice %s fails: %s", dir, advice, stderr)
		}
	}
}

// TestPredictContactSheet: a picture or a page with every image, which a later run does not classify.
func TestPredictContactSheet(t *testing.T) {
	predictIn(t)
	for range 2 {
		if out := done(t, "predict", "--weights", "w.safetensors", "photos/val", "--contact-sheet", "photos/val/sheet.png", "--format", "jsonl"); strings.Count(out, "\n") != 6 {
			t.Errorf("%s", out)
		}
	}
	f, err := os.Open("photos/val/sheet.png")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if im, err := png.Decode(f); err != nil || im.Bounds().Dx() < 3*112 {
		t.Errorf("%v", err)
	}
	code, _, stderr := execute(t, "predict", "--weights", "w.safetensors", "photos/val", "no.png", "--contact-sheet", "page.html")
	page, err := os.ReadFile("page.html")
	if code != exitFailed || err != nil || bytes.Count(page, []byte("<figure")) != 8 || bytes.Count(page, []byte("<img")) != 7 || !bytes.Contains(page, []byte("cannot be read")) {
		t.Errorf("%d, %v, %s\n%s", code, err, stderr, page)
	}
}

// TestPredictExplains: a picture for each image in the folder of the explained class.
func TestPredictExplains(t *testing.T) {
	all := predictIn(t)
	args := []string{"predict", "--weights", "w.safetensors", all[0].Image, "no.png", all[1].Image, "--explain"}
	execute(t, append(args, "maps")...)
	execute(t, append(args, "reds", "--class", "red")...)
	if got := copies(t, "reds"); !slices.Equal(got, []string{"reds/red/6.png", "reds/red/7.png"}) {
		t.Errorf("%q", got)
	}
	for _, file := range copies(t, "maps") {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		if im, err := png.Decode(f); err != nil || im.Bounds().Dx() != 224 || len(copies(t, "maps")) != 2 {
			t.Errorf("%s: %v", file, err)
		}
		f.Close()
	}
	if code, _, stderr := execute(t, append(args, "none", "--class", "rd")...); code != exitFailed || !strings.Contains(stderr, `no class "rd": did you mean red?`) {
		t.Errorf("a wrong class: %d, %s", code, stderr)
	}
	if code, _, stderr := execute(t, append(args, "maps")...); code != exitUsage || !strings.Contains(stderr, "not empty") {
		t.Errorf("an older folder: %d, %s", code, stderr)
	}
}

// interruptingWriter cancels a context at the first write.
type interruptingWriter struct {
	bytes.Buffer
	cancel func()
}

func (w *interruptingWriter) Write(b []byte) (int, error) {
	w.cancel()
	return w.Buffer.Write(b)
}

// TestPredictInterrupted: what was computed is written, also to the files, and the exit code is that of an interrupt.
func TestPredictInterrupted(t *testing.T) {
	predictIn(t)
	ctx, cancel := context.WithCancel(t.Context())
	out := &interruptingWriter{cancel: cancel}
	var stderr bytes.Buffer
	code := run(ctx, []string{"predict", "--weights", "w.safetensors", "photos", "--batch-size", "2", "--format", "jsonl", "--contact-sheet", "s.html", "--copy-to", "sorted"}, out, &stderr)
	n := strings.Count(out.String(), "\n")
	page, err := os.ReadFile("s.html")
	if code != exitInterrupted || n == 0 || n == 24 || err != nil || bytes.Count(page, []byte("<figure")) != n || len(copies(t, "sorted")) != n {
		t.Errorf("exit code %d, %d lines, %d figures, %v\n%s", code, n, bytes.Count(page, []byte("<figure")), err, stderr.String())
	}
	w := &predictionWriter{out: out, predictions: []classify.Prediction{}}
	w.write = w.collect
	out.Reset()
	if err := errors.Join(w.Add(classify.Predicted{}), w.Close()); err != nil || out.String() != `[{"image":"","top":[]}]`+"\n" {
		t.Errorf("a list that ends early: %s, %v", out.String(), err)
	}
}

// TestPredictUsage: flags that do not go together are refused before any work.
func TestPredictUsage(t *testing.T) {
	for _, c := range []struct{ name, args, want string }{
		{"nothing", "", "predict needs images"},
		{"a threshold in percent", "a.jpg --threshold 50", "--threshold 50: must be 0 to 1, such as 0.5 for 50 %"},
		{"no threshold", "a.jpg --threshold nan", "--threshold NaN: must be 0 to 1"},
		{"two formats", "a.jpg --json --format csv", "--json and --format csv contradict each other"},
		{"a format of another extension", "a.jpg --format csv --output x.json", "the extension .json is that of another format than csv"},
		{"an extension of no format", "a.jpg --output x.xml", ".csv or .jsonl or .ndjson or .json or .txt"},
		{"logits of images", "a.jpg --output x.npy", ".csv or .jsonl"},
		{"a class without an explanation", "a.jpg --class cat", "give --explain DIR"},
		{"standard input twice", "- -", "- is given 2 times"},
		{"copies of a batch", "--input a.npy --output l.npy --copy-to d", "are for images"},
		{"a contact sheet in another format", "a.jpg --contact-sheet s.jpg", ".png or .html"},
		{"an unknown format", "a.jpg --format xml", "allowed: text, table, csv, jsonl, json"},
		{"copies to nowhere", "a.jpg --copy-to no/where", "the folder no does not exist"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			code, stdout, stderr := execute(t, append([]string{"predict", "--weights", "w"}, strings.Fields(c.args)...)...)
			if code != exitUsage || stdout != "" || !strings.Contains(lastLine(stderr), c.want) {
				t.Errorf("exit code %d, %q, %s", code, stdout, lastLine(stderr))
			}
			if left, err := os.ReadDir("."); err != nil || len(left) != 0 {
				t.Errorf("it left %v, %v", left, err)
			}
		})
	}
}
