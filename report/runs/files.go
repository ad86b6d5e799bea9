package runs

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// tailBytes is how much of the end of events.jsonl is read: the events of a long run take 100 MB, of which the last ones say
// how it ended. A line has at most some hundred bytes.
const tailBytes = 64 << 10

// lastEvents returns the last lines of a file of events.
func lastEvents(path string) ([][]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	begin := max(0, info.Size()-tailBytes)
	tail, err := io.ReadAll(io.NewSectionReader(f, begin, info.Size()-begin))
	if err != nil {
		return nil, err
	}
	lines := bytes.Split(bytes.TrimSpace(tail), []byte("\n"))
	if begin > 0 {
		lines = lines[1:] // a part of a line
	}
	return lines, nil
}

// readMetrics takes the completed epochs and the best accuracy from metrics.csv.
func (r *Run) readMetrics() error {
	f, err := os.Open(filepath.Join(r.Dir, metricsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // before the first epoch
	}
	if err != nil {
		return err
	}
	defer f.Close()
	table := csv.NewReader(f)
	table.FieldsPerRecord = -1 // the last row may be torn by a kill
	rows, err := table.ReadAll()
	if err != nil || len(rows) == 0 {
		return wrapCSV(err)
	}
	for _, row := range rows[1:] {
		if len(row) < len(rows[0]) {
			continue
		}
		value := func(column string) float64 {
			i := slices.Index(rows[0], column)
			if i < 0 {
				return 0
			}
			v, _ := strconv.ParseFloat(row[i], 64) // an empty cell has no value
			return v
		}
		r.Completed = max(r.Completed, int(value("epoch")))
		r.Step = max(r.Step, int64(value("step")))
		if mAP := max(value("val_map"), value("ema_val_map"), value("swa_val_map")); value("best") == 1 && mAP > 0 {
			if mAP >= r.BestMAP {
				r.BestMAP, r.BestTop1, r.BestEpoch = mAP, value("val_top1"), int(value("epoch"))
			}
			continue
		}
		if top1 := max(value("val_top1"), value("ema_val_top1"), value("swa_val_top1")); value("best") == 1 && top1 >= r.BestTop1 {
			r.BestTop1, r.BestEpoch = top1, int(value("epoch"))
		}
	}
	return nil
}

func wrapCSV(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", metricsFile, err)
}

// folderSize is the size of all files of a folder.
func folderSize(dir string) (int64, error) {
	var n int64
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a running process replaced it
		}
		if err == nil {
			n += info.Size()
		}
		return err
	})
	return n, err
}
