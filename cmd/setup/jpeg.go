package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// libjpeg is the location of libjpeg-turbo for data/jpeg.
type libjpeg struct {
	system  bool
	include []string // header folders, if it is not the system's
	lib     string   // library folder, if it is not the system's
}

func (j libjpeg) found() bool { return j.system || j.lib != "" }

// links returns the Go file with the cgo flags of an unpacked libjpeg-turbo; "" for the system's.
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

// jpegPackages are the packages of libjpeg-turbo by the ID in /etc/os-release: headers, then
// library.
var jpegPackages = map[string][]string{
	"debian": {"libjpeg62-turbo-dev", "libjpeg62-turbo"},
	"ubuntu": {"libjpeg-turbo8-dev", "libjpeg-turbo8"}, // untested
}

// libjpeg returns libjpeg-turbo from the system or the cache. If neither has it, it unpacks the
// distribution's packages into the cache, without root.
func (s *setup) libjpeg(c compiler) (libjpeg, error) {
	if j := s.findJPEG(c); j.found() {
		return j, nil
	}
	if err := c.checkCPP20(); err != nil { // the headers may be there
		return libjpeg{}, err
	}
	dir, err := s.cachedFolder(jpegFolder, s.unpackJPEG)
	if err != nil {
		return libjpeg{}, fmt.Errorf("libjpeg-turbo's headers (jpeglib.h) are missing and could not be downloaded: %w; install them%s and run setup again",
			err, aptHint(distributionPackages()[0]))
	}
	return unpackedJPEG(dir), nil
}

// jpegFolder is the name of the cache folder of the unpacked packages.
const jpegFolder = "libjpeg-turbo"

// findJPEG looks for libjpeg-turbo without downloading it.
func (s *setup) findJPEG(c compiler) libjpeg {
	if s.checkSystemJPEG(c) == nil {
		return libjpeg{system: true}
	}
	dir := filepath.Join(s.cache, jpegFolder)
	if _, complete := readManifest(dir); complete {
		return unpackedJPEG(dir)
	}
	return libjpeg{}
}

// checkSystemJPEG compiles and links a program against the system's libjpeg. It rejects the IJG
// libjpeg, which lacks jpeg_skip_scanlines.
func (s *setup) checkSystemJPEG(c compiler) error {
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

// unpackedJPEG returns libjpeg-turbo in the layout of Debian's packages below dir. jconfig.h is in
// a folder per architecture.
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

// unpackJPEG downloads the packages and unpacks them into dir. If the download fails and it runs as
// root, it updates the package lists, which fresh containers lack, and retries.
func (s *setup) unpackJPEG(dir string) (missing, required []string, err error) {
	packages := distributionPackages()
	s.logf("unpacking %s into the cache", strings.Join(packages, " and "))
	if err := runQuietly(dir, "apt-get", append([]string{"download"}, packages...)...); err != nil {
		if os.Geteuid() != 0 {
			return nil, nil, err
		}
		s.logf("updating the package lists (apt-get update)")
		if err := runQuietly(dir, "apt-get", "update"); err != nil {
			return nil, nil, err
		}
		if err := runQuietly(dir, "apt-get", append([]string{"download"}, packages...)...); err != nil {
			return nil, nil, err
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil {
		return nil, nil, err
	}
	for _, f := range files {
		if err := runQuietly(dir, "dpkg-deb", "-x", f, dir); err != nil {
			return nil, nil, err
		}
		if err := os.Remove(f); err != nil {
			return nil, nil, err
		}
	}
	j := unpackedJPEG(dir)
	if j.lib == "" {
		return nil, nil, fmt.Errorf("no libjpeg.so in %s", strings.Join(packages, " and "))
	}
	lib, err := filepath.Rel(dir, filepath.Join(j.lib, "libjpeg.so"))
	return nil, []string{"usr/include/jpeglib.h", lib}, err
}

// distributionPackages returns this distribution's packages of libjpeg-turbo; Debian's names if it
// is unknown.
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

// runQuietly runs a program. The error contains the end of its output.
func runQuietly(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, lastLines(output.String(), 4))
	}
	return nil
}
