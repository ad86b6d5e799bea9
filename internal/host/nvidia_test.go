package host

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestFindNVIDIA(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	tests := []struct {
		name string
		root fstest.MapFS
		want NVIDIA
	}{
		{"nothing", fstest.MapFS{}, NVIDIA{}},
		{"closed module", fstest.MapFS{"proc/driver/nvidia/version": file("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\nGCC version:  gcc version 12.3.0\n")},
			NVIDIA{true, "550.54.15"}},
		{"open module", fstest.MapFS{"proc/driver/nvidia/version": file("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (dvs-builder@U22)\n")},
			NVIDIA{true, "580.65.06"}},
		{"two numbers", fstest.MapFS{"proc/driver/nvidia/version": file("NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.82  Fri\n")}, NVIDIA{true, "470.82"}},
		{"another format", fstest.MapFS{"proc/driver/nvidia/version": file("unknown")}, NVIDIA{true, ""}},
		{"a card without a driver", fstest.MapFS{"sys/bus/pci/devices/0000:01:00.0/vendor": file("0x10de\n"), "sys/bus/pci/devices/0000:01:00.0/class": file("0x030200\n")}, NVIDIA{Present: true}},
		{"the sound device of a card", fstest.MapFS{"sys/bus/pci/devices/0000:01:00.1/vendor": file("0x10de\n"), "sys/bus/pci/devices/0000:01:00.1/class": file("0x040300\n")}, NVIDIA{}},
		{"another vendor", fstest.MapFS{"sys/bus/pci/devices/0000:01:00.0/vendor": file("0x1002\n"), "sys/bus/pci/devices/0000:01:00.0/class": file("0x030000\n")}, NVIDIA{}},
	}
	for _, tt := range tests {
		if got := findNVIDIA(tt.root); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestCountGPUs(t *testing.T) {
	device := &fstest.MapFile{}
	root := fstest.MapFS{"dev/nvidia0": device, "dev/nvidia11": device, "dev/nvidiactl": device, "dev/nvidia-uvm": device}
	if got := countGPUs(root); got != 2 {
		t.Errorf("%d GPUs, want 2", got)
	}
	if got := countGPUs(fstest.MapFS{}); got != 0 {
		t.Errorf("%d GPUs without files, want 0", got)
	}
}

// FuzzNVIDIA: whatever the driver's file holds, the version is one that it contains.
func FuzzNVIDIA(f *testing.F) {
	f.Add("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build\n", "0x10de\n", "0x030200\n")
	f.Add("Kernel Module 1.", "", "\xff")
	f.Fuzz(func(t *testing.T, version, vendor, class string) {
		file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
		n := findNVIDIA(fstest.MapFS{"proc/driver/nvidia/version": file(version), "sys/bus/pci/devices/0/vendor": file(vendor), "sys/bus/pci/devices/0/class": file(class)})
		if !n.Present || !strings.Contains(version, n.Driver) {
			t.Errorf("%+v of %q", n, version)
		}
	})
}
