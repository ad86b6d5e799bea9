package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// downloadPrefix is the name prefix of the cache folders with the wheels of a download that is not complete.
const downloadPrefix = "download-"

// fetch downloads the wheels of a platform and unpacks the required files to dir. If it is interrupted, the wheels that are
// complete stay in the cache, and the next run continues with the others.
func (s *setup) fetch(p platform, dir string) error {
	if err := checkDiskSpace(dir, p); err != nil {
		return err
	}
	folder := filepath.Join(s.cache, downloadPrefix+p.key())
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return cacheError(folder, err)
	}
	defer os.Remove(folder) // fails while it holds a wheel
	files, err := s.download(p, folder, dir)
	if err != nil {
		return err
	}
	if err := s.unpack(files, p, dir); err != nil && errors.Is(err, syscall.ENOSPC) {
		return err
	} else if err != nil { // a wheel is damaged
		return errors.Join(err, os.RemoveAll(folder))
	}
	return os.RemoveAll(folder)
}

// download downloads the wheels that folder does not hold, one after another, and returns the paths of all. Below dir it
// makes temporary files.
func (s *setup) download(p platform, folder, dir string) (files []string, err error) {
	temp := filepath.Join(dir, "download") // on the same disk as folder
	if err := os.Mkdir(temp, 0o755); err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	for _, w := range p.Wheels {
		files = append(files, filepath.Join(folder, w.Name+"-"+w.Version+".whl"))
	}
	bar := s.bar(fmt.Sprintf("downloading %s through pip", p.name()), p.bytes())
	err = runWithProgress(bar, []string{folder, temp}, func() error {
		for i, w := range p.Wheels {
			if _, err := os.Stat(files[i]); err == nil {
				continue // of an earlier run
			}
			if err := w.download(files[i], temp, p.name()); err != nil {
				return err
			}
		}
		return nil
	})
	return files, err
}

// runWithProgress runs f and meanwhile shows the size of folders.
func runWithProgress(bar *bar, folders []string, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			bar.finish(err == nil)
			return err
		case <-tick.C:
			var size int64
			for _, dir := range folders {
				size += folderSize(dir)
			}
			bar.set(size)
		}
	}
}

// folderSize returns the total size of the files in dir. Files that disappear meanwhile do not
// count.
func folderSize(dir string) (bytes int64) {
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}
