package shards

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/index"
	"depthwise.dev/data/internal/names"
	"depthwise.dev/data/internal/progress"
	"depthwise.dev/data/internal/random"
	"depthwise.dev/data/internal/sys"
	"depthwise.dev/internal/host"
)

// Options configures the writing of shards.
type Options struct {
	PerShard int    // images per shard; 0 means 1000
	MaxSide  int    // larger images are reduced to this longer side and encoded as JPEG; 0: copy every file unchanged
	Quality  int    // of those JPEGs, 1 to 100; 0 means 90
	Seed     uint64 // of the assignment of images to shards
	Workers  int    // goroutines, each writing a shard; 0: one per processor. The bytes do not depend on it
	// Progress, which may be nil, is called with the number of images done and the total.
	Progress func(done, total int64)
}

const (
	defaultPerShard = 1000
	defaultQuality  = 90
)

func (o *Options) complete() error {
	if o.PerShard == 0 {
		o.PerShard = defaultPerShard
	}
	if o.Quality == 0 {
		o.Quality = defaultQuality
	}
	if o.Workers == 0 {
		o.Workers = host.Processors()
	}
	var errs []error
	if o.PerShard < 1 {
		errs = append(errs, fmt.Errorf("data: shard: %d images per shard", o.PerShard))
	}
	if o.MaxSide < 0 || o.MaxSide > 65_500 {
		errs = append(errs, fmt.Errorf("data: shard: a longer side of %d pixels", o.MaxSide))
	}
	if o.Quality < 1 || o.Quality > 100 {
		errs = append(errs, fmt.Errorf("data: shard: quality %d is not in 1..100", o.Quality))
	}
	if o.Workers < 1 || o.Workers > data.MaxWorkers {
		errs = append(errs, fmt.Errorf("data: shard: %d workers: must be 1 to %d", o.Workers, data.MaxWorkers))
	}
	return errors.Join(errs...)
}

// Result says what Write did.
type Result struct {
	Shards, Kept int            // all shards, and those that existed already
	Images       int            // in the shards that were written
	Skipped      []data.Problem // unreadable images
}

// Write writes train, and val if it is not nil, as dir/train-000000.tar and so on, in WebDataset's
// convention: KEY.jpg and KEY.cls, the number of the class, beside shards.json with the names of the
// classes. Images are assigned to shards at random, so that sequential reading yields shuffled images.
// The same images and options give the same bytes. A shard appears under its name when it is complete;
// a repeated call writes the missing shards. Unreadable images are skipped and named.
func Write(ctx context.Context, dir string, train, val *data.Dataset, o Options) (Result, error) {
	if err := o.complete(); err != nil {
		return Result{}, err
	}
	w := &writer{dir: dir, options: o, count: progress.New(o.Progress)}
	w.plan("train", train)
	if val != nil {
		w.plan("val", val)
	}
	if err := w.describe(train, val); err != nil {
		return Result{}, fmt.Errorf("data: shard: %w", err)
	}
	if err := w.write(ctx); err != nil {
		return w.done, fmt.Errorf("data: shard: %w", err)
	}
	return w.done, w.indexAll(ctx)
}

// writer writes the shards of a data set.
type writer struct {
	dir     string
	options Options
	jobs    []shardJob
	count   *progress.Counter

	mu   sync.Mutex
	done Result
}

// shardJob is one shard to write.
type shardJob struct {
	name    string
	split   string
	set     *data.Dataset
	first   int     // position of its first image in the order of the split
	samples []int32 // in its order
}

// plan assigns the images of a split to shards.
func (w *writer) plan(split string, set *data.Dataset) {
	order := make([]int32, set.Len())
	for i := range order {
		order[i] = int32(i)
	}
	h := fnv.New64a()
	io.WriteString(h, split) // a hash never fails
	rng := random.New(w.options.Seed, random.Shard, h.Sum64())
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for first := 0; first < len(order); first += w.options.PerShard {
		name := fmt.Sprintf("%s-%06d.tar", split, first/w.options.PerShard)
		w.jobs = append(w.jobs, shardJob{name, split, set, first, order[first:min(first+w.options.PerShard, len(order))]})
	}
	w.count.Total += int64(set.Len())
}

// shardPlan determines the bytes of all shards.
type shardPlan struct {
	Images   string `json:"images"` // a digest of names and classes
	PerShard int    `json:"per_shard"`
	MaxSide  int    `json:"max_side"`
	Quality  int    `json:"quality"`
	Seed     uint64 `json:"seed"`
}

// describe writes shards.json, or returns an error for a folder with the shards of another plan.
func (w *writer) describe(train, val *data.Dataset) error {
	plan, err := json.Marshal(shardPlan{data.Digest(train, val), w.options.PerShard, w.options.MaxSide, w.options.Quality, w.options.Seed})
	if err != nil {
		return err
	}
	if entries, err := os.ReadDir(w.dir); err == nil && data.OwnFolder(entries) == data.OwnRun {
		return fmt.Errorf("%s is the folder of a training run, which is not read as a data set; choose another folder", w.dir)
	}
	path := filepath.Join(w.dir, shardsFile)
	if text, err := os.ReadFile(path); err == nil {
		set, err := parseShardSet(text)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		var was bytes.Buffer
		if json.Compact(&was, set.Plan) != nil || !bytes.Equal(was.Bytes(), plan) {
			return fmt.Errorf("%s contains the shards of other images or options; choose another folder or empty this one", w.dir)
		}
		return nil
	} else if tars, _ := tarsIn(w.dir); tars != nil {
		return fmt.Errorf("%s contains tar files that were not written by data shard; choose another folder", w.dir)
	}
	if beside := imageFolder(w.dir); beside != "" {
		return fmt.Errorf("%s contains a folder with images, %s, and could not be read as shards; choose another folder", w.dir, names.Show(filepath.Base(beside)))
	}
	text, err := json.MarshalIndent(shardSet{Format: 1, Classes: train.Classes, Plan: plan}, "", " ")
	if err != nil {
		return err
	}
	return writeFile(path, func(f io.Writer) error {
		_, err := f.Write(append(text, '\n'))
		return err
	})
}

// write writes the missing shards.
func (w *writer) write(ctx context.Context) error {
	w.done.Shards = len(w.jobs)
	err := eachInParallel(ctx, len(w.jobs), w.options.Workers, func(ctx context.Context, i int) error {
		job := w.jobs[i]
		path := filepath.Join(w.dir, job.name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			w.add(0, true, nil)
			w.count.Add(int64(len(job.samples)))
			return nil
		}
		if err := w.writeShard(ctx, path, job); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	})
	w.count.Finish()
	slices.SortFunc(w.done.Skipped, func(a, b data.Problem) int { return strings.Compare(a.Path, b.Path) })
	return err
}

// add records a finished shard.
func (w *writer) add(images int, kept bool, skipped []data.Problem) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done.Images += images
	if kept {
		w.done.Kept++
	}
	w.done.Skipped = append(w.done.Skipped, skipped...)
}

func (w *writer) writeShard(ctx context.Context, path string, job shardJob) error {
	r, err := data.NewImageReader()
	if err != nil {
		return err
	}
	defer r.Close()
	var skipped []data.Problem
	images := 0
	err = writeFile(path, func(f io.Writer) error {
		t := tar.NewWriter(f)
		for i, sample := range job.samples {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			s := job.set.Samples[sample]
			image, ext, err := w.image(ctx, r, s)
			w.count.Add(1)
			if sys.IsSystemError(err) {
				return err
			}
			if err != nil {
				skipped = append(skipped, data.Problem{Path: s.Path, Reason: sys.Reason(err)})
				continue
			}
			images++
			key := shardKey(job.first+i, job.set.Classes[s.Class], s.Path)
			if err := errors.Join(addMember(t, key+ext, image), addMember(t, key+".cls", []byte(strconv.Itoa(s.Class)))); err != nil {
				return err
			}
		}
		return t.Close()
	})
	if err == nil {
		w.add(images, false, skipped)
	}
	return err
}

// addMember appends a file without time or owner, so that equal content gives equal bytes.
func addMember(t *tar.Writer, name string, content []byte) error {
	err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(content)), Mode: 0o644, Format: tar.FormatUSTAR})
	if err != nil {
		return err
	}
	_, err = t.Write(content)
	return err
}

// shardKey returns the key of a sample: its position, which makes it unique, and the name of its source
// in characters that every tar reader and WebDataset keep.
func shardKey(place int, class, path string) string {
	stem := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	from := class + "-" + stem
	if strings.HasPrefix(stem, class) {
		from = stem
	}
	plain := strings.Map(func(c rune) rune {
		if c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
			return c
		}
		return '_'
	}, from)
	return fmt.Sprintf("%08d-%s", place, plain[:min(64, len(plain))])
}

// indexAll writes an index of each split beside the shards, for remote reading.
func (w *writer) indexAll(ctx context.Context) error {
	paths := map[string][]string{}
	for _, job := range w.jobs {
		paths[job.split] = append(paths[job.split], filepath.Join(w.dir, job.name))
	}
	for _, split := range []string{"train", "val"} {
		if len(paths[split]) == 0 {
			continue
		}
		indices, err := indexShards(ctx, w.dir, paths[split], index.Cache{})
		if err != nil {
			return err
		}
		for _, x := range indices {
			x.Stamp = "" // a copy has another modification time
		}
		path := filepath.Join(w.dir, shardIndexName(split))
		if err := writeFile(path, func(f io.Writer) error { return writeShardIndex(f, indices) }); err != nil {
			return fmt.Errorf("data: shard: %w", err)
		}
	}
	return nil
}

// shardIndexName is the name of the index beside the shards of a split.
func shardIndexName(split string) string { return split + ".index.gz" }
