package train

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"depthwise.dev/autograd"
)

// Environment tells what a run computes with, one thing a line: the versions of
// this module and of Go, the system, the processor. No clock, no names of machines.
func Environment() []string {
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, m := range info.Deps { // imported by another module
			if m.Path == "depthwise.dev" {
				version = m.Version
			}
		}
	}
	return []string{
		"depthwise " + version,
		fmt.Sprintf("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH),
		fmt.Sprintf("%s, %d physical cores", processor(), PhysicalCores()),
		"libtorch " + autograd.ThisProcessor().Libtorch + ", which computes with " + autograd.ThisProcessor().Capability,
	}
}

// processor is the name of the processor's model.
func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH + " processor"
	}
	defer f.Close()
	return modelName(f)
}

// modelName finds the first "model name" in the text of /proc/cpuinfo, which
// arm64 does not have.
func modelName(r io.Reader) string {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ":")
		if strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH + " processor"
}
