package main

import "fmt"

// backendFlag is --backend, or its deprecated alias --kernels. Both set the same value and must
// agree when both are given.
type backendFlag struct {
	choice
	name  string
	given map[string]string // by flag, shared by both
}

// backendFlags returns --backend and --kernels over one value.
func backendFlags(value *string, allowed []string) (backend, kernels backendFlag) {
	given := make(map[string]string)
	c := choice{value, allowed}
	return backendFlag{c, "backend", given}, backendFlag{c, "kernels", given}
}

// Set implements pflag.Value.
func (b backendFlag) Set(text string) error {
	for name, other := range b.given {
		if name != b.name && other != text {
			return fmt.Errorf("contradicts --%s %s: give one of them (--kernels is a deprecated alias of --backend)", name, other)
		}
	}
	if err := b.choice.Set(text); err != nil {
		return err
	}
	b.given[b.name] = text
	return nil
}
