// Package prometheus writes metrics in Prometheus' text format, version 0.0.4: counters, gauges and histograms. It has no
// registry and no background work: a handler writes the families that it has, in its order. The client library of
// Prometheus would add 40 packages for this.
package prometheus
