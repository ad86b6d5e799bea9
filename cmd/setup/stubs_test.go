package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fakeAPI has the structure of gotch's C++: results through out__, PROTECT, functions that start
// and end in the first column.
const fakeAPI = `#include "torch_api.h"
#include "torch_api_generated.cpp.h"
`

const fakeHeader = `#include <stdexcept>
#define PROTECT(x) try { x } catch (const std::exception &e) { }
namespace torch { inline int add(int a) { return a + 1; } template <class T> int checked(T t) { return t.size(); } }
extern "C" {
void atg_add(int *out__, int self);
void atg_qr(int *out__, int self);
int atg_size(int self);
int *atg_split(int self,
               int parts);
}
`

const fakeGenerated = `
void atg_add(int *out__, int self) {
  PROTECT(
    out__[0] = torch::add(self);
  )
}

void atg_qr(int *out__, int self) {
  PROTECT(
    auto outputs__ = torch::qr(self);
    out__[0] = outputs__;
  )
}

int atg_size(int self) {
  PROTECT(
    return torch::checked(self);
  )
  return 0;
}

int *atg_split(int self,
               int parts) {
  PROTECT(
    return torch::split(self, parts);
  )
  return nullptr;
}
`

func TestCompileWithStubs(t *testing.T) {
	env, err := readGoEnv(".")
	if err != nil {
		t.Skip(err)
	}
	c, err := env.findCompiler()
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "torch_api.cpp"), fakeAPI)
	writeFile(t, filepath.Join(dir, "torch_api.h"), fakeHeader)
	writeFile(t, filepath.Join(dir, "torch_api_generated.cpp.h"), fakeGenerated)
	flags := append([]string{"-std=c++20", "-w"}, allErrors(c)...)
	missing, err := compileWithStubs(c, dir, "2.15.0", flags)
	if err != nil {
		t.Fatal(err)
	}
	// atg_size is rejected inside a header; the compiler names its line as the point of
	// instantiation.
	if want := []string{"atg_qr", "atg_size", "atg_split"}; !slices.Equal(missing, want) {
		t.Errorf("missing %v, want %v", missing, want)
	}
	text := readFile(t, filepath.Join(dir, "torch_api_generated.cpp.h"))
	for _, want := range []string{
		"out__[0] = torch::add(self);",
		"void atg_qr(int *out__, int self) {\n  PROTECT(throw std::runtime_error(\"atg_qr is not in libtorch 2.15.0\");)\n}",
		"int atg_size(int self) {\n  PROTECT(throw std::runtime_error(\"atg_size is not in libtorch 2.15.0\");)\n  return {};\n}",
		"               int parts) {\n  PROTECT(throw",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the result does not contain %q:\n%s", want, text)
		}
	}
}

func TestCompileWithStubsGivesUp(t *testing.T) {
	if _, err := exec.LookPath("g++"); err != nil {
		t.Skip(err)
	}
	env, err := readGoEnv(".")
	if err != nil {
		t.Skip(err)
	}
	c, err := env.findCompiler()
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "torch_api.cpp"), "#include <no/such/header.h>\nvoid atg_add(int) {\n}\n")
	_, err = compileWithStubs(c, dir, "2.15.0", []string{"-std=c++20"})
	wantError(t, err, "no/such/header.h")
}
