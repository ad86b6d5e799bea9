package main

import "fmt"

// jpeg makes sure that libjpeg-turbo can be compiled against.
func (s *setup) jpeg(c compiler) (string, error) { return "", nil }

// jpegLinks is the Go file that tells data/jpeg where the unpacked libjpeg-turbo is; empty when the system has its own.
func jpegLinks(dir string) string {
	if dir == "" {
		return ""
	}
	return fmt.Sprintf("// %s\n\npackage jpeg\n", generatedBy)
}
