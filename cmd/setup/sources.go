package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// libtorch is an unpacked libtorch: Dir has the folders include/ and lib/.
type libtorch struct {
	Dir     string
	Target  string // the folder that Dir links to, if Dir is a link in the cache; see linked
	Version string // "2.15.0"
	Source  string // how it was found, for messages
	ID      string // changes with the libtorch; part of the key of everything built against it
	CUDA    bool   // it includes libtorch_cuda
}

func (t libtorch) include() string { return filepath.Join(t.Dir, "include") }
func (t libtorch) lib() string     { return filepath.Join(t.Dir, "lib") }

// libtorch returns the libtorch that the environment selects, or else downloads the pinned wheel.
func (s *setup) libtorch() (libtorch, error) {
	t, err := s.locate()
	if err != nil {
		return t, err
	}
	if !t.pinned() {
		return t, s.makeLink(t)
	}
	choose := thisPlatform
	if t.CUDA {
		choose = thisCUDAPlatform
	}
	p, err := choose()
	if err != nil {
		return t, err
	}
	_, err = s.cachedFolder(t.ID, func(dir string) ([]string, []string, error) { return nil, p.requiredFiles(), s.fetch(p, dir) })
	return t, err
}

// pinnedWheel is the Source of the libtorch that setup downloads unless --cuda asks for one with CUDA.
const pinnedWheel = "the pinned wheel"

// pinned reports whether setup downloads this libtorch.
func (t libtorch) pinned() bool { return t.Source == pinnedWheel || t.Source == pinnedCUDAWheel }

// locate returns the libtorch to use. The pinned wheel may not be downloaded yet.
func (s *setup) locate() (libtorch, error) {
	if dir := os.Getenv("LIBTORCH"); dir != "" {
		return s.openLibtorch(dir, "LIBTORCH")
	}
	if use := os.Getenv("LIBTORCH_USE_PYTORCH"); use != "" && use != "0" {
		dir, err := pythonTorch()
		if err != nil {
			return libtorch{}, err
		}
		return s.openLibtorch(dir, "LIBTORCH_USE_PYTORCH")
	}
	if s.cuda {
		return s.cudaWheel()
	}
	p, err := thisPlatform()
	if err != nil {
		return libtorch{}, err
	}
	name := wheelFolder(p)
	return libtorch{Dir: filepath.Join(s.cache, name), Version: torchVersion, Source: pinnedWheel, ID: name}, nil
}

// openLibtorch returns the libtorch that the user unpacked to dir, or an error if gotch cannot be
// adapted to it.
func (s *setup) openLibtorch(dir, source string) (libtorch, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return libtorch{}, err
	}
	t := libtorch{Dir: dir, Source: source}
	library := filepath.Join(t.lib(), "libtorch_cpu"+sharedSuffix())
	info, err := os.Stat(library)
	if err != nil {
		return t, fmt.Errorf("%s: %s holds no libtorch: %w; it must be the folder with include/ and lib/", source, dir, err)
	}
	if t.Version, err = headerVersion(t.include()); err != nil {
		return t, fmt.Errorf("%s: %w", source, err)
	}
	if !supported(t.Version) {
		return t, fmt.Errorf("%s: %s is libtorch %s, which gotch cannot be adapted to; use %s to %s, or unset %s to download %s",
			source, dir, t.Version, oldestVersion, newestVersion, source, torchVersion)
	}
	_, err = os.Stat(filepath.Join(t.lib(), "libtorch_cuda"+sharedSuffix()))
	t.CUDA = err == nil
	t.ID = key(dir, t.Version, fmt.Sprint(info.Size(), info.ModTime().UnixNano(), t.CUDA))
	return s.linked(t), nil
}

// sharedSuffix is the file extension of shared libraries.
func sharedSuffix() string {
	if runtime.GOOS == "darwin" {
		return ".dylib"
	}
	return ".so"
}

// pythonTorch returns the folder of Python's torch without importing it, which takes seconds.
func pythonTorch() (string, error) {
	const script = "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"
	const hint = "install PyTorch (pip install torch), or unset LIBTORCH_USE_PYTORCH to download libtorch"
	python := findPython()
	if python == "" {
		return "", fmt.Errorf("LIBTORCH_USE_PYTORCH: no python3 on PATH; %s", hint)
	}
	out, err := exec.Command(python, "-c", script).Output()
	if err != nil {
		return "", fmt.Errorf("LIBTORCH_USE_PYTORCH: %s cannot locate torch: %w; %s", python, err, hint)
	}
	dir := strings.TrimSpace(string(out))
	if dir == "" {
		return "", fmt.Errorf("LIBTORCH_USE_PYTORCH: %s has no torch; %s", python, hint)
	}
	return dir, nil
}

// findPython returns python3 or python from PATH, or "".
func findPython() string {
	for _, name := range []string{"python3", "python"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

var versionDefine = regexp.MustCompile(`(?m)^#define TORCH_VERSION_(MAJOR|MINOR|PATCH) (\d+)`)

// headerVersion reads libtorch's version from its headers.
func headerVersion(include string) (string, error) {
	// The first is the location since 2.9, the second the previous one.
	for _, name := range []string{"torch/headeronly/version.h", "torch/csrc/api/include/torch/version.h"} {
		text, err := os.ReadFile(filepath.Join(include, name))
		if err != nil {
			continue
		}
		number := map[string]string{}
		for _, m := range versionDefine.FindAllStringSubmatch(string(text), -1) {
			number[m[1]] = m[2]
		}
		if len(number) == 3 {
			return number["MAJOR"] + "." + number["MINOR"] + "." + number["PATCH"], nil
		}
	}
	return "", fmt.Errorf("no version in the headers of %s; unpack libtorch completely", include)
}

// supported reports whether gotch can be adapted to that version of libtorch.
func supported(version string) bool {
	v := majorMinor(version)
	return v >= majorMinor(oldestVersion) && v <= majorMinor(newestVersion)
}

// majorMinor makes versions comparable: "2.15.0" becomes 2015.
func majorMinor(version string) int {
	parts := strings.SplitN(version, ".", 3)
	major, err1 := strconv.Atoi(parts[0])
	if len(parts) < 2 || err1 != nil {
		return 0
	}
	minor, err2 := strconv.Atoi(parts[1])
	if err2 != nil {
		return 0
	}
	return major*1000 + minor
}
