package httpserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
)

// failure is an error of a request, as its client gets it.
type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	status  int
	cause   error // for the log; nil: the message says all
}

func (f *failure) Error() string { return f.Message }

// The codes of errors. openapi.json lists them.
const (
	codeBadRequest   = "bad_request"
	codeBadImage     = "bad_image"
	codeUnauthorized = "unauthorized"
	codeNotFound     = "not_found"
	codeMethod       = "method_not_allowed"
	codeSlowBody     = "slow_request"
	codeTooLarge     = "too_large"
	codeMediaType    = "unsupported_media_type"
	codeInternal     = "internal"
	codeOverloaded   = "overloaded"
	codeTimeout      = "timeout"
	codeStopping     = "stopping"
	codeCanceled     = "canceled" // in logs and metrics; the client has gone
)

// statusCanceled is the status in logs and metrics of requests whose client has gone, as nginx has it.
const statusCanceled = 499

func badRequest(format string, args ...any) *failure {
	return &failure{Code: codeBadRequest, Message: fmt.Sprintf(format, args...), status: http.StatusBadRequest}
}

func tooLarge(format string, args ...any) *failure {
	return &failure{Code: codeTooLarge, Message: fmt.Sprintf(format, args...), status: http.StatusRequestEntityTooLarge}
}

func overloaded(message string) *failure {
	return &failure{Code: codeOverloaded, Message: message, status: http.StatusServiceUnavailable}
}

// stopping is the answer when the models are closed.
func stopping() *failure {
	return &failure{Code: codeStopping, Message: "the server is stopping; send the request again", status: http.StatusServiceUnavailable}
}

// ended is the error of a context that has ended.
func ended(err error) *failure {
	if errors.Is(err, context.Canceled) {
		return &failure{Code: codeCanceled, Message: "the request was canceled", status: statusCanceled}
	}
	return &failure{Code: codeTimeout, Message: "the server did not compute the images in the time for a request; retry later", status: http.StatusServiceUnavailable}
}

// modelFailure is the error of a model.
func modelFailure(err error) *failure {
	switch {
	case errors.Is(err, ErrTooLarge):
		return tooLarge("%v", err)
	case errors.Is(err, ErrImage):
		return &failure{Code: codeBadImage, Message: err.Error(), status: http.StatusBadRequest}
	case errors.Is(err, ErrNoFeatures):
		return badRequest("%v", err)
	case errors.Is(err, ErrOverloaded):
		return overloaded(err.Error())
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return ended(err)
	}
	return &failure{Code: codeInternal, Message: "the model failed; the server's log has the reason", status: http.StatusInternalServerError, cause: err}
}

// readFailure is an error of reading a body.
func readFailure(err error) *failure {
	var known *failure
	var tooMany *http.MaxBytesError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &tooMany):
		return tooLarge("the request has more than %d bytes", tooMany.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return &failure{Code: codeSlowBody, Message: "the request did not arrive in the time for a request", status: http.StatusRequestTimeout}
	case errors.Is(err, context.Canceled):
		return ended(err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return badRequest("the request ended before its Content-Length")
	}
	return badRequest("read the request: %v", err)
}
