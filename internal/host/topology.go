package host

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// physicalCores counts the physical cores that the given processors (hardware threads) belong to. Where the system does
// not say, each processor counts.
func physicalCores(root fs.FS, processors []int) int {
	for _, coreOf := range []func(fs.FS) func(processor int) (string, bool){siblingsOf, cpuinfoOf} {
		if n, ok := distinct(processors, coreOf(root)); ok {
			return n
		}
	}
	return len(processors)
}

// distinct counts the cores of the processors; ok is false if that of one is unknown.
func distinct(processors []int, coreOf func(int) (string, bool)) (n int, ok bool) {
	cores := make(map[string]bool)
	for _, p := range processors {
		core, ok := coreOf(p)
		if !ok {
			return 0, false
		}
		cores[core] = true
	}
	return len(cores), len(processors) > 0
}

// siblingsOf names a core by the list of its processors, as sysfs has it. Unlike /proc/cpuinfo it exists on arm64, and
// LXC does not number its processors anew.
func siblingsOf(root fs.FS) func(int) (string, bool) {
	return func(processor int) (string, bool) {
		text, err := fs.ReadFile(root, fmt.Sprintf("sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", processor))
		list := strings.TrimSpace(string(text))
		return list, err == nil && list != ""
	}
}

// cpuinfoOf names a core by its socket and number in the text of /proc/cpuinfo.
func cpuinfoOf(root fs.FS) func(int) (string, bool) {
	cores := map[int]string{}
	text, _ := fs.ReadFile(root, "proc/cpuinfo") // without it no core is known
	processor, socket := -1, ""
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(key) {
		case "processor":
			processor, socket = -1, ""
			if n, err := strconv.Atoi(value); err == nil {
				processor = n
			}
		case "physical id": // comes before "core id"
			socket = value
		case "core id":
			cores[processor] = socket + ":" + value
		}
	}
	return func(processor int) (string, bool) {
		core, ok := cores[processor]
		return core, ok
	}
}
