package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
)

// processorFlags returns the processor's features by Linux's names; none on other systems.
func processorFlags() []string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		name, flags, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); ok && (name == "flags" || name == "Features") { // x86 and arm64
			return strings.Fields(flags)
		}
	}
	return nil
}

// describeProcessor lists the cores and the instruction sets that matter for training in bf16.
func describeProcessor() string {
	flags := processorFlags()
	relevant := []string{"avx2", "avx512f", "avx512_bf16", "amx_bf16"}
	if runtime.GOARCH == "arm64" {
		relevant = []string{"asimd", "sve", "bf16"}
	}
	text := fmt.Sprintf("%d cores", runtime.NumCPU())
	for _, name := range relevant {
		state := "no"
		if slices.Contains(flags, name) {
			state = "yes"
		}
		text += fmt.Sprintf(", %s %s", name, state)
	}
	return text
}
