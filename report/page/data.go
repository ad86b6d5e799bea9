package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/internal/regularfile"
	"depthwise.dev/metrics"
	"depthwise.dev/models"
	"depthwise.dev/report/history"
)

// Files of a run's folder that belong to its report, and those that it is made from.
const (
	File            = "report.html"
	ExtraFile       = "report.json"
	PredictionsFile = "predictions.csv"
	eventsFile      = "events.jsonl"
	configFile      = "config.yaml"
)

// Data is everything that a page shows. The zero value of a field leaves its part of the page out, or says that it is missing.
type Data struct {
	Dir         string // the run's folder
	State       string // running, finished, interrupted, failed or killed
	History     *history.History
	Settings    string   // YAML
	Machine     []string // versions and processor
	Predictions []metrics.Prediction
	MultiLabel  *metrics.MultiLabelPredictions // of multi-label data, in place of Predictions
	Extra
	Commands []string // how to go on
	Problems []string // files that could not be read
	Live     *Live    // of a page that a server renders; nil: a file
}

// Extra is what the training process records for the report: report.json.
type Extra struct {
	Classes []string        `json:"classes,omitempty"`
	Network *models.Summary `json:"network,omitempty"`
	Batch   *Picture        `json:"batch,omitempty"`  // a training batch
	Layers  *Layers         `json:"layers,omitempty"` // after the last epoch
	// Worst are the mistakes with the greatest loss, Unsure the predictions with the lowest confidence, of the best epoch.
	Worst  []Example `json:"worst,omitempty"`
	Unsure []Example `json:"unsure,omitempty"`
}

// Picture is a JPEG file with its size in pixels and its description.
type Picture struct {
	Width  int    `json:"width"`
	Height int    `json:"height"`
	JPEG   []byte `json:"jpeg"`
	About  string `json:"about"`
}

// Example is a validation image with its prediction. JPEG is a reduced image, empty if it could not be read.
type Example struct {
	Image      string  `json:"image"`
	Class      string  `json:"class,omitempty"`
	Predicted  string  `json:"predicted,omitempty"`
	Confidence float64 `json:"confidence,omitempty"`
	JPEG       []byte  `json:"jpeg,omitempty"`
	MultiLabel *Labels `json:"multi_label,omitempty"` // in place of Class, Predicted and Confidence
}

// Labels are the classes of an image that may have several.
type Labels struct {
	All    []string `json:"all"`              // of the image
	Missed []string `json:"missed,omitempty"` // of these, not predicted
	Wrong  []string `json:"wrong,omitempty"`  // predicted and not among them
}

// Layers holds the state of the network's layers after an epoch.
type Layers struct {
	Epoch int     `json:"epoch"`
	List  []Layer `json:"list"`
}

// Layer is the state of a layer with weights. Norms are L2. Gradient and Update are those of the epoch's last step; both are 0 for
// a frozen layer.
type Layer struct {
	Name     string  `json:"name"`
	Norm     float64 `json:"norm"`     // of the weights
	Gradient float64 `json:"gradient"` // norm of the gradient
	Update   float64 `json:"update"`   // norm of the step's change over Norm
	Std      float64 `json:"std"`      // of the output before batch norm, by its running variance; 0 without batch norm
	Dead     float64 `json:"dead"`     // fraction of channels that the activation function sets to zero nearly always
	Frozen   bool    `json:"frozen,omitempty"`
}

// WriteExtra writes report.json.
func WriteExtra(dir string, mode fs.FileMode, e Extra) error {
	text, err := json.Marshal(e)
	if err == nil {
		err = replace(filepath.Join(dir, ExtraFile), mode, text)
	}
	if err != nil {
		return fmt.Errorf("page: %s: %w", ExtraFile, err)
	}
	return nil
}

// replace writes a file as a whole; a named pipe of its name is replaced, which would block.
func replace(path string, mode fs.FileMode, content []byte) error {
	if err := regularfile.Clear(path); err != nil {
		return err
	}
	return atomicfile.WriteFile(path, mode, content)
}

// ReadExtra reads report.json; a folder without one has the zero value.
func ReadExtra(dir string) (Extra, error) {
	var e Extra
	text, err := readFile(filepath.Join(dir, ExtraFile))
	if errors.Is(err, fs.ErrNotExist) {
		return e, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &e)
	}
	if err != nil {
		return Extra{}, fmt.Errorf("page: %s: %w", ExtraFile, err)
	}
	return e, nil
}

// maxFile is far above the size of the files of a run that are read as a whole: predictions of a million images have 100 MB.
const maxFile = 1 << 30

func readFile(path string) ([]byte, error) {
	f, err := regularfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // opened for reading: the error carries no information
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%d bytes are too many", info.Size())
	}
	var b bytes.Buffer
	_, err = b.ReadFrom(f)
	return b.Bytes(), err
}

// Gather collects the data of a run from its folder. A file that cannot be read is among the problems. The state is running where the
// events do not say how the run ended; the caller knows whether a process trains.
func Gather(dir string, h *history.History) Data {
	d := Data{Dir: dir, History: h, State: "running"}
	if h.Done != nil {
		d.State = h.Done.Status
	}
	d.readSettings()
	var err error
	if d.Extra, err = ReadExtra(dir); err != nil {
		d.Problems = append(d.Problems, err.Error())
	}
	text, err := readFile(filepath.Join(dir, PredictionsFile))
	if err == nil {
		err = d.readPredictions(text)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.Problems = append(d.Problems, fmt.Sprintf("page: %s: %v", PredictionsFile, err))
	}
	return d
}

// readPredictions reads the file's form that the data of the run has.
func (d *Data) readPredictions(text []byte) (err error) {
	if !d.History.Start.MultiLabel {
		d.Predictions, err = metrics.ReadPredictions(bytes.NewReader(text))
		return err
	}
	p, err := metrics.ReadMultiLabelPredictions(bytes.NewReader(text))
	if err == nil && len(p.Paths) > 0 {
		d.MultiLabel = &p
	}
	return err
}

// readSettings divides config.yaml into its settings and the comments about the machine.
func (d *Data) readSettings() {
	text, err := readFile(filepath.Join(d.Dir, configFile))
	if err != nil {
		d.Problems = append(d.Problems, fmt.Sprintf("page: %v", err))
		return
	}
	var settings strings.Builder
	for line := range strings.Lines(string(text)) {
		if comment, ok := strings.CutPrefix(line, "#"); ok && settings.Len() == 0 {
			d.Machine = append(d.Machine, strings.TrimSpace(comment))
			continue
		}
		settings.WriteString(line)
	}
	d.Settings = settings.String()
}
