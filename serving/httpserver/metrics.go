package httpserver

import (
	"net/http"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"depthwise.dev/internal/prometheus"
)

// Upper bounds of histograms. A photograph takes 2 to 10 ms on an idle machine; 30 s is the default time for a request.
var (
	secondBounds = []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
	batchBounds  = []float64{1, 2, 4, 8, 16, 32, 64, 128}
)

// metrics are those that the server counts itself; a model counts its own.
type metrics struct {
	inFlight     atomic.Int64
	requests     *prometheus.Vector[*prometheus.Counter]
	seconds      *prometheus.Vector[*prometheus.Histogram]
	images       *prometheus.Vector[*prometheus.Counter]
	imageSeconds *prometheus.Vector[*prometheus.Histogram]
	batches      *prometheus.Vector[*prometheus.Histogram]
}

func newMetrics() *metrics {
	return &metrics{
		requests:     prometheus.NewCounters("depthwise_http_requests_total", "Requests that were answered; 499: the client had gone.", "route", "code"),
		seconds:      prometheus.NewHistograms("depthwise_http_request_duration_seconds", "Time from the head of a request to its answer.", secondBounds, "route"),
		images:       prometheus.NewCounters("depthwise_images_total", "Images by result: ok, or the code of the error.", "model", "result"),
		imageSeconds: prometheus.NewHistograms("depthwise_image_duration_seconds", "Time of an image in the model: waiting, decoding, computing.", secondBounds, "model"),
		batches:      prometheus.NewHistograms("depthwise_batch_images", "Images in a batch.", batchBounds, "model"),
	}
}

// onBatch returns what counts the batches of a model.
func (m *metrics) onBatch(model string) func(int) {
	h := m.batches.With(model)
	return func(images int) { h.Observe(float64(images)) }
}

func (m *metrics) request(route string, status int, took time.Duration) {
	m.requests.With(route, strconv.Itoa(status)).Inc()
	m.seconds.With(route).Observe(took.Seconds())
}

func (m *metrics) image(model, result string, took time.Duration) {
	m.images.With(model, result).Inc()
	m.imageSeconds.With(model).Observe(took.Seconds())
}

func (s *Server) writeMetrics(w http.ResponseWriter, _ *http.Request) {
	var t prometheus.Text
	m := s.metrics
	m.requests.Write(&t)
	m.seconds.Write(&t)
	t.Single("depthwise_http_requests_in_flight", prometheus.KindGauge, "Requests that are being answered.", float64(m.inFlight.Load()))
	t.Single("depthwise_body_memory_bytes", prometheus.KindGauge, "Memory taken by the bodies of requests.", float64(s.bodies.inUse()))
	t.Single("depthwise_body_memory_limit_bytes", prometheus.KindGauge, "Memory that bodies may take.", float64(s.bodies.size()))
	m.images.Write(&t)
	m.imageSeconds.Write(&t)
	m.batches.Write(&t)
	s.modelMetrics(&t)
	t.Single("depthwise_draining", prometheus.KindGauge, "1 after the server was told to end.", number(s.draining.Load()))
	t.Single("process_start_time_seconds", prometheus.KindGauge, "Start of the server, in Unix time.", float64(s.started.UnixMilli())/1000)
	t.Single("go_goroutines", prometheus.KindGauge, "Goroutines.", float64(runtime.NumGoroutine()))
	w.Header().Set("Content-Type", prometheus.ContentType)
	t.WriteTo(w)
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// modelMetrics adds what each model counts, over its reloads.
func (s *Server) modelMetrics(t *prometheus.Text) {
	type row struct {
		g                 *generation
		stats             Stats
		reloads, failures int64
	}
	rows := make([]row, len(s.models))
	for i, m := range s.models {
		rows[i].g, rows[i].stats, rows[i].reloads, rows[i].failures = m.snapshot()
	}
	for _, f := range []struct {
		name, kind, help string
		value            func(row) float64
	}{
		{"depthwise_computed_images_total", prometheus.KindCounter, "Images computed.", func(r row) float64 { return float64(r.stats.Images) }},
		{"depthwise_batches_total", prometheus.KindCounter, "Batches computed.", func(r row) float64 { return float64(r.stats.Batches) }},
		{"depthwise_refused_images_total", prometheus.KindCounter, "Images refused because a queue was full.", func(r row) float64 { return float64(r.stats.Refused) }},
		{"depthwise_dropped_images_total", prometheus.KindCounter, "Images whose request ended while they waited.", func(r row) float64 { return float64(r.stats.Dropped) }},
		{"depthwise_waiting_images", prometheus.KindGauge, "Images that wait for a decoder or for the network.", func(r row) float64 { return float64(r.stats.Waiting) }},
		{"depthwise_decoding_images", prometheus.KindGauge, "Images being decoded.", func(r row) float64 { return float64(r.stats.Decoding) }},
		{"depthwise_model_reloads_total", prometheus.KindCounter, "Times that the weights were loaded again.", func(r row) float64 { return float64(r.reloads) }},
		{"depthwise_model_reload_failures_total", prometheus.KindCounter, "Times that they could not be loaded.", func(r row) float64 { return float64(r.failures) }},
		{"depthwise_model_loaded_timestamp_seconds", prometheus.KindGauge, "When the weights were loaded, in Unix time.", func(r row) float64 { return float64(r.g.since.UnixMilli()) / 1000 }},
	} {
		t.Family(f.name, f.kind, f.help)
		for i, r := range rows {
			t.Sample(f.name, f.value(r), prometheus.Label{Name: "model", Value: s.models[i].source.Name})
		}
	}
	t.Family("depthwise_model_info", prometheus.KindGauge, "The weights that are served.")
	for i, r := range rows {
		t.Sample("depthwise_model_info", 1, prometheus.Label{Name: "model", Value: s.models[i].source.Name},
			prometheus.Label{Name: "version", Value: r.g.about.Version}, prometheus.Label{Name: "network", Value: r.g.about.Network})
	}
}
