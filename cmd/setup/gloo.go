package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// glooSymbol is in the name of every function of c10d's ProcessGroupGloo, which connects processes on the CPU. Builds of libtorch
// may lack it; its headers are there nevertheless.
const glooSymbol = "ProcessGroupGlooC"

// glooFlags are the compiler flags of the sources that connect processes: they compile to functions that return an error if
// libtorch has no gloo.
func glooFlags(t libtorch) ([]string, error) {
	library := filepath.Join(t.lib(), "libtorch_cpu"+sharedSuffix())
	f, err := os.Open(library)
	if err != nil {
		return nil, fmt.Errorf("libtorch: %w", err)
	}
	defer f.Close()
	found, err := contains(f, glooSymbol)
	if err != nil {
		return nil, fmt.Errorf("libtorch: read %s: %w", library, err)
	}
	if !found {
		return []string{"-DDEPTHWISE_NO_GLOO=1"}, nil
	}
	return nil, nil
}

// contains reports whether a file contains a text.
func contains(r io.Reader, text string) (bool, error) {
	buffer := make([]byte, 1<<20)
	kept := 0 // bytes of the previous block in which the text may begin
	for {
		n, err := r.Read(buffer[kept:])
		if bytes.Contains(buffer[:kept+n], []byte(text)) {
			return true, nil
		}
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		end := kept + n
		kept = min(end, len(text)-1)
		copy(buffer, buffer[end-kept:end])
	}
}
