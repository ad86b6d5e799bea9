//go:build tools

package remote

// This import keeps cloud.google.com/go in go.mod at a version that does not contain the package
// compute/metadata, which is a module of its own now and which golang.org/x/oauth2/google imports. Old
// dependencies require a version that contains it. In workspace mode, which set-up uses, the module
// graph is not pruned, and the import would be ambiguous.
import _ "cloud.google.com/go"
