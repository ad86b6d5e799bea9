package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"depthwise.dev/bundle"
	"depthwise.dev/formats"
	"depthwise.dev/formats/gopackage"
)

// bundleServer builds the server of the Go package for weights, a static program, and bundles it.
func bundleServer(cmd *cobra.Command, o bundle.Options, dtype string) (err error) {
	if o.Weights == "" {
		return usagef("train bundle --inference needs: --weights")
	}
	w, err := formats.Read(o.Weights)
	if err != nil {
		return err
	}
	files, err := gopackage.Files(w.Derived(), gopackage.Options{Name: gopackage.Name{Package: "classifier", Path: "example.com/classifier", Module: true}, DType: dtype})
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "train-bundle-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if o.Program, err = buildServer(cmd, dir, files); err != nil {
		return err
	}
	o.Weights, o.Server = "", true // the weights are in the program
	return createBundle(cmd, o)
}

// buildServer writes a Go package to a folder, and returns the path of its server.
func buildServer(cmd *cobra.Command, dir string, files map[string][]byte) (program string, err error) {
	tool, err := exec.LookPath("go")
	if err != nil {
		return "", fmt.Errorf("--inference builds a program with Go, which is not on PATH: install it, or use train export --format go and build that where Go is: %w", err)
	}
	source, program := filepath.Join(dir, "source"), filepath.Join(dir, "serve")
	for name, content := range files {
		path := filepath.Join(source, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return "", err
		}
	}
	build := exec.CommandContext(cmd.Context(), tool, "build", "-trimpath", "-ldflags=-s -w", "-o", program, "./cmd/serve")
	build.Dir = source
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the server: %w: %s", err, bytes.TrimSpace(out))
	}
	return program, nil
}
