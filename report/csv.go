package report

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"depthwise.dev/internal/regularfile"
)

// csvColumns are the columns of metrics.csv: the fields of Epoch under their JSON names. Accuracies
// and data_wait_share are fractions of 1, lr is the learning rate of the epoch's last step, seconds
// is the duration of the epoch with its validation, best is 0 or 1. Unknown and non-finite values
// are empty cells.
var csvColumns = []string{
	"epoch", "step", "train_loss", "train_top1", "val_loss", "val_top1", "val_top5",
	"ema_val_loss", "ema_val_top1", "ema_val_top5", "lr", "images_per_second", "seconds", "data_wait_share", "val_images", "skipped", "best",
}

const csvEpochColumn, csvStepColumn = 0, 1

// OpenCSV opens metrics.csv, a header and one row per epoch. Every row is written immediately. The
// columns:
//
//	epoch,step,train_loss,train_top1,val_loss,val_top1,val_top5,ema_val_loss,ema_val_top1,ema_val_top5,lr,images_per_second,seconds,data_wait_share,val_images,skipped,best
//
// At step 0 the file is truncated. Otherwise OpenCSV removes incomplete rows and those of later
// steps and epochs; if the file has other columns, it returns an error and does not change the
// file.
func OpenCSV(path string, from Position) (Recorder, error) { return OpenCSVWith(path, from, nil) }

// OpenCSVWith is [OpenCSV] with further columns at the end, such as [ColumnMAP]. A file of an earlier version keeps its columns, if
// they are some of these.
func OpenCSVWith(path string, from Position, further []string) (Recorder, error) {
	if from.Step != 0 {
		var err error
		if further, err = columnsOf(path, further); err != nil {
			return nil, fmt.Errorf("report: %s: %w", path, withAdvice(err))
		}
	}
	columns := slices.Concat(csvColumns, further)
	f, err := openLines(path, from.Step == 0, keepRows(from, columns))
	if err != nil {
		return nil, err
	}
	r := &csvRecorder{path: path, f: f, further: further}
	if err := r.start(f); err != nil {
		f.Close() // return the first error
		return nil, err
	}
	return r, nil
}

type csvRecorder struct {
	path    string
	f       lineFile
	further []string
}

// start writes the header to an empty file.
func (r *csvRecorder) start(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("report: %s: %w", r.path, err)
	}
	if info.Size() > 0 {
		return nil
	}
	return r.append(slices.Concat(csvColumns, r.further))
}

func (r *csvRecorder) Record(e Event) error {
	epoch, isEpoch := e.(Epoch)
	if !isEpoch {
		return nil
	}
	return r.append(append(csvRow(epoch), epoch.measures(r.further)...))
}

func (r *csvRecorder) append(row []string) error {
	line, err := csvLine(row)
	if err == nil {
		err = appendLine(r.f, line)
	}
	if err != nil {
		return fmt.Errorf("report: %s: %w", r.path, err)
	}
	return nil
}

func (r *csvRecorder) Close() error {
	if err := r.f.Close(); err != nil {
		return fmt.Errorf("report: %s: %w", r.path, err)
	}
	return nil
}

func csvLine(row []string) ([]byte, error) {
	var line bytes.Buffer
	w := csv.NewWriter(&line)
	if err := w.Write(row); err != nil {
		return nil, err
	}
	w.Flush()
	return line.Bytes(), w.Error()
}

func csvRow(e Epoch) []string {
	validation := make([]string, 6) // empty cells
	if e.ValImages > 0 {
		validation = append([]string{csvFloat(e.ValLoss), csvFloat(e.ValTop1), csvFloat(e.ValTop5)}, validation[3:]...)
	}
	if e.ValImages > 0 && e.Averaged {
		validation = append(validation[:3], csvFloat(e.EMAValLoss), csvFloat(e.EMAValTop1), csvFloat(e.EMAValTop5))
	}
	if e.multiLabel() {
		validation[2], validation[5] = "", ""
	}
	best := "0"
	if e.Best {
		best = "1"
	}
	row := append([]string{strconv.Itoa(e.Epoch), strconv.FormatInt(e.Step, 10), csvFloat(e.TrainLoss), csvFloat(e.TrainTop1)}, validation...)
	return append(row, csvFloat(e.LR), csvFloat(e.ImagesPerSecond), csvFloat(e.Seconds), csvFloat(e.DataWaitShare), strconv.Itoa(e.ValImages),
		strconv.Itoa(e.Skipped), best)
}

func csvFloat(f float64) string {
	if !finite(f) {
		return ""
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func headerLine(columns []string) string { return strings.Join(columns, ",") + "\n" }

// columnsOf returns which of the further columns the file has, all of them if its first line is not complete. Files of older versions
// lack those of --swa-epochs; other differences are an error.
func columnsOf(path string, further []string) ([]string, error) {
	f, err := regularfile.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return further, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() // opened for reading: the error carries no information
	line, err := bufio.NewReader(f).ReadString('\n')
	if errors.Is(err, io.EOF) {
		return further, nil
	}
	if err != nil {
		return nil, err
	}
	has := strings.Split(strings.TrimSuffix(line, "\n"), ",")
	kept := slices.DeleteFunc(slices.Clone(further), func(column string) bool {
		return strings.HasPrefix(column, swaPrefix) && !slices.Contains(has, column)
	})
	if line != headerLine(slices.Concat(csvColumns, kept)) {
		return nil, fmt.Errorf("the columns are %q, not those of this program: move the file away to resume", line)
	}
	return kept, nil
}

// keepRows keeps the header, if it is the first line, and the complete rows up to last.
func keepRows(last Position, columns []string) keepLine {
	first, known := true, false
	return func(line []byte) bool {
		if first {
			first, known = false, string(line) == headerLine(columns)
			return known
		}
		cells := strings.Split(string(line), ",")
		if !known || !bytes.HasSuffix(line, []byte("\n")) || len(cells) != len(columns) {
			return false
		}
		epoch, errEpoch := strconv.Atoi(cells[csvEpochColumn])
		step, errStep := strconv.ParseInt(cells[csvStepColumn], 10, 64)
		return errEpoch == nil && errStep == nil && step <= last.Step && epoch <= last.Epochs
	}
}
