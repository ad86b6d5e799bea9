// Package redact removes passwords, tokens and signatures from addresses before they are shown or stored.
package redact

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Mark replaces a secret, as in [url.URL.Redacted].
const Mark = "xxxxx"

// harmless are the parameters of queries whose values are shown: the options of package data/remote and
// those of storage services that select an object. All others may be secrets, whatever their name is:
// X-Amz-Signature, X-Goog-Credential, sig, token, key, ...
var harmless = []string{
	"region", "endpoint", "use_path_style", "profile", "anonymous", "dualstack", "accelerate", "disable_https",
	"awssdk", "hostname_immutable", "s3forcepathstyle",
	"alt", "fields", "prefix", "delimiter", "list-type", "max-keys", "encoding-type", "location", "generation", "versionid", "download",
}

var (
	scheme   = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://`)
	inText   = regexp.MustCompile("[A-Za-z][A-Za-z0-9+.-]*://[^\\s\"<>`]+")
	trailing = "'.,:;)]}"
)

// Address returns an address, or a list of them separated by "::", without user and password, and without
// the values of its query that are not known to be harmless. Other paths, and addresses without secrets,
// are returned as they are.
func Address(address string) string {
	starts := scheme.FindAllStringIndex(address, -1)
	var b strings.Builder
	end := 0
	for i, s := range starts {
		if s[0] < end || i > 0 && !strings.HasSuffix(address[:s[0]], "::") {
			continue // an address within the query of another
		}
		next := len(address)
		for _, later := range starts[i+1:] {
			if strings.HasSuffix(address[:later[0]], "::") {
				next = later[0] - len("::")
				break
			}
		}
		b.WriteString(address[end:s[1]])
		b.WriteString(location(strings.ToLower(address[s[0]:s[1]]), address[s[1]:next]))
		end = next
	}
	b.WriteString(address[end:])
	return b.String()
}

// Text redacts the addresses in a text, such as that of an error of net/http. An address ends at white
// space or a quotation mark.
func Text(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	return inText.ReplaceAllStringFunc(text, func(address string) string {
		bare := strings.TrimRight(address, trailing)
		return Address(bare) + address[len(bare):]
	})
}

// Error returns an error whose text has no secrets of addresses. It wraps err.
func Error(err error) error {
	if err == nil {
		return nil
	}
	text := Text(err.Error())
	if text == err.Error() {
		return err
	}
	return redacted{err, text}
}

type redacted struct {
	error
	text string
}

func (r redacted) Error() string { return r.text }

func (r redacted) Unwrap() error { return r.error }

// HasSecrets reports whether an address contains what Address removes.
func HasSecrets(address string) bool { return Address(address) != address }

// Marked reports whether secrets were removed from an address.
func Marked(address string) bool {
	return strings.Contains(address, "://"+Mark+"@") || strings.Contains(address, "="+Mark) || strings.Contains(address, "?"+Mark) ||
		strings.Contains(address, "&"+Mark) || strings.Contains(address, "#"+Mark)
}

// location redacts what follows the scheme.
func location(scheme, text string) string {
	text = withoutUser(text)
	path, query, hasQuery := strings.Cut(text, "?")
	if web := scheme == "http://" || scheme == "https://"; web && !hasQuery {
		if before, fragment, ok := strings.Cut(path, "#"); ok && strings.Contains(fragment, "=") {
			return before + "#" + value(fragment)
		}
	}
	if !hasQuery {
		return path
	}
	return path + "?" + parameters(query)
}

// withoutUser replaces user and password. A password with characters that should be escaped, which make
// the port invalid, extends to the last @.
func withoutUser(text string) string {
	authority := text
	if i := strings.IndexAny(text, "/?#"); i >= 0 {
		authority = text[:i]
	}
	path, _, _ := strings.Cut(text, "?")
	at := -1
	switch {
	case strings.HasPrefix(authority, Mark+"@"):
	case !validPort(authority):
		at = strings.LastIndexByte(text, '@')
	case strings.Contains(authority, "@"):
		at = strings.LastIndexByte(path, '@')
	}
	if at < 0 {
		return text
	}
	return Mark + text[at:]
}

// validPort reports whether an authority has no port or one of digits.
func validPort(authority string) bool {
	host := authority[strings.LastIndexByte(authority, '@')+1:]
	host = host[strings.LastIndexByte(host, ']')+1:]
	_, port, _ := strings.Cut(host, ":")
	return strings.Trim(port, "0123456789") == ""
}

// parameters redacts a query. It keeps the order.
func parameters(query string) string {
	var b strings.Builder
	for query != "" {
		i := strings.IndexAny(query, "&;")
		if i < 0 {
			i = len(query)
		}
		b.WriteString(parameter(query[:i]))
		if i == len(query) {
			break
		}
		b.WriteByte(query[i])
		query = query[i+1:]
	}
	return b.String()
}

func parameter(pair string) string {
	name, text, ok := strings.Cut(pair, "=")
	known := slices.Contains(harmless, strings.ToLower(name))
	switch {
	case !ok && known:
		return pair
	case !ok:
		return value(name)
	case !known:
		return name + "=" + value(text)
	}
	if plain, err := url.QueryUnescape(text); err == nil && strings.Contains(plain, "://") && HasSecrets(plain) { // of an endpoint
		return name + "=" + Address(plain)
	}
	return pair
}

// value replaces a value. It keeps what follows the mark in an address that was redacted before, such
// as the name of an image in a shard.
func value(text string) string {
	if text == "" || strings.HasPrefix(text, Mark) {
		return text
	}
	return Mark
}
