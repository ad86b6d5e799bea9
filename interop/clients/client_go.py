"""Computes logits with a Go package of `train export --format go`, by a program that is compiled against it.

    python client_go.py MODEL INPUT.npy OUTPUT.npy

MODEL is the package's folder, a module of its own. INPUT is float32 (N, 3, H, W), normalized, or uint8 (N, H, W, 3). Needs NumPy
and go.
"""

import json
import os
import subprocess
import sys
import tempfile

import numpy

PROGRAM = """package main

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"log"
	"os"

	classifier "%s"
)

// Standard input: pixels or values of one image after another; standard output: their logits. Standard error: classes.
func main() {
	c, err := classifier.New()
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stderr).Encode(c.Classes()); err != nil {
		log.Fatal(err)
	}
	channels, rows, columns := c.Shape()
	pixels, values := make([]uint8, rows*columns*channels), make([]float32, rows*columns*channels)
	for {
		var logits []float32
		var err error
		if os.Args[1] == "uint8" {
			if _, err = io.ReadFull(os.Stdin, pixels); err == nil {
				logits, err = c.Logits(pixels)
			}
		} else if err = binary.Read(os.Stdin, binary.LittleEndian, values); err == nil {
			logits, err = c.LogitsOf(values)
		}
		if err == io.EOF {
			return
		}
		if err == nil {
			err = binary.Write(os.Stdout, binary.LittleEndian, logits)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
}
"""


def main(model, source, target):
    with open(os.path.join(model, "go.mod")) as f:
        module = f.readline().split()[1]
    x = numpy.load(source)
    x = x if x.dtype == numpy.uint8 else numpy.ascontiguousarray(x.astype("<f4").transpose(0, 2, 3, 1))
    environment = dict(os.environ, GOWORK="off", CGO_ENABLED="0", GOFLAGS="", GOPROXY="off")
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "main.go"), "w") as f:
            f.write(PROGRAM % module)
        with open(os.path.join(folder, "go.mod"), "w") as f:
            f.write(f"module example.com/client\n\ngo 1.22\n\nrequire {module} v0.0.0\n\nreplace {module} => {json.dumps(os.path.abspath(model))}\n")
        subprocess.run(["go", "build", "-o", "client", "."], cwd=folder, env=environment, check=True)
        kind = "uint8" if x.dtype == numpy.uint8 else "float32"
        run = subprocess.run([os.path.join(folder, "client"), kind], input=x.tobytes(), capture_output=True)
        if run.returncode != 0:
            sys.exit(run.stderr.decode())
    numpy.save(target, numpy.frombuffer(run.stdout, "<f4").reshape(len(x), -1))
    version = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout.strip()
    print(json.dumps({"client": "go", "version": version, "classes": json.loads(run.stderr), "note": "CGO_ENABLED=0"}))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
