package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/config"
	"depthwise.dev/report"
)

// The secrets of the address that the tests use.
const (
	secretUser, secretPassword, secretSignature = "hiddenuser", "hiddenword", "hiddensign"
	allSecrets                                  = "hidden"
)

// storage is a web server with shards that requires the secrets. answer, if it is set, may handle a request
// instead.
type storage struct {
	http.Handler
	answer func(w http.ResponseWriter, r *http.Request) bool
}

func (s *storage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	switch {
	case s.answer != nil && s.answer(w, r):
	case user != secretUser || password != secretPassword || r.URL.Query().Get("sig") != secretSignature:
		w.WriteHeader(http.StatusForbidden)
	default:
		s.Handler.ServeHTTP(w, r)
	}
}

// remoteShards starts a server of the pictures as shards, one of which contains a file that is no image. The
// address has a password and a signature.
func remoteShards(t *testing.T) (server *storage, address string) {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	folder, dir := pictures(t), t.TempDir()
	done(t, "data", "shard", folder, dir, "--per-shard", "5")
	path := filepath.Join(dir, "train-000000.tar")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	image := bytes.Index(text, []byte("\x89PNG"))
	copy(text[image:], "not an image")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	server = &storage{Handler: http.FileServer(http.Dir(dir))}
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	user := secretUser + ":" + secretPassword + "@"
	return server, strings.Replace(web.URL, "://", "://"+user, 1) + "?sig=" + secretSignature
}

// noSecrets searches what a command printed, and the names and contents of all files below folders.
func noSecrets(t *testing.T, printed string, folders ...string) {
	t.Helper()
	if strings.Contains(printed, allSecrets) {
		t.Errorf("printed:\n%s", printed)
	}
	for _, folder := range folders {
		err := fs.ErrNotExist
		for range 100 { // a download goes on after its command in this process, and renames its file: search again
			if err = searchSecrets(t, folder); !errors.Is(err, fs.ErrNotExist) {
				break
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// searchSecrets searches the names and contents of all files below a folder. The error is fs.ErrNotExist if one vanishes.
func searchSecrets(t *testing.T, folder string) error {
	t.Helper()
	return filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if strings.Contains(path, allSecrets) {
			t.Errorf("the name of %s", path)
		}
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if i := bytes.Index(text, []byte(allSecrets)); i >= 0 {
			t.Errorf("%s: ... %q", path, text[max(0, i-100):min(len(text), i+50)])
		}
		return err
	})
}

func small(address string, more ...string) []string {
	return append([]string{"--data", address, "--width", "0.25", "--resolution", "32", "--epochs", "1", "--batch-size", "6",
		"--device", "cpu", "--workers", "1", "--progress", "plain"}, more...)
}

// TestSecretsOfAddressesStayHidden: no command prints or stores the password or signature of an address,
// whatever the server answers.
func TestSecretsOfAddressesStayHidden(t *testing.T) {
	server, address := remoteShards(t)
	shards := strings.Replace(address, "?", "/{train-000000,train-000001,val-000000}.tar?", 1)
	t.Chdir(t.TempDir()) // for runs/DATA-N
	here, cache := ".", os.Getenv("XDG_CACHE_HOME")
	run := filepath.Join(t.TempDir(), "run")
	code, _, stderr := execute(t, small(address, "--out", run)...)
	if code != exitDone || !strings.Contains(stderr, "xxxxx@") || !strings.Contains(stderr, "eval") {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	noSecrets(t, stderr, run, here, cache)

	commands := map[string][]string{
		"train":          small(address),
		"train pattern":  small(shards),
		"train json":     small(address, "--progress", "json"),
		"eval":           {"eval", "--weights", run, "--data", address, "--device", "cpu"},
		"eval json":      {"eval", "--weights", run, "--data", address, "--device", "cpu", "--json"},
		"data check":     {"data", "check", address, "--width", "0.25", "--resolution", "32"},
		"data check all": {"data", "check", shards, "--width", "0.25", "--resolution", "32", "--json"},
		"data stats":     {"data", "stats", address, "--resolution", "32", "--json"},
		"data shard":     {"data", "shard", address, "shards"},
		"bench loader":   {"bench", "loader", "--data", address, "--resolution", "32", "--batch-size", "6", "--steps", "1", "--warmup-steps", "0"},
		"check":          {"check", "--data", address, "--width", "0.25", "--resolution", "32", "--json"},
		"predict":        {"predict", "--weights", run, address},
		"export":         {"export", "--weights", run, "--output", address},
		"mistyped":       {address},
		"carriage":       {"--data", address + "\r"},
		"flag":           {"--resume", address, "--data", "x"},
		"weights":        {"eval", "--weights", address, "--data", "x"},
		"out":            small("x", "--out", address),
		"output":         {"data", "stats", "x", "--output", address},
	}
	answers := map[string]func(w http.ResponseWriter, r *http.Request) bool{
		"works":     nil,
		"forbidden": func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusForbidden); return true },
		"missing":   func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusNotFound); return true },
		"loop": func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, r.URL.String(), http.StatusFound)
			return true
		},
		"elsewhere": func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Location", "file://"+secretUser+":"+secretPassword+"@host/?sig="+secretSignature)
			w.WriteHeader(http.StatusFound)
			return true
		},
		"shards missing": func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, ".tar") {
				w.WriteHeader(http.StatusNotFound)
				return true
			}
			return false
		},
		"a web page": func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Type", "text/html")
			return false
		},
		"not an index": func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, ".gz") {
				w.Write([]byte("not gzip"))
				return true
			}
			return false
		},
	}
	for name, args := range commands {
		for what, answer := range answers {
			server.answer = answer
			if what != "works" { // nothing of an earlier command
				cache = t.TempDir()
				t.Setenv("XDG_CACHE_HOME", cache)
			}
			code, stdout, stderr := execute(t, args...)
			t.Run(name+", "+what, func(t *testing.T) { noSecrets(t, stdout+stderr, here, cache) })
			if what == "works" && code != exitDone && strings.Contains("train, train pattern, eval, data stats, bench loader", name) {
				t.Errorf("%s: exit code %d\n%s", name, code, stderr)
			}
		}
	}
}

// TestFilesOfRunsWithSecrets: config.yaml and events.jsonl of such a run are for the user alone, and the run
// is repeated and resumed when the address is given again.
func TestFilesOfRunsWithSecrets(t *testing.T) {
	_, address := remoteShards(t)
	run := filepath.Join(t.TempDir(), "run")
	done(t, small(address, "--out", run, "--max-steps", "1", "--epochs", "2")...)
	config := filepath.Join(run, "config.yaml")
	for _, name := range []string{"config.yaml", "events.jsonl"} {
		info, err := os.Stat(filepath.Join(run, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	text, err := os.ReadFile(config)
	if err != nil || !strings.Contains(string(text), "://xxxxx@127.0.0.1:") || !strings.Contains(string(text), "?sig=xxxxx\n") {
		t.Errorf("%v\n%s", err, text)
	}
	code, _, stderr := execute(t, "--config", config, "--out", run, "--resume", "auto")
	if code != exitFailed || !strings.Contains(lastLine(stderr), "give the address again") {
		t.Errorf("without the address: exit code %d\n%s", code, stderr)
	}
	if stdout := done(t, "--config", config, "--out", run, "--resume", "auto", "--data", address); stdout != "" {
		t.Errorf("resumed: %s", stdout)
	}
	again := filepath.Join(t.TempDir(), "again")
	done(t, "--config", config, "--out", again, "--data", address, "--progress", "none")
	sameFile(t, filepath.Join(run, "best.safetensors"), filepath.Join(again, "best.safetensors"))
	noSecrets(t, "", run, again)
}

// TestNextStepsWithSecrets: commands that are shown have the address without its secrets, and say so.
func TestNextStepsWithSecrets(t *testing.T) {
	want := "train resume r --data 'https://xxxxx@h/x?sig=xxxxx'  # with the password or signature in place of xxxxx"
	if got := resumeCommand("train", "r", config.Config{Data: "https://u:p@h/x?sig=s"}); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got := resumeCommand("train", "r", config.Config{Data: "s3://b/f?region=eu"}); strings.Contains(got, "--data") {
		t.Errorf("%s: config.yaml has the address", got)
	}
}

// TestMessagesOfDownloads: what a download says while it waits appears among the lines of the run.
func TestMessagesOfDownloads(t *testing.T) {
	var b bytes.Buffer
	progress := &shared{Recorder: report.NewPlain(&b)}
	opener := newRemote(func(text string) { _ = progress.Record(report.Note{Level: report.Warning, Text: text}) })
	opener.Note("data: https://u:hidden@h/x: 503; attempt 2 of at most 9 in 1s")
	if _, err := opener.Stat(context.Background(), "ftp://u:hidden@h"); err == nil || strings.Contains(err.Error(), allSecrets) {
		t.Errorf("error %v", err)
	}
	if got := b.String(); got != "warning: data: https://xxxxx@h/x: 503; attempt 2 of at most 9 in 1s\n" {
		t.Errorf("%q", got)
	}
}
