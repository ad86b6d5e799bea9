package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// copyWheel ends a python whose pip "downloads" the wheel in $WHEEL.
const copyWheel = `while [ "$1" != --dest ]; do shift; done
read line < "$4"
echo "$line" >> "$WHEEL.log"
case "$line" in "${FAIL:-none}"*) echo "connection reset" >&2; exit 1;; esac
/bin/cp "$WHEEL" "$2/"`

// TestCUDAWheels: setup --cuda downloads every pinned wheel; after an interruption the complete ones are not downloaded again.
func TestCUDAWheels(t *testing.T) {
	p, err := thisCUDAPlatform()
	if err != nil {
		t.Skip(err)
	}
	wheel := fakeWheel(t, cudaFiles(p))
	t.Setenv("WHEEL", wheel)
	t.Setenv("FAIL", "nvidia-cufft=")
	s, out := newFake(t, map[string]string{"python3": pipScript + copyWheel})
	s.cuda = true
	lockCache(t, s)
	_, err = s.libtorch()
	wantError(t, err, "pip could not download libtorch "+torchVersion+" with CUDA", "connection reset")

	t.Setenv("FAIL", "none")
	torch, err := s.libtorch()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(readFile(t, wheel+".log"), "\n"); got != len(p.Wheels)+1 { // one failed
		t.Errorf("%d downloads of %d wheels", got, len(p.Wheels))
	}
	if !torch.CUDA || !torch.pinned() || readFile(t, filepath.Join(torch.lib(), "libtorch_cuda.so")) != "torch/lib/libtorch_cuda.so" {
		t.Errorf("%+v", torch)
	}
	if left, _ := filepath.Glob(filepath.Join(s.cache, downloadPrefix+"*")); left != nil {
		t.Errorf("left in the cache: %q", left)
	}
	if !strings.Contains(out.String(), "with CUDA 13.2 through pip (2694 MB)") {
		t.Errorf("the output does not say how much is downloaded:\n%s", out)
	}
	if err := s.checkComplete(torch.ID); err != nil {
		t.Error(err)
	}
}

// cudaFiles are the files that a platform requires, each with its name as content.
func cudaFiles(p platform) map[string]string {
	files := map[string]string{}
	for _, name := range p.requiredFiles() {
		files[name] = name
	}
	return files
}

// TestDamagedDownload: wheels that cannot be unpacked are not kept.
func TestDamagedDownload(t *testing.T) {
	damaged := filepath.Join(t.TempDir(), "w.whl")
	writeFile(t, damaged, "no zip file")
	t.Setenv("WHEEL", damaged)
	s, _ := newFake(t, map[string]string{"python3": pipScript + copyWheel})
	lockCache(t, s)
	_, err := s.cachedFolder("x", func(dir string) ([]string, []string, error) { return nil, nil, s.fetch(missingHeaders, dir) })
	wantError(t, err, "unpack "+s.cache)
	wantNoLeftovers(t, s)
}

// TestCUDAChoice: a checkout keeps to the libtorch with CUDA; a libtorch that the environment selects has precedence.
func TestCUDAChoice(t *testing.T) {
	if _, err := thisCUDAPlatform(); err != nil {
		t.Skip(err)
	}
	s, _ := newFake(t, nil)
	if s.choseCUDA() {
		t.Error("chosen before the first set-up")
	}
	for _, cuda := range []bool{true, false} {
		s.cuda = cuda
		torch, err := s.locate()
		if err != nil || torch.CUDA != cuda {
			t.Fatalf("%+v, error %v", torch, err)
		}
		writeFile(t, filepath.Join(s.nativeDir(), "setup.h"), setupHeader(torch))
		if s.choseCUDA() != cuda {
			t.Errorf("chosen: %v after a set-up with %v", !cuda, cuda)
		}
	}
	s.cuda = true
	dir := fakeLibtorch(t, "2.12.1")
	t.Setenv("LIBTORCH", dir)
	if torch, err := s.locate(); err != nil || torch.Dir != dir {
		t.Errorf("%+v, error %v", torch, err)
	}
	wantError(t, cudaConflict(), "LIBTORCH="+dir, "unset LIBTORCH", "leave out --cuda")
	t.Setenv("LIBTORCH", "")
	t.Setenv("LIBTORCH_USE_PYTORCH", "0")
	if err := cudaConflict(); err != nil {
		t.Error(err)
	}
	t.Setenv("LIBTORCH_USE_PYTORCH", "1")
	wantError(t, cudaConflict(), "LIBTORCH_USE_PYTORCH=1")
}
