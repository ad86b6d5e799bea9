package main

import (
	"fmt"
	"os/exec"
	"strings"
)

// gpuQuery asks for the GPUs. nvidia-smi is installed with the driver, in containers too.
var gpuQuery = []string{"nvidia-smi", "--query-gpu=name,memory.total,compute_cap,driver_version", "--format=csv,noheader"}

// gpuFindings describes the GPUs of this machine, and whether libtorch can use them; nothing where there is neither a GPU nor
// a libtorch with CUDA. The command train version shows what CUDA reports about them.
func gpuFindings(cuda bool) []finding {
	rows, err := queryGPUs()
	switch {
	case err != nil && !cuda:
		return nil
	case err != nil:
		return []finding{{Name: "GPU", Warning: fmt.Sprintf("libtorch has CUDA, but there is no GPU: %v; %s", err, noGPUAdvice)}}
	}
	var list []finding
	for n, row := range rows {
		f := finding{Name: "GPU", Text: fmt.Sprintf("%d: %s", n, row)}
		if !cuda {
			f.Warning = f.Text + "; libtorch has no CUDA and does not use it: go run ./cmd/setup --cuda"
		}
		list = append(list, f)
	}
	return list
}

const noGPUAdvice = "install the NVIDIA driver, and start a container with --gpus all; " +
	"or use a libtorch for the CPU alone: unset LIBTORCH and LIBTORCH_USE_PYTORCH, and go run ./cmd/setup --cuda=false"

// queryGPUs returns a line for each GPU: name, memory, compute capability, driver.
func queryGPUs() ([]string, error) {
	out, err := exec.Command(gpuQuery[0], gpuQuery[1:]...).CombinedOutput()
	if err != nil {
		if text := strings.TrimSpace(string(out)); text != "" {
			return nil, fmt.Errorf("%s: %s", gpuQuery[0], firstLine(text))
		}
		return nil, err
	}
	var rows []string
	for line := range strings.Lines(string(out)) {
		fields := strings.Split(strings.TrimSpace(line), ", ")
		if len(fields) != 4 {
			return nil, fmt.Errorf("%s: %s", gpuQuery[0], firstLine(string(out)))
		}
		rows = append(rows, fmt.Sprintf("%s, %s, compute capability %s, driver %s", fields[0], fields[1], fields[2], fields[3]))
	}
	if rows == nil {
		return nil, fmt.Errorf("%s lists none", gpuQuery[0])
	}
	return rows, nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(line)
}
