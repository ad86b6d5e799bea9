package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// libjpeg is where data/jpeg finds libjpeg-turbo.
type libjpeg struct {
	system  bool
	include []string // folders of headers, when it is not the system's
	lib     string   // folder of the library
}

func (j libjpeg) found() bool { return j.system || j.lib != "" }

// links is the Go file that tells data/jpeg where an unpacked libjpeg-turbo is; the system's needs none.
func (j libjpeg) links() string {
	if j.system {
		return ""
	}
	cflags := make([]string, len(j.include))
	for i, dir := range j.include {
		cflags[i] = quotedFlag("-I" + dir)
	}
	return fmt.Sprintf("// %s\n\npackage jpeg\n\n// #cgo CFLAGS: %s\n// #cgo LDFLAGS: %s %s\nimport \"C\"\n",
		generatedBy, strings.Join(cflags, " "), quotedFlag("-L"+j.lib), quotedFlag("-Wl,-rpath,"+j.lib))
}

// jpegPackages are the packages that hold libjpeg-turbo, by the ID of /etc/os-release: headers, then library.
var jpegPackages = map[string][]string{
	"debian": {"libjpeg62-turbo-dev", "libjpeg62-turbo"},
	"ubuntu": {"libjpeg-turbo8-dev", "libjpeg-turbo8"}, // not run
}

// libjpeg finds libjpeg-turbo in the system, else in the cache, else unpacks the distribution's packages into the cache,
// which needs no root.
func (s *setup) libjpeg(c compiler) (libjpeg, error) {
	if j := s.findJPEG(c); j.found() {
		return j, nil
	}
	dir, err := s.finished(jpegFolder, s.unpackJPEG)
	if err != nil {
		return libjpeg{}, fmt.Errorf("libjpeg-turbo's headers (jpeglib.h) are missing and could not be fetched: %w; install them%s and run setup again",
			err, aptHint(distributionPackages()[0]))
	}
	return unpackedJPEG(dir), nil
}

// jpegFolder is the cache's folder for the unpacked packages.
const jpegFolder = "libjpeg-turbo"

// findJPEG looks for libjpeg-turbo without fetching it.
func (s *setup) findJPEG(c compiler) libjpeg {
	if s.systemJPEG(c) == nil {
		return libjpeg{system: true}
	}
	dir := filepath.Join(s.cache, jpegFolder)
	if _, whole := readManifest(dir); whole {
		return unpackedJPEG(dir)
	}
	return libjpeg{}
}

// systemJPEG compiles and links a line against the system's libjpeg; the plain libjpeg, which lacks jpeg_skip_scanlines, will not do.
func (s *setup) systemJPEG(c compiler) error {
	temp, err := os.MkdirTemp("", "depthwise-jpeg-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	const source = "#include <stdio.h>\n#include <jpeglib.h>\nint main() { return jpeg_skip_scanlines == 0 || LIBJPEG_TURBO_VERSION_NUMBER < 1005000; }\n"
	if err := os.WriteFile(filepath.Join(temp, "probe.cc"), []byte(source), 0o644); err != nil {
		return err
	}
	return c.run(temp, "probe.cc", "-o", "probe", "-ljpeg")
}

// unpackedJPEG is libjpeg-turbo as Debian's packages lay it out below dir; TRIPLET/jconfig.h differs by processor.
func unpackedJPEG(dir string) libjpeg {
	j := libjpeg{include: []string{filepath.Join(dir, "usr", "include")}}
	if found, _ := filepath.Glob(filepath.Join(dir, "usr", "include", "*", "jconfig.h")); len(found) > 0 {
		j.include = append(j.include, filepath.Dir(found[0]))
	}
	if found, _ := filepath.Glob(filepath.Join(dir, "usr", "lib", "*", "libjpeg.so")); len(found) > 0 {
		j.lib = filepath.Dir(found[0])
	}
	return j
}

// unpackJPEG downloads the packages and unpacks them into dir. As root it may refresh apt's lists, which a fresh container lacks.
func (s *setup) unpackJPEG(dir string) (lacks, watch []string, err error) {
	packages := distributionPackages()
	s.say("unpacking %s into the cache", strings.Join(packages, " and "))
	if err := quietly(dir, "apt-get", append([]string{"download"}, packages...)...); err != nil {
		if os.Geteuid() != 0 {
			return nil, nil, err
		}
		s.say("refreshing the package lists (apt-get update)")
		if err := quietly(dir, "apt-get", "update"); err != nil {
			return nil, nil, err
		}
		if err := quietly(dir, "apt-get", append([]string{"download"}, packages...)...); err != nil {
			return nil, nil, err
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil {
		return nil, nil, err
	}
	for _, f := range files {
		if err := quietly(dir, "dpkg-deb", "-x", f, dir); err != nil {
			return nil, nil, err
		}
		if err := os.Remove(f); err != nil {
			return nil, nil, err
		}
	}
	j := unpackedJPEG(dir)
	if j.lib == "" {
		return nil, nil, fmt.Errorf("%s hold no libjpeg.so", strings.Join(packages, " and "))
	}
	lib, err := filepath.Rel(dir, filepath.Join(j.lib, "libjpeg.so"))
	return nil, []string{"usr/include/jpeglib.h", lib}, err
}

// distributionPackages are this distribution's packages of libjpeg-turbo; Debian's names elsewhere.
func distributionPackages() []string {
	text, err := os.ReadFile("/etc/os-release")
	if err == nil {
		for line := range strings.Lines(string(text)) {
			if id, ok := strings.CutPrefix(strings.TrimSpace(line), "ID="); ok && jpegPackages[strings.Trim(id, `"`)] != nil {
				return jpegPackages[strings.Trim(id, `"`)]
			}
		}
	}
	return jpegPackages["debian"]
}

// quietly runs a program and returns what it said only when it failed.
func quietly(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, lastLines(output.String(), 4))
	}
	return nil
}
