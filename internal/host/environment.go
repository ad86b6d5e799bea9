package host

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Environment describes what a run computes with, one fact per line: the versions of this module
// and of Go, the operating system and the processor. It holds no times and no host names. Package
// backend adds the version of libtorch.
func Environment() []string {
	return []string{
		"depthwise " + Version(),
		fmt.Sprintf("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH),
		fmt.Sprintf("%s; %s by default: %s", Processor(), counted(Threads(), "thread"), ThreadsReason()),
	}
}

// Version is that of this module, whether it is the main module or imported by another one.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range info.Deps {
		if m.Path == "depthwise.dev" {
			return m.Version
		}
	}
	return info.Main.Version
}
