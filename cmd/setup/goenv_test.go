package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestGoSettings has a row for each setting of go with which the module does not build. --check and set-up
// report it with the command that helps, before anything is downloaded.
func TestGoSettings(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
		want []string // none: no error
	}{
		{name: "defaults"},
		{name: "cgo disabled", env: map[string]string{"CGO_ENABLED": "0"}, want: []string{"CGO_ENABLED is 0", "run: unset CGO_ENABLED"}},
		{name: "cgo enabled", env: map[string]string{"CGO_ENABLED": "1"}},
		{name: "GOARCH of another machine", env: map[string]string{"GOARCH": "riscv64"}, want: []string{"GOARCH is riscv64", "run: unset GOARCH"}},
		{name: "GOOS of another machine", env: map[string]string{"GOOS": "plan9"}, want: []string{"GOOS is plan9", "run: unset GOOS"}},
		{name: "GOWORK off", env: map[string]string{"GOWORK": "off"}, want: []string{"GOWORK is off", "run: unset GOWORK"}},
		{name: "another go.work", env: map[string]string{"GOWORK": "/elsewhere/go.work"}, want: []string{"GOWORK is /elsewhere/go.work", "unset GOWORK"}},
		{name: "GO111MODULE off", env: map[string]string{"GO111MODULE": "off"}, want: []string{"GO111MODULE is off", "unset GO111MODULE"}},
		{name: "-mod=mod", env: map[string]string{"GOFLAGS": "-trimpath -mod=mod"}, want: []string{"GOFLAGS contains -mod=mod", "unset GOFLAGS"}},
		{name: "--mod=vendor", env: map[string]string{"GOFLAGS": "--mod=vendor"}, want: []string{"GOFLAGS contains --mod=vendor"}},
		{name: "-modfile", env: map[string]string{"GOFLAGS": "-modfile=/a/go.mod"}, want: []string{"GOFLAGS contains -modfile=/a/go.mod"}},
		{name: "harmless flags", env: map[string]string{"GOFLAGS": "-mod=readonly -buildvcs=false -modcacherw"}},
		{name: "two problems", env: map[string]string{"CGO_ENABLED": "0", "GOWORK": "off"}, want: []string{"CGO_ENABLED is 0", "GOWORK is off"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := newFake(t, map[string]string{"g++": compilerScript, "gcc": ""})
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			env, err := readGoEnv(s.repo)
			if err != nil {
				t.Fatal(err)
			}
			if err = env.check(s.repo); len(tt.want) == 0 {
				if err != nil {
					t.Errorf("error %v", err)
				}
				return
			}
			wantError(t, err, tt.want...)
			_, err = s.install()
			wantError(t, err, tt.want...)
			if _, err := os.Stat(s.cache); err == nil {
				t.Error("setup created the cache all the same")
			}
			var out strings.Builder
			wantError(t, s.check(&out), "failed")
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("--check does not print %q:\n%s", want, out.String())
				}
			}
		})
	}
}

// TestSettingsOfGoEnvW: what "go env -w" wrote counts, and the command that removes it is another one.
func TestSettingsOfGoEnvW(t *testing.T) {
	s, _ := newFake(t, map[string]string{"gcc": ""})
	env := fakeEnv()
	env["CGO_ENABLED"], env["GOFLAGS"] = "0", "-mod=mod"
	wantError(t, env.check(s.repo), "run: go env -u CGO_ENABLED", "run: go env -u GOFLAGS")
}

// TestCgoDisabledByGo: go disables cgo when there is no C compiler; only that is reported, because
// enabling cgo does not help.
func TestCgoDisabledByGo(t *testing.T) {
	s, _ := newFake(t, map[string]string{"g++": compilerScript})
	env := fakeEnv()
	env["CGO_ENABLED"] = "0"
	if err := env.check(s.repo); err != nil {
		t.Errorf("error %v", err)
	}
	_, err := env.findCompiler()
	wantError(t, err, "no C compiler for cgo: gcc is not on PATH")
}

func TestOwnGoWorkIsAccepted(t *testing.T) {
	s, _ := newFake(t, nil)
	writeFile(t, filepath.Join(s.repo, "go.work"), "")
	t.Setenv("GOWORK", filepath.Join(s.repo, "go.work"))
	if err := fakeEnv().check(s.repo); err != nil {
		t.Errorf("error %v", err)
	}
}

func TestNoGo(t *testing.T) {
	s, _ := newFake(t, nil)
	t.Setenv("PATH", t.TempDir())
	_, err := s.install()
	wantError(t, err, "go is not on PATH", "https://go.dev/dl")
}

func TestFields(t *testing.T) {
	tests := []struct {
		text string
		want []string
		err  string
	}{
		{"", nil, ""},
		{" \t\n", nil, ""},
		{"g++", []string{"g++"}, ""},
		{" ccache  g++ -m64 ", []string{"ccache", "g++", "-m64"}, ""},
		{"'/opt/my gcc/g++' -m64", []string{"/opt/my gcc/g++", "-m64"}, ""},
		{`"/opt/it's/g++"`, []string{"/opt/it's/g++"}, ""},
		{`-DX="a b"`, []string{`-DX="a`, `b"`}, ""}, // as go: quotes count at the start of a field alone
		{"''", []string{""}, ""},
		{"'g++", nil, "not closed"},
		{`g++ "-m64`, nil, "not closed"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			got, err := fields(tt.text)
			if (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
			if tt.err == "" && !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
