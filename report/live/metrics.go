package live

import (
	"net/http"

	"depthwise.dev/internal/prometheus"
)

// metrics answers in Prometheus' text format. A family without a value yet is left out.
func (s *Run) metrics(w http.ResponseWriter, _ *http.Request) {
	n, _ := s.snapshot()
	var t prometheus.Text
	gauge := func(name, help string, v float64) { t.Single("depthwise_train_"+name, prometheus.KindGauge, help, v) }
	t.Family("depthwise_train_state", prometheus.KindGauge, "1 for the state of the run.")
	t.Sample("depthwise_train_state", 1, prometheus.Label{Name: "state", Value: n.state()})
	if epochs, steps := n.length(); steps > 0 {
		gauge("epochs", "Epochs of the whole run.", float64(epochs))
		gauge("steps", "Optimizer steps of the whole run.", float64(steps))
	}
	if e := n.step; e != nil {
		gauge("step", "Optimizer steps that were made.", float64(e.Step))
		gauge("loss", "Training loss of the last step.", e.Loss)
		gauge("top1", "Training accuracy of the last step, a fraction.", e.Top1)
		gauge("learning_rate", "Learning rate of the last step.", e.LR)
		gauge("images_per_second", "Images per second of the last step.", e.ImagesPerSecond)
	}
	if e := n.epoch; e != nil {
		gauge("epoch", "Epochs that were completed.", float64(e.Epoch))
		gauge("epoch_seconds", "Seconds of the last epoch.", e.Seconds)
		gauge("data_wait_ratio", "Fraction of the last epoch's training time that waited for images.", e.DataWaitShare)
		if e.ValImages > 0 {
			gauge("val_loss", "Validation loss of the last epoch.", e.ValLoss)
			gauge("val_top1", "Validation accuracy of the last epoch, a fraction.", e.ValTop1)
			if e.ValMAP > 0 {
				gauge("val_map", "Mean average precision on the validation images of the last epoch, a fraction.", e.ValMAP)
			} else {
				gauge("val_top5", "Validation top-5 accuracy of the last epoch, a fraction.", e.ValTop5)
			}
		}
	}
	gauge("learning_rate_factor", "Factor of the schedule's learning rate by changes on request.", n.factor())
	if n.checkpoint != nil {
		gauge("checkpoint_step", "Step of the last checkpoint.", float64(n.checkpoint.Step))
	}
	t.Single("depthwise_train_skipped_images_total", prometheus.KindCounter, "Images that could not be read.", float64(n.skipped))
	gauge("streams", "Clients with a stream of events.", float64(len(s.streams)))
	w.Header().Set("Content-Type", prometheus.ContentType)
	t.WriteTo(w) // fails if the client has gone
}
