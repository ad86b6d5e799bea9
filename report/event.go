package report

// Event is one of the structs below. Its JSON form is {"event":KIND, ...fields} in the order of the
// struct's fields. Accuracies and shares are fractions of 1; epochs and batches count from 1; Step
// is the number of completed optimizer steps.
type Event interface{ Kind() string }

// Recorder receives the events of a run. It remains usable after an error.
type Recorder interface {
	Record(Event) error
	Close() error
}

// Start is the first event of a run and of each resume.
type Start struct {
	Run         string `json:"run"`                   // the run's folder
	Images      int    `json:"images"`                // training images
	ValImages   int    `json:"val_images"`            // validation images
	Classes     int    `json:"classes,omitempty"`     // 0 of older runs
	Epochs      int    `json:"epochs,omitempty"`      // 0: not known yet, see Budget
	Batches     int    `json:"batches"`               // per epoch
	Step        int64  `json:"step"`                  // completed steps; 0 for a new run
	Steps       int64  `json:"steps,omitempty"`       // of the whole run; 0 likewise
	MultiLabel  bool   `json:"multi_label,omitempty"` // an image may have any number of classes; top-1 counts exact matches
	Description string `json:"description"`           // network, device, estimated time; may have several lines

	LRFactor float64 `json:"lr_factor,omitempty"` // of the learning-rate changes up to Step, see Control; 0: none
}

// Step is one optimizer step.
type Step struct {
	Step            int64   `json:"step"`
	Epoch           int     `json:"epoch"`
	Batch           int     `json:"batch"` // completed batches of the epoch, including this one
	Batches         int     `json:"batches"`
	Loss            float64 `json:"loss"` // of this step only, like Top1
	LR              float64 `json:"lr"`
	Top1            float64 `json:"top1"`
	Images          int     `json:"images"` // in this step
	ImagesPerSecond float64 `json:"images_per_second"`
	GradNorm        float64 `json:"grad_norm,omitempty"` // before clipping; 0 if it was not computed
	// In float16: the scale of the loss, and whether gradients were not finite at that scale, so that nothing was updated.
	LossScale     float64 `json:"loss_scale,omitempty"`
	UpdateSkipped bool    `json:"update_skipped,omitempty"`
}

// Validation is the progress of a validation. It is not written to events.jsonl.
type Validation struct {
	Epoch   int `json:"epoch"`
	Batch   int `json:"batch"`
	Batches int `json:"batches"`
}

// Epoch summarizes an epoch and its validation. Without a validation ValImages is 0 and the
// validation metrics are undefined; without a weight average Averaged is false and its metrics are
// undefined.
type Epoch struct {
	Epoch           int     `json:"epoch"`
	Epochs          int     `json:"epochs"`
	Step            int64   `json:"step"`
	TrainLoss       float64 `json:"train_loss"`
	TrainTop1       float64 `json:"train_top1"`
	ValLoss         float64 `json:"val_loss"`
	ValTop1         float64 `json:"val_top1"`
	ValTop5         float64 `json:"val_top5"`
	Averaged        bool    `json:"averaged"`     // the weight average was validated too; the better of the two counts for Best
	EMAValLoss      float64 `json:"ema_val_loss"` // of the weight average
	EMAValTop1      float64 `json:"ema_val_top1"`
	EMAValTop5      float64 `json:"ema_val_top5"`
	ValMAP          float64 `json:"val_map"` // mean average precision of multi-label data, of which top-1 counts exact matches
	EMAValMAP       float64 `json:"ema_val_map"`
	LR              float64 `json:"lr"` // of the epoch's last step
	ImagesPerSecond float64 `json:"images_per_second"`
	Seconds         float64 `json:"seconds"`
	DataWaitShare   float64 `json:"data_wait_share"` // share of the training time spent waiting for images
	ValImages       int     `json:"val_images"`
	Skipped         int     `json:"skipped"`                   // images that could not be read
	LossScale       float64 `json:"loss_scale,omitempty"`      // in float16, after the epoch's last step
	SkippedUpdates  int     `json:"skipped_updates,omitempty"` // steps whose gradients exceeded float16
	Best            bool    `json:"best"`                      // the best validation top-1 so far, or of multi-label data mAP
	// After the last epoch of a run with weight averaging at its end: the validation of the average.
	SWAEpochs  int     `json:"swa_epochs"` // that were averaged; 0: none
	SWAValLoss float64 `json:"swa_val_loss"`
	SWAValTop1 float64 `json:"swa_val_top1"`
	SWAValTop5 float64 `json:"swa_val_top5"`
	SWAValMAP  float64 `json:"swa_val_map"`
}

// Checkpoint reports a saved checkpoint.
type Checkpoint struct {
	Step int64  `json:"step"`
	Path string `json:"path"`
	Best bool   `json:"best"`
}

// Skip reports an image that could not be read and was skipped.
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

// Note is a message.
type Note struct {
	Level string `json:"level"` // Info or Warning
	Text  string `json:"text"`
}

// Statuses of Done.
const (
	Finished    = "finished"
	Interrupted = "interrupted"
	Failed      = "failed"
)

// Done is the last event.
type Done struct {
	Step     int64   `json:"step"`
	Epochs   int     `json:"epochs"`              // completed
	BestTop1 float64 `json:"best_top1,omitempty"` // 0 without a validation
	BestMAP  float64 `json:"best_map,omitempty"`  // of multi-label data
	Seconds  float64 `json:"seconds"`
	Status   string  `json:"status"`           // Finished, Interrupted or Failed
	Error    string  `json:"error,omitempty"`  // why it failed
	Reason   string  `json:"reason,omitempty"` // why it finished early
}

// Budget is a plan of a run with a time limit: how many steps fit. It replaces those of Start and of earlier plans.
type Budget struct {
	Step        int64   `json:"step"`
	Steps       int64   `json:"steps"` // of the whole run
	Epochs      int     `json:"epochs"`
	Used        float64 `json:"used"`  // seconds, of the whole run so far
	Limit       float64 `json:"limit"` // seconds
	StepSeconds float64 `json:"step_seconds"`
	EndSeconds  float64 `json:"end_seconds"` // validation and checkpoint at the end of an epoch
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

// Kind is "budget".
func (Budget) Kind() string { return "budget" }

// Kind is "done".
func (Done) Kind() string { return "done" }
