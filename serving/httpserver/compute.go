package httpserver

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"time"
)

const defaultTop = 5 // as train predict

// response is the answer to images.
type response struct {
	Model   string   `json:"model"`
	Version string   `json:"version"` // of the weights that computed
	Results []result `json:"results"` // one for each image, in the order of the request
}

// result is that of an image: predictions, an embedding, or an error.
type result struct {
	Name        string       `json:"name,omitempty"`
	Predictions []Prediction `json:"predictions,omitempty"`
	Embedding   []float32    `json:"embedding,omitempty"`
	Error       *failure     `json:"error,omitempty"`
}

// computeFunc computes an image.
type computeFunc func(ctx context.Context, m Model, image []byte, top int) (result, error)

func (s *Server) classify(w http.ResponseWriter, r *http.Request) {
	s.images(w, r, func(ctx context.Context, m Model, image []byte, top int) (result, error) {
		list, err := m.Classify(ctx, image, top)
		return result{Predictions: list}, err
	})
}

func (s *Server) embed(w http.ResponseWriter, r *http.Request) {
	s.images(w, r, func(ctx context.Context, m Model, image []byte, _ int) (result, error) {
		features, err := m.Embed(ctx, image)
		return result{Embedding: features}, err
	})
}

// images answers a request for images, within its time.
func (s *Server) images(w http.ResponseWriter, r *http.Request, compute computeFunc) {
	if s.requests.Add(1) > int64(s.config.MaxRequests) {
		s.requests.Add(-1)
		s.fail(w, r, overloaded("the server has as many requests as it answers at the same time; retry later"))
		return
	}
	defer s.requests.Add(-1)
	deadline := time.Now().Add(s.config.Timeout)
	ctx, cancel := context.WithDeadline(r.Context(), deadline)
	defer cancel()
	_ = http.NewResponseController(w).SetReadDeadline(deadline) // a writer without deadlines has no network
	in, release, err := s.read(ctx, w, r)
	if release != nil {
		defer release()
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // otherwise its end would cancel the request
	answer, err := s.compute(ctx, in, compute)
	infoOf(r).images = len(in.images)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, http.StatusOK, answer)
}

// read checks what the head of a request says, waits for memory, and reads the images. The caller releases the memory, if
// release is not nil, also after an error.
func (s *Server) read(ctx context.Context, w http.ResponseWriter, r *http.Request) (in input, release func(), err error) {
	in = input{model: r.PathValue("model"), top: defaultTop}
	for name, values := range r.URL.Query() {
		if err := in.set(name, values[len(values)-1]); err != nil {
			return in, nil, err
		}
	}
	if err := s.logModel(r, in.model); err != nil {
		return in, nil, err
	}
	readBody, factor, err := bodyReader(r)
	if err != nil {
		return in, nil, err
	}
	size := r.ContentLength
	if size < 0 {
		size, factor = s.config.MaxBody, bodyFactor // a buffer that grows
	}
	if size > s.config.MaxBody {
		return in, nil, tooLarge("the request has %d bytes, more than %d", size, s.config.MaxBody)
	}
	if release, err = s.bodies.of(factor*size).acquire(ctx, factor*size); err != nil {
		return in, nil, ended(err)
	}
	r.Body = http.MaxBytesReader(w, r.Body, s.config.MaxBody)
	if err := readBody(r, &in, s.config.MaxImages); err != nil {
		return in, release, readFailure(err)
	}
	return in, release, s.logModel(r, in.model)
}

// logModel notes the model of a request for the log. The error says that there is none of this name.
func (s *Server) logModel(r *http.Request, name string) error {
	m, err := s.model(name)
	if err == nil {
		infoOf(r).model = m.source.Name
	}
	return err
}

// compute computes the images, all at the same time, with the model as it is now. Errors are those of single images; if all
// have one, the first is that of the request.
func (s *Server) compute(ctx context.Context, in input, compute computeFunc) (response, error) {
	m, err := s.model(in.model)
	if err != nil {
		return response{}, err
	}
	g := m.acquire()
	if g == nil {
		return response{}, stopping()
	}
	defer m.release(g)
	answer := response{Model: m.source.Name, Version: g.about.Version, Results: make([]result, len(in.images))}
	if len(in.images) == 1 {
		answer.Results[0] = s.one(ctx, m.source.Name, g, in.images[0], in.top, compute)
	} else {
		var wait sync.WaitGroup
		for i, image := range in.images {
			wait.Go(func() { answer.Results[i] = s.guarded(ctx, m.source.Name, g, image, in.top, compute) })
		}
		wait.Wait()
	}
	for _, r := range answer.Results {
		if r.Error == nil {
			return answer, nil
		}
	}
	return response{}, answer.Results[0].Error
}

// guarded is one in a goroutine of its own, where a panic would end the process.
func (s *Server) guarded(ctx context.Context, name string, g *generation, image upload, top int, compute computeFunc) (out result) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("panic", "model", name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			out = result{Name: image.name, Error: modelFailure(fmt.Errorf("panic: %v", p))}
		}
	}()
	return s.one(ctx, name, g, image, top, compute)
}

// one computes an image and counts it.
func (s *Server) one(ctx context.Context, name string, g *generation, image upload, top int, compute computeFunc) result {
	start := time.Now()
	out, err := compute(ctx, g.Model, image.data, top)
	code := "ok"
	if err != nil {
		f := modelFailure(err)
		if f.cause != nil {
			s.log.Error("the model failed", "model", name, "error", f.cause.Error())
		}
		out = result{Error: f}
		code = f.Code
	}
	out.Name = image.name
	s.metrics.image(name, code, time.Since(start))
	return out
}
