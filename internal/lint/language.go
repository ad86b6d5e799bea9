package lint

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// Term is an expression to avoid.
type Term struct {
	Pattern string // a regular expression of whole words, in lower case
	Instead string // what to write
}

// Terms are the expressions that the project replaced by the field's standard terms.
var Terms = []Term{
	// Private words for things that have a name.
	{`trunks?`, "backbone"},
	{`composed operations`, "unfused operations"},
	{`seams?`, "interface"},
	{`distant (shards?|images?|files?)`, "remote ..."},
	{`weight pull|pull of the parameters`, "weight decay"},
	{`course of the learning rate`, "learning-rate schedule"},
	{`greatest norm of all`, "clip the global L2 norm"},
	{`not-a-numbers?`, "NaN"},
	{`numbers of the optimizer`, "hyperparameters"},
	{`by content told|told by (its|their) content`, "detected from content"},
	{`images? (are |is )?right|% right`, "top-1 accuracy"},
	{`tell(s|ing)? the time of`, "report per-layer time"},
	{`what the machine allows`, "the roofline"},
	{`past the caches?`, "non-temporal stores"},
	{`asked for ahead|ask(s|ed)? ahead`, "prefetch"},
	{`behind libtorch's back`, "bypassing libtorch"},
	// Verbs that a reader has to translate.
	{`mend(s|ed|ing)?`, "repair or fix"},
	{`reckon(s|ed|ing)?`, "compute"},
	{`vouch(es|ed|ing)?`, "verify"},
	{`blam(e|es|ed|ing)`, "wrap as, or report"},
	{`becom(e|es|ing) of|became of`, "how ... is handled"},
	{`tell(s|ing)? of|told of`, "describe"},
	{`sets? the pace`, "is the bottleneck"},
	{`what binds`, "the bottleneck"},
	{`goes? on (from|with|where)`, "continue, or resume"},
	{`shares? out|deals? out`, "distribute"},
	// Other phrases.
	{`at hand`, "available"},
	{`as a kind`, "class of"},
	{`of before`, "previous"},
	{`likeliest`, "most probable"},
	{`half-way`, "halfway"},
	{`is of use|are of use`, "is useful"},
	{`not there yet`, "not implemented"},
	// British spelling: the field's interfaces use the American one.
	{`\w*(initial|normal|optim|quant|regular|general|synchron|serial|token|visual|parallel|vector)is(e|es|ed|ing|ation|er|ers)`, "the spelling with z"},
	{`\w*(colou|behaviou|neighbou|favou|labou)r\w*`, "the spelling with -or"},
	{`cent(re|res|red)`, "center"},
	{`grey\w*`, "gray"},
	{`licen(ce|ces)`, "license"},
	{`(cancel|label|model|travel|signal)l(ed|ing)`, "a single l"},
	{`artefacts?`, "artifact"},
	{`catalogues?`, "catalog"},
}

// sources maps extensions to what extracts the text to check from a file.
var sources = map[string]func(string) []line{
	".md": prose,
	".go": goText,
	".c":  cText, ".cc": cText, ".h": cText,
}

// Language looks for Terms in files: in the prose of Markdown files, and in comments and strings of Go, C and C++ files.
// Files of other kinds are skipped.
func Language(fsys fs.FS, files []string) ([]Problem, error) {
	patterns := make([]*regexp.Regexp, len(Terms))
	all := make([]string, len(Terms))
	for i, t := range Terms {
		all[i] = "(?:" + t.Pattern + ")"
		pattern, err := regexp.Compile(`(?i)(^|[^\w-])(` + t.Pattern + `)($|[^\w-])`)
		if err != nil {
			return nil, fmt.Errorf("lint: term %q: %w", t.Pattern, err)
		}
		patterns[i] = pattern
	}
	anyTerm := regexp.MustCompile(`(?i)` + strings.Join(all, "|")) // one search for the many lines without any term
	var problems []Problem
	for _, file := range files {
		extract := sources[path.Ext(file)]
		if extract == nil {
			continue
		}
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, fmt.Errorf("lint: %w", err)
		}
		for _, l := range extract(string(text)) {
			if !anyTerm.MatchString(l.text) {
				continue
			}
			for i, pattern := range patterns {
				if m := pattern.FindStringSubmatch(l.text); m != nil {
					problems = append(problems, Problem{file, l.line, fmt.Sprintf("%q: write %s", strings.ToLower(m[2]), Terms[i].Instead)})
				}
			}
		}
	}
	sortProblems(problems)
	return problems, nil
}
