package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// gotch's C++ wraps 2,500 functions of one version of libtorch. Other versions lack some of them or
// have changed their signatures. Compiling finds these functions; stubs replace them, which return
// an error in Go.

// diagnostic matches a compiler message in one of gotch's files: an error, or the line of gotch
// that instantiated a template with an error in a header.
var diagnostic = regexp.MustCompile(`(?m)^(?:.*/)?(torch_api\w*\.(?:cpp|cpp\.h)):(\d+):(?:\d+:)? +(?:(?:fatal )?error:|  required from here)`)

// functionStart matches the first line of a function of gotch's C API: result, name, parameters.
var functionStart = regexp.MustCompile(`^(\w[\w ]*?[ *]+)(\w+)\(.*`)

// stubRejected replaces the functions with compiler errors by stubs and returns their names. It
// ignores errors outside of functions.
func stubRejected(dir, compilerOutput, version string) ([]string, error) {
	rejected := map[string][]int{}
	for _, m := range diagnostic.FindAllStringSubmatch(compilerOutput, -1) {
		line, err := strconv.Atoi(m[2])
		if err != nil {
			return nil, err
		}
		rejected[m[1]] = append(rejected[m[1]], line)
	}
	var names []string
	for file, lines := range rejected {
		path := filepath.Join(dir, file)
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		source := strings.Split(string(text), "\n")
		// From the end, so that earlier line numbers stay valid.
		slices.Sort(lines)
		slices.Reverse(lines)
		for _, line := range lines {
			replaced, name := stubFunction(source, line-1, version)
			if name != "" && !slices.Contains(names, name) {
				source = replaced
				names = append(names, name)
			}
		}
		if err := os.WriteFile(path, []byte(strings.Join(source, "\n")), 0o644); err != nil {
			return nil, err
		}
	}
	slices.Sort(names)
	return names, nil
}

// stubFunction replaces the body of the function that contains a line (counted from 0) by a throw
// statement and returns the function's name. A function of gotch starts in the first column and
// ends with a line "}".
func stubFunction(source []string, line int, version string) ([]string, string) {
	if line >= len(source) {
		return source, ""
	}
	start := line
	for start >= 0 && source[start] != "}" && !functionStart.MatchString(source[start]) {
		start--
	}
	if start < 0 || source[start] == "}" && start != line {
		return source, ""
	}
	m := functionStart.FindStringSubmatch(source[start])
	end := start + slices.Index(source[start:], "}")
	open := start
	for open < len(source) && !strings.Contains(source[open], "{") {
		open++
	}
	if m == nil || end < start || open > end {
		return source, ""
	}
	signature := strings.Join(source[start:open+1], "\n")
	signature = signature[:strings.Index(signature, "{")+1]
	body := []string{signature, fmt.Sprintf(`  PROTECT(throw std::runtime_error("%s is not in libtorch %s");)`, m[2], version)}
	if strings.TrimSpace(m[1]) != "void" {
		body = append(body, "  return {};")
	}
	return slices.Concat(source[:start], body, source[end:]), m[2]
}
