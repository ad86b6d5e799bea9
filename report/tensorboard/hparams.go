package tensorboard

import (
	"fmt"
	"time"

	"depthwise.dev/internal/protobuf"
)

// HParam is a setting of a run: a bool, a number or anything else, which is shown as text.
type HParam struct {
	Name  string
	Value any
}

// Types of settings, DataType in tensorboard/plugins/hparams/api.proto.
const (
	hparamString  = 1
	hparamBool    = 2
	hparamFloat64 = 3
)

// RunStatus is how a run ended.
type RunStatus int64

// The statuses.
const (
	Success RunStatus = 1
	Failure RunStatus = 2
)

// HParams are the settings of a run that starts, for TensorBoard's table of runs, and the tags of the results to show there.
func HParams(settings []HParam, metrics []string, start time.Time) []Value {
	var experiment, session protobuf.Message
	for _, h := range settings {
		var info, entry protobuf.Message
		kind, value := h.encode()
		info.Text(1, h.Name)
		info.Integer(4, kind)
		experiment.Message(4, info)
		entry.Text(1, h.Name)
		entry.Message(2, value)
		session.Message(1, entry)
	}
	for _, tag := range metrics {
		var info, name protobuf.Message
		name.Text(2, tag)
		info.Message(1, name)
		experiment.Message(5, info)
	}
	session.Double(5, seconds(start))
	return []Value{hparamsValue("experiment", 2, experiment), hparamsValue("session_start_info", 3, session)}
}

// HParamsEnd is the end of the run that [HParams] began.
func HParamsEnd(status RunStatus, end time.Time) Value {
	var session protobuf.Message
	session.Integer(1, int64(status))
	session.Double(2, seconds(end))
	return hparamsValue("session_end_info", 4, session)
}

func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }

// encode returns the type and the google.protobuf.Value of a setting.
func (h HParam) encode() (kind int64, m protobuf.Message) {
	switch v := h.Value.(type) {
	case bool:
		truth := int64(0)
		if v {
			truth = 1
		}
		m.Integer(4, truth)
		return hparamBool, m
	case int:
		m.Double(2, float64(v))
		return hparamFloat64, m
	case float64:
		m.Double(2, v)
		return hparamFloat64, m
	}
	m.Text(3, fmt.Sprint(h.Value))
	return hparamString, m
}

// hparamsValue is a value of the plugin, whose content is a field of HParamsPluginData. Its tensor is empty.
func hparamsValue(name string, field int, content protobuf.Message) Value {
	var data protobuf.Message
	data.Message(field, content)
	return Value{tag: "_hparams_/" + name, plugin: "hparams", content: data.Append(nil), set: func(m *protobuf.Message) {
		m.Message(8, tensor(nil, 0))
	}}
}
