package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestCommittedChartIsCurrent(t *testing.T) {
	fresh := filepath.Join(t.TempDir(), "throughput.svg")
	if err := write(fresh); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(fresh)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join("..", "throughput.svg"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/throughput.svg is not what the table of docs/throughput/main.go draws: run go run ./docs/throughput")
	}
}

func TestWriteReportsTheFile(t *testing.T) {
	if err := write(filepath.Join(t.TempDir(), "missing", "throughput.svg")); !os.IsNotExist(err) {
		t.Errorf("error %v, want that the folder does not exist", err)
	}
}
