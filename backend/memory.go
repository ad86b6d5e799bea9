package backend

import (
	"errors"
	"fmt"
	"strings"

	"depthwise.dev/autograd"
	"depthwise.dev/models"
)

// MemoryError adds to an [autograd.OutOfMemoryError] what reduces the need of memory of batches of images, and returns other errors
// unchanged. flags are the caller's flags that reduce it with a smaller value, that of the batch size first.
func (m Machine) MemoryError(err error, g *models.Graph, images int, flags ...string) error {
	var memory *autograd.OutOfMemoryError
	if !errors.As(err, &memory) || g == nil {
		return err
	}
	if images <= 1 && len(flags) > 0 {
		flags = flags[1:]
	}
	var advice []string
	if n := len(flags); n > 0 {
		text := flags[n-1]
		if n > 1 {
			text = strings.Join(flags[:n-1], ", ") + " or " + text
		}
		advice = append(advice, "use a smaller "+text)
	}
	if half := autograd.FastPrecision(m.Place); m.Precision == autograd.FP32 && half != autograd.FP32 {
		advice = append(advice, fmt.Sprintf("use --precision %s", half))
	}
	switch {
	case memory.Others() > 0:
		advice = append(advice, "end the other processes")
	case m.Device != "cpu" && memory.Total == 0: // such as the first use of a GPU that is full
		advice = append(advice, "end other processes on the GPU, which nvidia-smi lists")
	}
	if advice == nil {
		advice = []string{"use a smaller network, or a machine with more memory"}
	}
	batches := fmt.Sprintf("batches of %d images", images)
	if images == 1 {
		batches = "batches of one image"
	}
	return fmt.Errorf("%w; %s of %dx%d in %s do not fit: %s", err, batches, g.Input.Height, g.Input.Width, m.Precision, strings.Join(advice, ", or "))
}
