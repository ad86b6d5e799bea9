package report

// Event is one of the structs below. As a JSON line it is {"event":KIND, ...fields}, in the order of the struct's fields.
// Accuracies and shares are fractions of 1; epochs and batches count from 1, steps are the optimizer steps done so far.
type Event interface{ Kind() string }

// Recorder is told what happens. After an error it can still be used: the next event is tried again.
type Recorder interface {
	Record(Event) error
	Close() error
}

// Start is the first event of a run and of each resume.
type Start struct {
	Run         string `json:"run"`        // the run's folder
	Images      int    `json:"images"`     // to train on
	ValImages   int    `json:"val_images"` // to validate on
	Epochs      int    `json:"epochs"`
	Batches     int    `json:"batches"`     // in an epoch
	Step        int64  `json:"step"`        // where it continues; 0 at the beginning
	Steps       int64  `json:"steps"`       // of the whole run
	Description string `json:"description"` // network, device, estimated time; may have several lines
}

// Step is one optimizer step.
type Step struct {
	Step            int64   `json:"step"`
	Epoch           int     `json:"epoch"`
	Batch           int     `json:"batch"` // batches of the epoch that are done, this one too
	Batches         int     `json:"batches"`
	Loss            float64 `json:"loss"` // of this step's images alone, as is Top1
	LR              float64 `json:"lr"`
	Top1            float64 `json:"top1"`
	Images          int     `json:"images"` // in this step
	ImagesPerSecond float64 `json:"images_per_second"`
	GradNorm        float64 `json:"grad_norm"` // before clipping
}

// Validation is the progress of a validation. It is shown, and not kept in events.jsonl.
type Validation struct {
	Epoch   int `json:"epoch"`
	Batch   int `json:"batch"`
	Batches int `json:"batches"`
}

// Epoch sums up an epoch and its validation. Without a validation ValImages is 0, and the figures that it would give mean
// nothing; without a weight average Averaged is false, and nor do its.
type Epoch struct {
	Epoch           int     `json:"epoch"`
	Epochs          int     `json:"epochs"`
	Step            int64   `json:"step"`
	TrainLoss       float64 `json:"train_loss"`
	TrainTop1       float64 `json:"train_top1"`
	ValLoss         float64 `json:"val_loss"`
	ValTop1         float64 `json:"val_top1"`
	ValTop5         float64 `json:"val_top5"`
	Averaged        bool    `json:"averaged"`     // the weight average was validated too, and decides what is best
	EMAValLoss      float64 `json:"ema_val_loss"` // of the weight average
	EMAValTop1      float64 `json:"ema_val_top1"`
	EMAValTop5      float64 `json:"ema_val_top5"`
	LR              float64 `json:"lr"` // of the epoch's last step
	ImagesPerSecond float64 `json:"images_per_second"`
	Seconds         float64 `json:"seconds"`
	DataWaitShare   float64 `json:"data_wait_share"` // of the training time, spent waiting for images
	ValImages       int     `json:"val_images"`
	Skipped         int     `json:"skipped"` // images that could not be read
	Best            bool    `json:"best"`    // the best validation top-1 yet
}

// Checkpoint says that a file was saved.
type Checkpoint struct {
	Step int64  `json:"step"`
	Path string `json:"path"`
	Best bool   `json:"best"`
}

// Skip names an image that could not be read and was left out.
type Skip struct {
	Step   int64  `json:"step"`
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Levels of a Note.
const (
	Info    = "info"
	Warning = "warning"
)

// Note is a remark in words.
type Note struct {
	Level string `json:"level"` // Info or Warning
	Text  string `json:"text"`
}

// Statuses of Done.
const (
	Finished    = "finished"
	Interrupted = "interrupted"
)

// Done is the last event.
type Done struct {
	Step     int64   `json:"step"`
	Epochs   int     `json:"epochs"` // that are done
	BestTop1 float64 `json:"best_top1"`
	Seconds  float64 `json:"seconds"`
	Status   string  `json:"status"` // Finished or Interrupted
}

// Kind is "start".
func (Start) Kind() string { return "start" }

// Kind is "step".
func (Step) Kind() string { return "step" }

// Kind is "validation".
func (Validation) Kind() string { return "validation" }

// Kind is "epoch".
func (Epoch) Kind() string { return "epoch" }

// Kind is "checkpoint".
func (Checkpoint) Kind() string { return "checkpoint" }

// Kind is "skip".
func (Skip) Kind() string { return "skip" }

// Kind is "note".
func (Note) Kind() string { return "note" }

// Kind is "done".
func (Done) Kind() string { return "done" }
