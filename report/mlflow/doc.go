// Package mlflow records runs on an MLflow tracking server through its REST API, in the background. It needs no libtorch.
//
// https://mlflow.org/docs/latest/api_reference/rest-api.html
package mlflow
