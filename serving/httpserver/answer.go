package httpserver

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
)

// answer writes a result in JSON.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, status int, result any) {
	text, err := json.Marshal(result)
	if err != nil { // a probability that is NaN: the weights are damaged
		s.fail(w, r, &failure{Code: codeInternal, Message: "the result has values that are not finite; the weights may be damaged", status: http.StatusInternalServerError, cause: err})
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(append(text, '\n'))
}

// fail answers with an error in JSON: {"error": {"code": ..., "message": ..., "request_id": ...}}.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := asFailure(err)
	about := infoOf(r)
	about.code, about.cause = f.Code, f.cause
	if f.status == statusCanceled { // there is nobody to answer
		w.WriteHeader(statusCanceled)
		return
	}
	if f.status != http.StatusRequestTimeout {
		s.discard(w, r)
	}
	switch f.status {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusRequestTimeout, http.StatusRequestEntityTooLarge:
		w.Header().Set("Connection", "close") // the rest of the body is not read
	}
	type body struct {
		*failure
		RequestID string `json:"request_id"`
	}
	s.answer(w, r, f.status, struct {
		Error body `json:"error"`
	}{body{f, about.id}})
}

// discardTime is how long the rest of a refused body is read.
const discardTime = 5 * time.Second

// discard reads the rest of a body that was refused, within limits. Many clients read no answer before they have sent all, and
// an answer before that is a broken connection to them. Those that expect to be told whether to send it have not begun.
func (s *Server) discard(w http.ResponseWriter, r *http.Request) {
	body := infoOf(r).body
	if body == nil || r.Header.Get("Expect") != "" {
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(min(discardTime, s.config.Timeout)))
	_, _ = io.CopyN(io.Discard, body, 2*s.config.MaxBody)
}

func asFailure(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	return modelFailure(err)
}
