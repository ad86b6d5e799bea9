package host

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
)

// NVIDIA describes what the system shows of NVIDIA's GPUs, whether or not a library can use them.
type NVIDIA struct {
	Present bool   // there is a GPU
	Driver  string // version of the kernel's driver, such as 580.65.06; "" where none is loaded
}

// FindNVIDIA looks for NVIDIA's GPUs and their driver.
func FindNVIDIA() NVIDIA { return findNVIDIA(os.DirFS("/")) }

// moduleVersion matches the first line of /proc/driver/nvidia/version, of the closed and the open kernel module.
var moduleVersion = regexp.MustCompile(`Kernel Module .*?\b(\d+\.\d+(\.\d+)?)\b`)

// findNVIDIA looks for GPUs on the PCI bus, and for the driver's files. A container may see the driver alone.
func findNVIDIA(root fs.FS) NVIDIA {
	var n NVIDIA
	text, err := fs.ReadFile(root, "proc/driver/nvidia/version")
	if err == nil {
		n.Present = true
		if m := moduleVersion.FindStringSubmatch(string(text)); m != nil {
			n.Driver = m[1]
		}
	}
	devices, err := fs.Glob(root, "sys/bus/pci/devices/*")
	if err != nil {
		return n
	}
	for _, dir := range devices {
		n.Present = n.Present || pciValue(root, dir+"/vendor") == "0x10de" && strings.HasPrefix(pciValue(root, dir+"/class"), displayClass)
	}
	return n
}

// GPUs counts the GPUs of NVIDIA that programs can open. A container sees those that it was given.
func GPUs() int { return countGPUs(os.DirFS("/")) }

func countGPUs(root fs.FS) int {
	files, _ := fs.Glob(root, "dev/nvidia[0-9]*") // the pattern is valid
	return len(files)
}

// displayClass is the class of display controllers, those without outputs included, in the PCI ID database.
const displayClass = "0x03"

func pciValue(root fs.FS, name string) string {
	text, _ := fs.ReadFile(root, name) // a device may disappear
	return strings.TrimSpace(string(text))
}
