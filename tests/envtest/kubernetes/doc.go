// Package kubernetes pins the Kubernetes programs the tests run; the tools are named in go.mod.
package kubernetes
