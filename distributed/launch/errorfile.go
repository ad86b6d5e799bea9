package launch

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"depthwise.dev/internal/atomicfile"
)

// ErrorFileVariable names the file in which torchrun looks for the error of a rank that failed. With restarts, each attempt
// has another one.
const ErrorFileVariable = "TORCHELASTIC_ERROR_FILE"

// errorFile is what torchrun reads: torch/distributed/elastic/multiprocessing/errors. It reports the failure with the lowest
// time as the root cause, and shows the message, because there is no py_callstack.
type errorFile struct {
	Message struct {
		Message   string `json:"message"`
		ExtraInfo struct {
			Timestamp string `json:"timestamp"` // seconds since 1970
		} `json:"extraInfo"`
	} `json:"message"`
}

// WriteErrorFile writes why this rank fails to a file in torchrun's form. torchrun may read it at any time, so it appears
// whole.
func WriteErrorFile(path, message string, at time.Time) error {
	var f errorFile
	f.Message.Message = strings.ToValidUTF8(message, "\uFFFD")
	f.Message.ExtraInfo.Timestamp = strconv.FormatInt(at.Unix(), 10)
	text, err := json.Marshal(f)
	if err == nil {
		err = atomicfile.WriteFile(path, 0o644, text)
	}
	if err != nil {
		return fmt.Errorf("launch: write the error for torchrun (%s): %w", ErrorFileVariable, err)
	}
	return nil
}
