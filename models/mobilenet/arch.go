package mobilenet

import (
	"slices"

	"depthwise.dev/internal/validate"
	"depthwise.dev/models"
)

// arch is an architecture: a file of this package with the function that builds its graph and the table of
// its variants.
type arch struct {
	name     string
	summary  string
	variants []variant // the first is the default
	build    func(Config, variant) *models.Node
}

// variant is an architecture as one publisher trains and ships it.
type variant struct {
	name, alias, summary string
	config               Config // activation, padding, conv_bias, bn_eps, bn_momentum, dropout
	// channels applies the width multiplier to a layer's channels.
	channels func(channels int, width float64) int
	// noFirstResidual: the first block of MobileNet v2 never adds its input, even at widths where the stem
	// has as many channels as the block.
	noFirstResidual bool
	preprocessing   models.Preprocessing
}

// archs is the table of architectures. To add one, write its file and add its row.
var archs = []arch{v1, v2}

// Archs lists the names of the architectures.
func Archs() []string {
	names := make([]string, len(archs))
	for i, a := range archs {
		names[i] = a.name
	}
	return names
}

// Variants lists the names of an architecture's variants, the default first; nil of an unknown one.
func Variants(archName string) []string {
	a := lookup(archName)
	if a == nil {
		return nil
	}
	names := make([]string, len(a.variants))
	for i, v := range a.variants {
		names[i] = v.name
	}
	return names
}

// Describe returns a sentence about an architecture, or about one of its variants; "" of unknown names.
func Describe(archName, variantName string) string {
	a := lookup(archName)
	if a == nil {
		return ""
	}
	if variantName == "" {
		return a.summary
	}
	_, v, err := find(archName, variantName)
	if err != nil {
		return ""
	}
	return v.summary
}

// Aliases maps other names of an architecture's variants to their names.
func Aliases(archName string) map[string]string {
	aliases := map[string]string{}
	if a := lookup(archName); a != nil {
		for _, v := range a.variants {
			if v.alias != "" {
				aliases[v.alias] = v.name
			}
		}
	}
	return aliases
}

// known reports whether an architecture has a variant of a name or alias.
func known(archName, variantName string) bool {
	_, _, err := find(archName, variantName)
	return err == nil
}

// lookup returns the architecture of a name, nil if there is none.
func lookup(name string) *arch {
	i := slices.IndexFunc(archs, func(a arch) bool { return a.name == name })
	if i < 0 {
		return nil
	}
	return &archs[i]
}

// find returns an architecture and a variant by their names, or a *validate.Error.
func find(archName, variantName string) (*arch, variant, error) {
	a := lookup(archName)
	if a == nil {
		return nil, variant{}, validate.OneOf("arch", archName, Archs())
	}
	if variantName == "" {
		return a, a.variants[0], nil
	}
	i := slices.IndexFunc(a.variants, func(v variant) bool {
		return v.name == variantName || v.alias == variantName && v.alias != ""
	})
	if i < 0 {
		return nil, variant{}, validate.OneOf("variant", variantName, Variants(archName))
	}
	return a, a.variants[i], nil
}
