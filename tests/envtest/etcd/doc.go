// Package etcd pins the etcd server the tests run; the tool is named in go.mod.
package etcd
