package remote

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// options reads the parameters of a query and keeps the first error.
type options struct {
	values url.Values
	err    error
}

// newOptions refuses parameters that are not among known. Those of ignored have no effect: they
// configured a previous client, or concern writing.
func newOptions(values url.Values, known, ignored []string) *options {
	o := &options{values: values}
	for name := range values {
		if !slices.Contains(known, name) && !slices.Contains(ignored, name) {
			o.err = fmt.Errorf("unknown parameter %q; use %s", name, strings.Join(known, ", "))
		}
	}
	return o
}

// bool returns the value of the first parameter that is present.
func (o *options) bool(names ...string) bool {
	for _, name := range names {
		text := o.values.Get(name)
		if text == "" {
			continue
		}
		value, err := strconv.ParseBool(text)
		if err != nil {
			o.err = fmt.Errorf("parameter %s=%s is neither true nor false", name, text)
		}
		return value
	}
	return false
}

// endpoint returns scheme and host of a server. A text without a scheme gets the default one.
func (o *options) endpoint(text, scheme string) *url.URL {
	if !strings.Contains(text, "://") {
		text = scheme + "://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		o.err = fmt.Errorf("endpoint %q is not a server such as http://127.0.0.1:9000", text)
		return &url.URL{}
	}
	if u.User != nil {
		o.err = fmt.Errorf("endpoint %q has a user or password; use the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or GOOGLE_APPLICATION_CREDENTIALS)", text)
		return &url.URL{}
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}
}
