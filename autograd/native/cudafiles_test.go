package native

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

var (
	embedded   = regexp.MustCompile(`X\(\w+, "(cuda/kernels/\w+\.h)"\)`)
	kernelName = regexp.MustCompile(`(?m)^(?:template <.*> )?DW_KERNEL\(.*\)\s+(\w+)\(`)
	quoted     = regexp.MustCompile(`"(\w+)"`)
)

// TestCUDAFiles: NVRTC gets every header of cuda/kernels, and every kernel is in a program. Only geometry.h is for the host.
func TestCUDAFiles(t *testing.T) {
	source := readText(t, "cuda/nvrtc.cc")
	headers, err := filepath.Glob("cuda/kernels/*.h")
	if err != nil || len(headers) < 10 {
		t.Fatalf("%v: %v", headers, err)
	}
	headers = slices.DeleteFunc(headers, func(name string) bool { return filepath.Base(name) == "geometry.h" })
	var list []string
	for _, m := range embedded.FindAllStringSubmatch(source, -1) {
		list = append(list, m[1])
	}
	if slices.Sort(list); !slices.Equal(list, headers) {
		t.Errorf("DW_KERNEL_FILES in cuda/nvrtc.cc lists %v, the folder has %v", list, headers)
	}
	var named []string
	for _, m := range quoted.FindAllStringSubmatch(source, -1) {
		named = append(named, m[1])
	}
	kernels := 0
	for _, name := range headers {
		for _, m := range kernelName.FindAllStringSubmatch(readText(t, name), -1) {
			if kernels++; !slices.Contains(named, m[1]) {
				t.Errorf("the kernel %s of %s is in none of the programs of cuda/nvrtc.cc", m[1], name)
			}
		}
	}
	if kernels < 12 {
		t.Errorf("found only %d kernels", kernels)
	}
}

func readText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
