package httpserver

import (
	"encoding/json"
	"errors"
	"net/http"
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

func asFailure(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	return modelFailure(err)
}
