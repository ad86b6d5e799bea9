package host

import (
	"bufio"
	"io"
	"os"
	"runtime"
	"strings"
)

// Processor returns the model name of the processor, or the architecture where the system does not
// name it.
func Processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH + " processor"
	}
	defer f.Close()
	return modelName(f)
}

// modelName returns the first "model name" in the text of /proc/cpuinfo. arm64 has none.
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
