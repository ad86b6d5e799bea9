package main

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"depthwise.dev/classify"
	"depthwise.dev/data"
)

// Formats of predictions.
const (
	formatText  = "text"  // lines for each image
	formatRows  = "table" // a line for each image
	formatCSV   = "csv"   // a row for each image
	formatJSONL = "jsonl" // a line of JSON for each image
	formatJSON  = "json"  // one list
)

var predictionFormats = []string{formatText, formatRows, formatCSV, formatJSONL, formatJSON}

// formatOfExtension has the extensions of --output.
var formatOfExtension = map[string]string{".csv": formatCSV, ".jsonl": formatJSONL, ".ndjson": formatJSONL, ".json": formatJSON, ".txt": ""}

// fewImages are printed with several lines each.
const fewImages = 10

// checkFormat completes the format from --json and the extension of --output, and refuses contradictions.
func (p *prediction) checkFormat() error {
	if p.json {
		if p.format != "" && p.format != formatJSON {
			return usagef("--json and --format %s contradict each other: omit one", p.format)
		}
		p.format = formatJSON
	}
	if p.output == "" {
		return nil
	}
	if err := checkOutput("output", p.output, ".csv", ".jsonl", ".ndjson", ".json", ".txt"); err != nil {
		return err
	}
	extension := strings.ToLower(filepath.Ext(p.output))
	of, known := formatOfExtension[extension]
	regular := true
	if info, err := os.Stat(p.output); err == nil {
		regular = info.Mode().IsRegular()
	}
	isText := p.format == formatText || p.format == formatRows
	if known && regular && p.format != "" && p.format != of && !(of == "" && isText) {
		return usagef("--output %s: the extension %s is that of another format than %s: omit --format, or change the extension", shellWord(p.output), extension, p.format)
	}
	if p.format == "" {
		p.format = of
	}
	return nil
}

// writer returns the sink of the predictions themselves.
func (p *prediction) writer(cmd *cobra.Command, images *data.Dataset) sink {
	out := io.Writer(cmd.OutOrStdout())
	var file *lazyFile
	if p.output != "" {
		file = &lazyFile{path: p.output}
		out = file
	}
	format := p.format
	if format == "" && images.Len() <= fewImages {
		format = formatText
	}
	w := &predictionWriter{out: out, file: file, top: cmp.Or(p.Top, 5), topSet: p.topSet, threshold: p.Threshold}
	switch format {
	case formatText:
		w.write = w.text
	case formatCSV:
		w.csv = csv.NewWriter(out)
		w.write = w.row
	case formatJSONL:
		w.write = w.line
	case formatJSON:
		w.predictions, w.write = []classify.Prediction{}, w.collect
	default:
		if !p.topSet {
			w.top = 1
		}
		w.write = w.tableRow
	}
	return w
}

// predictionWriter writes predictions in a format, each as it comes; a JSON list at the end.
type predictionWriter struct {
	out         io.Writer
	file        *lazyFile // of --output
	write       func(classify.Predicted) error
	top         int
	topSet      bool // by the user; otherwise multi-label weights have all classes that are predicted
	threshold   float64
	csv         *csv.Writer
	columns     int // of classes in CSV
	width       int // of class names in a table
	predictions []classify.Prediction
}

// Add implements [sink].
func (w *predictionWriter) Add(p classify.Predicted) error { return w.write(p) }

// Close implements [sink].
func (w *predictionWriter) Close() error {
	if w.predictions != nil {
		if err := writeJSON(w.out, w.predictions); err != nil {
			return err
		}
	}
	if w.file != nil {
		return w.file.Close()
	}
	return nil
}

func writeJSON(out io.Writer, value any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return e.Encode(value)
}

func (w *predictionWriter) collect(p classify.Predicted) error {
	w.predictions = append(w.predictions, p.Prediction)
	return nil
}

func (w *predictionWriter) line(p classify.Predicted) error { return writeJSON(w.out, p.Prediction) }

// row writes a row of CSV, after the names of the columns: image, class, probability, class_2, probability_2, ..., error.
func (w *predictionWriter) row(p classify.Predicted) error {
	if w.columns == 0 {
		w.columns = max(1, min(w.top, len(p.Classes)))
		if p.MultiLabel && !w.topSet {
			w.columns = max(1, len(p.Classes))
		}
		header := []string{"image", "class", "probability"}
		for i := 2; i <= w.columns; i++ {
			header = append(header, fmt.Sprintf("class_%d", i), fmt.Sprintf("probability_%d", i))
		}
		if err := w.csv.Write(append(header, "error")); err != nil {
			return err
		}
	}
	record := []string{data.EscapeName(p.Image)}
	for i := range w.columns {
		class, probability := "", ""
		if i < len(p.Top) {
			class, probability = p.Top[i].Class, strconv.FormatFloat(p.Top[i].Probability, 'g', 6, 64)
		}
		record = append(record, class, probability)
	}
	if err := w.csv.Write(append(record, data.EscapeName(why(p.Prediction)))); err != nil {
		return err
	}
	w.csv.Flush()
	return w.csv.Error()
}

// why is the reason why an image cannot be read, without its path.
func why(p classify.Prediction) string {
	return strings.TrimPrefix(p.Error, data.ShowName(p.Image)+": ")
}

// text writes lines: the image, then a class in each.
func (w *predictionWriter) text(p classify.Predicted) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", data.ShowName(p.Image))
	switch {
	case p.Error != "":
		fmt.Fprintf(&b, "  cannot be read: %s\n", why(p.Prediction))
	case len(p.Top) == 0:
		fmt.Fprintf(&b, "  %s\n", noClass(w.threshold))
	}
	for _, t := range p.Top {
		fmt.Fprintf(&b, "  %6.2f %%  %s\n", 100*t.Probability, data.ShowName(t.Class))
	}
	_, err := io.WriteString(w.out, b.String())
	return err
}

// noClass says why an image has no class: with a threshold of 0 those of multi-label weights are the reason.
func noClass(threshold float64) string {
	if threshold == 0 {
		return "no class that reaches its threshold"
	}
	return "no class of at least " + percent(threshold) + " %"
}

// labelsLine writes a line: the image and any number of classes.
func (w *predictionWriter) labelsLine(p classify.Predicted) error {
	var list []string
	for _, t := range p.Top {
		list = append(list, fmt.Sprintf("%.2f %% %s", 100*t.Probability, data.ShowName(t.Class)))
	}
	line := data.ShowName(p.Image) + ": "
	switch {
	case p.Error != "":
		line += "cannot be read: " + why(p.Prediction)
	case list == nil:
		line += noClass(w.threshold)
	}
	_, err := io.WriteString(w.out, line+strings.Join(list, ", ")+"\n")
	return err
}

// widestClass is the number of columns that a table reserves for a class. Longer names move what follows.
const widestClass = 30

// tableRow writes a line: the most probable classes, then the image.
func (w *predictionWriter) tableRow(p classify.Predicted) error {
	if p.MultiLabel && !w.topSet {
		return w.labelsLine(p)
	}
	if w.width == 0 {
		for _, class := range p.Classes {
			w.width = max(w.width, min(widestClass, textWidth(data.ShowName(class))))
		}
	}
	line := ""
	for i := range min(w.top, max(1, len(p.Classes))) {
		switch {
		case i < len(p.Top):
			line += fmt.Sprintf("%6.2f %%  %s  ", 100*p.Top[i].Probability, padded(data.ShowName(p.Top[i].Class), w.width))
		case i == 0 && p.Error == "":
			line += fmt.Sprintf("%6s %%  %s  ", "<"+percent(w.threshold), padded("-", w.width))
		case i == 0:
			line += padded("cannot be read", len("100.00 %  ")+w.width+1)
		default:
			line += padded("", len("100.00 %  ")+w.width+1)
		}
	}
	line += data.ShowName(p.Image)
	if p.Error != "" {
		line += ": " + why(p.Prediction)
	}
	_, err := io.WriteString(w.out, line+"\n")
	return err
}

// lazyFile is a file that is created with the first byte: until then an older one stays. It is not replaced at the end but
// grows, so that the predictions before a crash can be read.
type lazyFile struct {
	path string
	file *os.File
}

func (f *lazyFile) Write(b []byte) (int, error) {
	if f.file == nil {
		var err error
		if f.file, err = os.Create(f.path); err != nil {
			return 0, err
		}
	}
	return f.file.Write(b)
}

// Close makes the file durable. A device or a FIFO needs no such thing.
func (f *lazyFile) Close() error {
	if f.file == nil {
		return nil
	}
	info, err := f.file.Stat()
	if err == nil && info.Mode().IsRegular() {
		err = f.file.Sync()
	}
	if closed := f.file.Close(); err == nil {
		err = closed
	}
	return err
}
