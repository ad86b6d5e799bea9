package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"depthwise.dev/weights/weightstest"
)

// TestServeUsage: wrong command lines, each with what to do.
func TestServeUsage(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	short, words := file("short.txt", "secret\n"), file("words.txt", "a token of several words")
	weights := filepath.Join(dir, "w.safetensors")
	if err := weightstest.New(t).Write(weights); err != nil {
		t.Fatal(err)
	}
	spaces := file("my weights.safetensors", "")
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no weights", nil, exitUsage, "serve needs weights"},
		{"weights that do not exist", []string{dir + "/none"}, exitFailed, "none: "},
		{"a file that is no weights", []string{"m=" + short}, exitFailed, "unknown format of weights"},
		{"two of a name", []string{weights, "w=" + weights}, exitUsage, "choose others with NAME=WEIGHTS"},
		{"a file whose name is no name", []string{spaces}, exitUsage, "choose one with NAME=WEIGHTS"},
		{"a port in words", []string{weights, "--addr", "localhost:http-alt"}, exitUsage, "must be HOST:PORT"},
		{"no port", []string{weights, "--addr", "127.0.0.1"}, exitUsage, "must be HOST:PORT"},
		{"a port above all", []string{weights, "--addr", ":65536"}, exitUsage, "must be HOST:PORT"},
		{"a short token", []string{weights, "--token-file", short}, exitUsage, "16 characters"},
		{"a token of words", []string{weights, "--token-file", words}, exitUsage, "one word"},
		{"no token", []string{weights, "--token-file", dir + "/none"}, exitFailed, "no such file"},
		{"an origin with a path", []string{weights, "--cors", "https://example.com/page"}, exitUsage, "without a path"},
		{"an origin without a scheme", []string{weights, "--cors", "example.com"}, exitUsage, "https://example.com"},
		{"little memory for bodies", []string{weights, "--max-body", "100"}, exitUsage, "600"},
		{"no queue", []string{weights, "--queue", "0"}, exitUsage, "--queue 0: must be in 1.."},
		{"a batch of none", []string{weights, "--max-batch", "0"}, exitUsage, "--max-batch 0"},
		{"no pixels", []string{weights, "--max-pixels", "-1"}, exitUsage, "--max-pixels -1"},
		{"no time", []string{weights, "--timeout", "0s"}, exitUsage, "--timeout 0s"},
		{"a flag of other commands", []string{"--weights", weights}, exitUsage, "train serve WEIGHTS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := execute(t, append([]string{"serve"}, c.args...)...)
			if code != c.code || stdout != "" || !strings.Contains(lastLine(stderr), c.want) {
				t.Errorf("exit code %d, want %d; %s%s", code, c.code, stdout, stderr)
			}
		})
	}
}

// TestServedModel: the name of a model that an argument gives none.
func TestServedModel(t *testing.T) {
	dir := t.TempDir()
	equals := filepath.Join(dir, "a=b")
	for _, path := range []string{"photos-1/best.safetensors", "w.safetensors", "a=b"} {
		path = filepath.Join(dir, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ arg, name, value string }{
		{dir + "/photos-1", "photos-1", ""},
		{dir + "/photos-1/", "photos-1", ""},
		{dir + "/photos-1/best.safetensors", "photos-1", ""},
		{dir + "/w.safetensors", "w", ""},
		{"pets=" + dir + "/w.safetensors", "pets", dir + "/w.safetensors"},
		{"pets=" + equals, "pets", equals},
		{equals, "a=b", ""},
		{"timm/mobilenetv1_100", "mobilenetv1_100", ""},
		{"net=timm/mobilenetv1_100", "net", "timm/mobilenetv1_100"},
	} {
		if c.value == "" {
			c.value = c.arg
		}
		if name, value := servedModel(c.arg); name != c.name || value != c.value {
			t.Errorf("%s: %s of %s, want %s of %s", c.arg, name, value, c.name, c.value)
		}
	}
}

// served is a server of the built program.
type served struct {
	cmd   *exec.Cmd
	url   string
	ended chan error

	answers atomic.Int64
	mu      sync.Mutex
	log     strings.Builder
}

// serve starts the program and waits until it listens.
func serve(t *testing.T, binary string, args ...string) *served {
	t.Helper()
	s := &served{cmd: exec.CommandContext(t.Context(), binary, append([]string{"serve", "--addr", "127.0.0.1:0", "--log", "json", "--threads", "1"}, args...)...), ended: make(chan error, 1)}
	stderr, err := s.cmd.StderrPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	listening := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			var line struct{ Msg, URL string }
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
				t.Errorf("the log has a line that is not JSON: %s", lines.Text())
			}
			s.mu.Lock()
			s.log.WriteString(lines.Text() + "\n")
			s.mu.Unlock()
			if line.Msg == "listening" {
				listening <- line.URL
			}
		}
		s.ended <- s.cmd.Wait()
	}()
	select {
	case s.url = <-listening:
	case err := <-s.ended:
		t.Fatalf("the server ended: %v\n%s", err, s.text())
	}
	return s
}

func (s *served) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// classify returns the version that computed a photograph.
func (s *served) classify(photo []byte) (version string, err error) {
	defer func() {
		if err == nil {
			s.answers.Add(1)
		}
	}()
	answer, err := http.Post(s.url+"/v1/classify", "image/png", bytes.NewReader(photo))
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	var r struct{ Version string }
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", answer.StatusCode, text)
	}
	return r.Version, err
}

// TestServe: the built program under load: the weights are replaced and reloaded without a lost request, damaged ones change
// nothing, SIGHUP reloads, and SIGTERM ends it with exit code 0 after all requests.
func TestServe(t *testing.T) {
	binary := builtProgram(t)
	dir := t.TempDir()
	weights := filepath.Join(dir, "w.safetensors")
	write := func(note string) {
		t.Helper()
		w := weightstest.New(t)
		w.Meta = map[string]string{"note": note}
		if err := w.Write(weights); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	files, err := filepath.Glob(filepath.Join(pictures(t), "train", "*", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no pictures (%v)", err)
	}
	photo, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, binary, weights, "--reload-interval", "20ms", "--drain-delay", "200ms")
	first, err := s.classify(photo)
	if err != nil {
		t.Fatal(err)
	}

	var wait sync.WaitGroup
	for range 3 {
		wait.Go(func() {
			for {
				_, err := s.classify(photo)
				if err == nil {
					continue
				}
				if !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, syscall.ECONNRESET) { // the server has ended
					t.Error(err)
				}
				return
			}
		})
	}
	logged := func(what string) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !strings.Contains(s.text(), what); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("the log lacks %q:\n%s", what, s.text())
			}
		}
	}
	write("second")
	logged(`"msg":"reloaded"`)
	second, err := s.classify(photo)
	if err != nil || second == first {
		t.Errorf("version %s after %s, error %v", second, first, err)
	}
	if err := os.WriteFile(weights, []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	logged("reload failed")
	if version, err := s.classify(photo); err != nil || version != second {
		t.Errorf("with damaged weights: version %s, error %v", version, err)
	}
	write("third")
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		version, err := s.classify(photo)
		if err != nil || time.Now().After(end) {
			t.Fatalf("after SIGHUP: version %s, error %v", version, err)
		}
		if version != second {
			break
		}
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-s.ended; err != nil {
		t.Errorf("%v\n%s", err, s.text())
	}
	wait.Wait()
	if n := int64(strings.Count(s.text(), `"status":200`)); n != s.answers.Load() {
		t.Errorf("%d requests were answered, %d answers arrived", n, s.answers.Load())
	}
}
