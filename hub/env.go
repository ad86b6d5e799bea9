package hub

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"depthwise.dev/internal/host"
)

// environment is what the user's environment variables and folders say, read once for each call.
type environment struct {
	cache    string   // folder of this package's files
	endpoint *url.URL // of Hugging Face or a mirror, without a trailing slash
	token    string   // of Hugging Face; "": none
	offline  string   // the variable that forbids the network; "": none
	// existing caches of other tools, which are only read
	huggingFace, torch, keras string
}

const defaultEndpoint = "https://huggingface.co"

// readEnvironment reads the variables as huggingface_hub 2.4.0 (constants.py) does. cache replaces the user's folder if it
// is not "".
func readEnvironment(cache string) (environment, error) {
	e := environment{cache: cache}
	if cache == "" {
		folder, err := host.CacheFolder()
		if err != nil {
			return e, fmt.Errorf("hub: %w", err)
		}
		e.cache = filepath.Join(folder, "hub")
	}
	home, _ := os.UserHomeDir() // without one, the other tools' caches are not found
	dotCache := first(os.Getenv("XDG_CACHE_HOME"), filepath.Join(home, ".cache"))
	hfHome := first(os.Getenv("HF_HOME"), filepath.Join(dotCache, "huggingface"))
	e.huggingFace = first(os.Getenv("HF_HUB_CACHE"), os.Getenv("HUGGINGFACE_HUB_CACHE"), filepath.Join(hfHome, "hub"))
	e.torch = filepath.Join(first(os.Getenv("TORCH_HOME"), filepath.Join(dotCache, "torch")), "hub", "checkpoints")
	e.keras = filepath.Join(first(os.Getenv("KERAS_HOME"), filepath.Join(home, ".keras")), "models")
	for _, name := range []string{"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"} {
		if slices.Contains([]string{"1", "ON", "YES", "TRUE"}, strings.ToUpper(os.Getenv(name))) {
			e.offline = name
		}
	}
	var err error
	if e.endpoint, err = parseEndpoint(first(os.Getenv("HF_ENDPOINT"), defaultEndpoint)); err != nil {
		return e, err
	}
	e.token, err = readToken(hfHome)
	return e, err
}

func parseEndpoint(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(strings.TrimSpace(text), "/"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		shown := text
		if u != nil {
			shown = u.Redacted()
		}
		return nil, fmt.Errorf("hub: HF_ENDPOINT %q is not an address; set it to one such as %s, or unset it", shown, defaultEndpoint)
	}
	return u, nil
}

// readToken returns the token of the environment, or that which "hf auth login" stored. Errors do not contain it.
func readToken(hfHome string) (string, error) {
	source, token := "HF_TOKEN", strings.TrimSpace(os.Getenv("HF_TOKEN"))
	if token == "" {
		source, token = "HUGGING_FACE_HUB_TOKEN", strings.TrimSpace(os.Getenv("HUGGING_FACE_HUB_TOKEN"))
	}
	if token == "" {
		source = first(os.Getenv("HF_TOKEN_PATH"), filepath.Join(hfHome, "token"))
		text, err := os.ReadFile(source)
		if err != nil {
			return "", nil // none is stored
		}
		token = strings.TrimSpace(string(text))
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("hub: the token of %s contains a character that no token has; copy it again from %s/settings/tokens", source, defaultEndpoint)
	}
	return token, nil
}

// first returns the first text that is not empty.
func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
