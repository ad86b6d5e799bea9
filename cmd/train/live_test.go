package main

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestServeOfTraining: the address is printed, and a wrong one or a port in use is an error before a run begins.
func TestServeOfTraining(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	data := pictures(t)
	for _, c := range []struct {
		name, address string
		code          int
		want          string
	}{
		{"port in use", taken.Addr().String(), exitFailed, "in use; port 0 takes a free one"},
		{"no port", "127.0.0.1", exitUsage, "--serve 127.0.0.1: must be HOST:PORT"},
		{"empty", "", exitUsage, "must be HOST:PORT"},
		{"port of a letter", "127.0.0.1:x", exitUsage, "must be HOST:PORT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "run")
			code, _, stderr := execute(t, "--data", data, "--out", out, "--serve", c.address)
			if code != c.code || !strings.Contains(stderr, c.want) || isFile(filepath.Join(out, configName)) {
				t.Errorf("exit code %d, %q", code, stderr)
			}
		})
	}
	run := trained(t, data)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("of-a-file-0123456789\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const address = `(?m)^live report: http://127\.0\.0\.1:[1-9][0-9]*/`
	for _, c := range []struct {
		name  string
		token []string
		code  int
		want  string // a regular expression
	}{
		{"random token", nil, exitDone, address + `\?token=[0-9a-f]{32}$`},
		{"token of the user", []string{"--serve-token", "of-the-user-0123456789"}, exitDone, address + `$\n^its controls need the token of --serve-token`},
		{"token of a file", []string{"--serve-token", "@" + file}, exitDone, address + `$`},
		{"short token", []string{"--serve-token", "secret"}, exitUsage, `--serve-token: must be one word of at least 16 characters`},
		{"two words", []string{"--serve-token", "0123456789 abcdefgh"}, exitUsage, `must be one word`},
		{"empty token", []string{"--serve-token", ""}, exitUsage, `must be one word`},
		{"letters that no header has", []string{"--serve-token", "0123456789äöüß0123"}, exitUsage, `must be one word`},
		{"no file", []string{"--serve-token", "@" + file + "x"}, exitFailed, `--serve-token`},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, _, stderr := execute(t, append([]string{"resume", run, "--serve", "127.0.0.1:0"}, c.token...)...)
			if code != c.code || !regexp.MustCompile(c.want).MatchString(stderr) {
				t.Errorf("exit code %d, %q", code, stderr)
			}
			if len(c.token) > 0 && len(c.token[1]) > 3 && c.token[1][0] != '@' && strings.Contains(stderr, c.token[1]) {
				t.Errorf("the token is printed: %q", stderr)
			}
		})
	}
	if code, _, stderr := execute(t, "resume", run, "--serve-token", "0123456789abcdef"); code != exitUsage || !strings.Contains(stderr, "add --serve") {
		t.Errorf("a token without --serve: exit code %d, %q", code, stderr)
	}
}
