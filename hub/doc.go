// Package hub finds published weights by name, downloads them once, verifies them and keeps them in the user's cache.
//
// [Resolve] turns a name such as torchvision/mobilenet_v2 into a file, which package formats reads. The table of known
// weights is in known.go; a name ORG/NAME that is not in it is a repository on Hugging Face. Beside each file lies a
// [weights.Sidecar] with its origin, license and preprocessing.
//
// The environment variables HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_TOKEN, HF_TOKEN_PATH and HF_HUB_OFFLINE have the meaning
// that they have for Hugging Face's own tools, TORCH_HOME and KERAS_HOME that for PyTorch and Keras. HTTPS_PROXY, HTTP_PROXY
// and NO_PROXY select a proxy.
//
// The package needs no libtorch and of the network only net/http.
package hub
