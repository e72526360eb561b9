// Package jq pins gojq, which stands in for jq where a script of config/gitops is tested; see tests/envtest/build.sh.
package jq
