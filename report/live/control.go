package live

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"depthwise.dev/internal/webaccess"
	"depthwise.dev/train/control"
)

// Controls carries out what clients request. [control.Control] implements it.
type Controls interface {
	Do(control.Request) (control.Answer, error)
}

// handleControls adds the requests that change the run.
func (s *Run) handleControls(mux *http.ServeMux) {
	for _, action := range control.Actions {
		mux.HandleFunc("POST /api/"+action, func(w http.ResponseWriter, r *http.Request) { s.control(w, r, action) })
	}
}

// control passes a request on to the run, and answers with what will happen.
func (s *Run) control(w http.ResponseWriter, r *http.Request, action string) {
	q, err := readRequest(r.Body, action)
	if err != nil {
		status := http.StatusBadRequest
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			status = http.StatusRequestEntityTooLarge
		}
		webaccess.Fail(w, status, err.Error())
		return
	}
	answer, err := s.controls.Do(q)
	switch {
	case err == nil:
		writeJSON(w, http.StatusAccepted, answer)
	case errors.Is(err, control.ErrNow):
		webaccess.Fail(w, http.StatusConflict, err.Error())
	case errors.Is(err, control.ErrTooMany):
		w.Header().Set("Retry-After", "1")
		webaccess.Fail(w, http.StatusTooManyRequests, err.Error())
	default:
		webaccess.Fail(w, http.StatusBadRequest, err.Error())
	}
}

// readRequest reads the body of a request: nothing, or a JSON object with the values of the action.
func readRequest(body io.Reader, action string) (control.Request, error) {
	text, err := io.ReadAll(body)
	if err != nil {
		return control.Request{}, fmt.Errorf("the body of the request: %w", err)
	}
	var values struct {
		Factor *float64 `json:"factor"`
		LR     *float64 `json:"lr"`
	}
	if len(bytes.TrimSpace(text)) > 0 {
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&values); err != nil {
			return control.Request{}, fmt.Errorf(`the body must be a JSON object such as {"factor": 0.5} or {"lr": 0.01}, with finite numbers: %w`, err)
		}
		if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
			return control.Request{}, errors.New(`the body must be one JSON object such as {"factor": 0.5}, and something follows it`)
		}
	}
	return control.Request{Action: action, Factor: values.Factor, Rate: values.LR}, nil
}
