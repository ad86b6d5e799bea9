package page

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"depthwise.dev/metrics"
	"depthwise.dev/report/charts"
)

// Files are the names of all files that belong to a report in the folder of a run.
var Files = []string{File, ExtraFile, PredictionsFile, "results.png", "results.svg", "confusion_matrix.png", "confusion_matrix.svg"}

// WriteFile writes a page to a file, as a whole or not at all.
func WriteFile(path string, mode fs.FileMode, d Data) error {
	return writeFile(path, mode, func(w io.Writer) error { return Write(w, d) })
}

// WriteCharts writes the curves and, where there are predictions, the confusion matrix beside the page of a run, as PNG and SVG.
func WriteCharts(mode fs.FileMode, d Data) error {
	list := []struct {
		name  string
		chart charts.Chart
	}{{"results", Results(filepath.Base(d.Dir), d.History)}}
	if len(d.Predictions) > 0 {
		list = append(list, struct {
			name  string
			chart charts.Chart
		}{"confusion_matrix", MatrixOf(metrics.Summarize(d.Classes, d.Predictions))})
	}
	var errs []error
	for _, c := range list {
		path := filepath.Join(d.Dir, c.name)
		errs = append(errs, writeFile(path+".png", mode, func(w io.Writer) error { return charts.WritePNG(w, c.chart) }),
			writeFile(path+".svg", mode, func(w io.Writer) error { return charts.WriteSVG(w, c.chart) }))
	}
	return errors.Join(errs...)
}

func writeFile(path string, mode fs.FileMode, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	return replace(path, mode, b.Bytes())
}

// Mode is the mode of the files of a run that name its data: that of config.yaml.
func Mode(dir string) fs.FileMode {
	info, err := os.Stat(filepath.Join(dir, configFile))
	if err != nil {
		return 0o600
	}
	return info.Mode().Perm()
}
