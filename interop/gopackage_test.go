//go:build interop

package interop

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// golang as a client is a program that imports the exported Go package, built without cgo.
const golang = "go"

// goProgram reads the values of one image at a time from standard input, float32 of (rows, columns, channels), and prints the
// classes and the logits of all.
const goProgram = `package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"

	model "MODULE"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	c, err := model.New()
	if err != nil {
		return err
	}
	channels, rows, columns := c.Shape()
	values, logits := make([]float32, channels*rows*columns), []float32{}
	for {
		if err := binary.Read(os.Stdin, binary.LittleEndian, values); err == io.EOF {
			return json.NewEncoder(os.Stdout).Encode(map[string]any{"classes": c.Classes(), "logits": logits})
		} else if err != nil {
			return err
		}
		row, err := c.LogitsOf(values)
		if err != nil {
			return err
		}
		logits = append(logits, row...)
	}
}
`

// runGo builds the program in the exported folder and runs it.
func runGo(ctx context.Context, t *testing.T, folder string, s subject, in input) (Answer, error) {
	module, err := moduleOf(filepath.Join(folder, "go.mod"))
	if err != nil {
		return Answer{}, err
	}
	dir := filepath.Join(folder, "cmd", "interop")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Answer{}, err
	}
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(strings.ReplaceAll(goProgram, "MODULE", module)), 0o644); err != nil {
		return Answer{}, err
	}
	cmd := exec.CommandContext(ctx, "go", "run", "./cmd/interop")
	cmd.Dir, cmd.Env = folder, append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	ownGroup(cmd)
	var values, errors bytes.Buffer
	if err := binary.Write(&values, binary.LittleEndian, channelsLast(in, s)); err != nil {
		return Answer{}, err
	}
	cmd.Stdin, cmd.Stderr = &values, &errors
	out, err := cmd.Output()
	if err != nil {
		return Answer{}, fmt.Errorf("go run: %w: %s", err, errors.String())
	}
	var printed struct {
		Classes []string
		Logits  []float32
	}
	if err := json.Unmarshal(out, &printed); err != nil {
		return Answer{}, err
	}
	return Answer{Client: golang, Version: strings.TrimPrefix(runtime.Version(), "go"), Classes: printed.Classes, Note: "without cgo",
		Logits: printed.Logits, Shape: []int{len(printed.Logits) / len(printed.Classes), len(printed.Classes)}}, nil
}

// moduleOf reads the path of a module.
func moduleOf(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	module, ok := strings.CutPrefix(line, "module ")
	if !ok {
		return "", fmt.Errorf("%s begins with %q", path, line)
	}
	return module, nil
}

// channelsLast are the input's values in the order (n, rows, columns, channels).
func channelsLast(in input, s subject) []float32 {
	shape := s.w.Graph.Input
	plane := shape.Height * shape.Width
	values := make([]float32, 0, len(in.values))
	for image := range in.n {
		for position := range plane {
			for channel := range shape.Channels {
				values = append(values, in.values[(image*shape.Channels+channel)*plane+position])
			}
		}
	}
	return values
}
