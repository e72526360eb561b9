// Package helm pins the Helm that installs the chart in the tests; the tool is named in go.mod.
package helm
