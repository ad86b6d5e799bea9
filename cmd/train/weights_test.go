package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"depthwise.dev/formats"
	"depthwise.dev/hub"
	"depthwise.dev/weights/weightstest"
)

const hubCommit = "0123456789abcdef0123456789abcdef01234567"

// serveHub starts a server with one repository that answers as Hugging Face does, and gives the test a cache of its own.
func serveHub(t *testing.T, repository string, content []byte) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/models/" + repository + "/revision/main":
			fmt.Fprintf(w, `{"sha":%q,"siblings":[{"rfilename":"model.safetensors"}],"cardData":{"license":"mit"}}`, hubCommit)
		case "/" + repository + "/resolve/" + hubCommit + "/model.safetensors":
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	for _, name := range []string{"HF_HOME", "HF_HUB_CACHE", "HF_TOKEN", "HF_TOKEN_PATH", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "TORCH_HOME", "KERAS_HOME"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HF_ENDPOINT", server.URL)
}

// numberedWeights are the bytes of weights of 1000 classes without names.
func numberedWeights(t *testing.T) []byte {
	t.Helper()
	var classes []string
	for i := range 1000 {
		classes = append(classes, strconv.Itoa(i))
	}
	w, file := weightstest.Of(t, classes...), filepath.Join(t.TempDir(), "w.safetensors")
	if err := w.Write(file); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestWeightsByName: a name of published weights works wherever weights are named; the classes of ImageNet have names, and
// license and origin reach what is derived.
func TestWeightsByName(t *testing.T) {
	const name = "timm/net.a1_in1k"
	serveHub(t, name, numberedWeights(t))
	images := pictures(t)
	picture := filepath.Join(images, "val", "red", "6.png")
	if _, err := os.Stat(picture); err != nil {
		found, _ := filepath.Glob(filepath.Join(images, "val", "red", "*"))
		picture = found[0]
	}
	code, stdout, stderr := execute(t, "predict", "--weights", name, picture, "--top", "1000")
	if code != exitDone || !strings.Contains(stdout, "%  alp\n") || strings.Contains(stdout, "%  970\n") {
		t.Errorf("exit code %d, %q\n%s", code, stdout, stderr)
	}
	if page := done(t, "predict", "--weights", "https://huggingface.co/"+name, picture, "--top", "1000"); page != stdout {
		t.Errorf("by the address of its page: %q, by its name: %q", page, stdout)
	}
	out := filepath.Join(t.TempDir(), "out.safetensors")
	done(t, "export", "--weights", name, "--output", out)
	npz := filepath.Join(t.TempDir(), "out.npz")
	done(t, "export", "--weights", out, "--output", npz)
	w, err := formats.Read(npz)
	if err != nil {
		t.Fatal(err)
	}
	if o, err := w.PublishedOrigin(); err != nil || o == nil || o.Name != name || o.License != "mit" || o.Revision != hubCommit {
		t.Errorf("origin of the export %+v, %v", o, err)
	}
	if code, _, stderr := execute(t, "eval", "--weights", name, "--data", images); code != exitFailed || !strings.Contains(stderr, "no folder of") {
		t.Errorf("eval: exit code %d, %s", code, stderr)
	}
}

// TestWeightsGet: the path is all of standard output, messages are not in it, and an origin is JSON on request.
func TestWeightsGet(t *testing.T) {
	serveHub(t, "org/net", numberedWeights(t))
	code, stdout, stderr := execute(t, "weights", "get", "org/net")
	path := strings.TrimSuffix(stdout, "\n")
	if _, err := os.Stat(path); code != exitDone || err != nil || !strings.Contains(stderr, "org/net, license mit (https://huggingface.co/org/net)") {
		t.Errorf("exit code %d, %q, %v\n%s", code, stdout, err, stderr)
	}
	var got gotWeights
	decode(t, done(t, "weights", "get", "org/net", "--json"), &got)
	if got.Path != path || got.License != "mit" || got.Revision != hubCommit {
		t.Errorf("%+v", got)
	}
	if text := done(t, "weights", "list"); !strings.Contains(text, "Also in the cache:\n  "+path) {
		t.Errorf("the list lacks %s:\n%s", path, text)
	}
}

// TestWeightsErrors: exit codes, and messages that lead on.
func TestWeightsErrors(t *testing.T) {
	serveHub(t, "org/net", nil)
	for _, c := range []struct {
		name, args string
		code       int
		want       string
	}{
		{"no name", "weights get", exitUsage, "weights get takes one name, not 0 arguments"},
		{"two names", "weights show a b", exitUsage, "weights show takes one name, not 2 arguments"},
		{"no command", "weights", exitUsage, "weights needs a command: get, list, show, verify"},
		{"mistyped command", "weights veryfy", exitUsage, "did you mean verify?"},
		{"width of a name", "weights get org/net --width 0.5", exitUsage, "leave them out"},
		{"no such width", "weights get imagenet --width 0.6", exitFailed, "widths with published weights: 0.25, 0.5, 0.75, 1, 1.25"},
		{"mistyped name", "weights show torchvision/mobilenetv2", exitFailed, "did you mean torchvision/mobilenet_v2?"},
		{"no such repository", "weights get org/none", exitFailed, "org/none: no file or folder of this name is here, and as a repository: "},
		{"repository to evaluate", "eval --weights org/none --data .", exitFailed, "org/none: no file or folder of this name is here, and as a repository: "},
		{"name without its publisher", "export --weights mobilenet_v2 --output x.npz", exitFailed, "did you mean torchvision/mobilenet_v2?"},
		{"not downloaded", "weights verify torchvision/mobilenet_v2", exitFailed, "train weights get NAME downloads it"},
		{"no such file", "weights verify none.safetensors", exitFailed, "none.safetensors: no such file"},
		{"folder without weights", "weights verify .", exitFailed, "name a file or a run's folder"},
	} {
		code, stdout, stderr := execute(t, strings.Fields(c.args)...)
		if code != c.code || stdout != "" || !strings.Contains(lastLine(stderr), c.want) {
			t.Errorf("%s: exit code %d, standard output %q, %q; want %d, %q", c.name, code, stdout, stderr, c.code, c.want)
		}
	}
}

// TestWeightsVerify: whole, damaged and foreign files.
func TestWeightsVerify(t *testing.T) {
	content := numberedWeights(t)
	serveHub(t, "org/net", content)
	cached := strings.TrimSpace(done(t, "weights", "get", "org/net"))
	dir := t.TempDir()
	run := filepath.Join(dir, "run")
	write := func(name string, content []byte) string {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, content, 0o644)); err != nil {
			t.Fatal(err)
		}
		return file
	}
	flipped := bytes.Clone(content)
	flipped[len(flipped)-9] ^= 1
	for _, c := range []struct {
		name, arg       string
		status, against string
		code            int
	}{
		{"name", "org/net", "ok", "the SHA-256 of the first download", exitDone},
		{"cached file", cached, "ok", "the SHA-256 of the first download", exitDone},
		{"own file", write("own.safetensors", content), "ok", "the SHA-256 in its metadata", exitDone},
		{"own file, one bit", write("flipped.safetensors", flipped), "damaged", "the SHA-256 in its metadata", exitFailed},
		{"truncated", write("short.safetensors", content[:1000]), "damaged", "the SHA-256 in its metadata", exitFailed},
		{"empty", write("empty.safetensors", nil), "damaged", "the SHA-256 in its metadata", exitFailed},
		{"digits in the name", write("abc-ba7816bf.pth", []byte("abc")), "ok", "the digits in its name", exitDone},
		{"wrong digits in the name", write("abd-ba7816bf.pth", []byte("abd")), "damaged", "the digits in its name", exitFailed},
		{"nothing known", write("a.h5", []byte("abc")), "unknown", "", exitDone},
		{"run", filepath.Dir(write("run/best.safetensors", content)), "ok", "the SHA-256 in its metadata", exitDone},
	} {
		code, stdout, stderr := execute(t, "weights", "verify", "--json", c.arg)
		var results []verified
		if err := json.Unmarshal([]byte(stdout), &results); err != nil || len(results) != 1 || results[0].Status != c.status || results[0].Against != c.against || code != c.code {
			t.Errorf("%s: exit code %d, %s%s; want %d, %s, %s", c.name, code, stdout, stderr, c.code, c.status, c.against)
		}
	}
	if _, err := os.Stat(run); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cached, flipped, 0o644); err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr := execute(t, "weights", "verify"); code != exitFailed || !strings.HasPrefix(stdout, "damaged  "+cached+"\n") || !strings.Contains(stderr, "1 of 1 files are damaged") {
		t.Errorf("cache: exit code %d, %s%s", code, stdout, stderr)
	}
}

// TestWeightsTables: the tables fit 80 columns, and their JSON has every row.
func TestWeightsTables(t *testing.T) {
	serveHub(t, "org/net", nil)
	text := done(t, "weights", "list")
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > helpWidth {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	var list struct {
		Known  []knownWeights `json:"known"`
		Cached []string       `json:"other_cached"`
	}
	decode(t, done(t, "weights", "list", "--json"), &list)
	if len(list.Known) != len(hub.All()) || len(list.Cached) != 0 || strings.Count(text, "\n") != len(hub.All())+1 {
		t.Errorf("%d and %d rows, %d lines", len(list.Known), len(list.Cached), strings.Count(text, "\n"))
	}
	for _, want := range []string{"name           torchvision/mobilenet_v2.IMAGENET1K_V2\n", "also           torchvision/mobilenet_v2\n", "top-1          72.154 %", "resize 232, bilinear\n",
		"SHA-256        7ebf99e0\n", "license        bsd-3-clause\n"} {
		if text := done(t, "weights", "show", "torchvision/mobilenet_v2"); !strings.Contains(text, want) {
			t.Errorf("show lacks %q:\n%s", want, text)
		}
	}
	if _, err := os.Stat(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "depthwise", "hub")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("listing created the cache: %v", err)
	}
}
