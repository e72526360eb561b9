package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/argoproj/argo-cd/gitops-engine/v3/pkg/health"
	lua "github.com/yuin/gopher-lua"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	luajson "layeh.com/gopher-json"
)

// HealthChecks are Argo CD's checks in Lua, by GROUP/KIND.
type HealthChecks map[string]string

// healthChecks finds them in Argo CD's ConfigMap, under the keys that its manual "Resource Health" documents.
func healthChecks(file string) HealthChecks {
	configMap := &corev1.ConfigMap{}
	read(file, configMap)
	checks := HealthChecks{}
	for key, script := range configMap.Data {
		if kind, ok := strings.CutPrefix(key, "resource.customizations.health."); ok {
			checks[strings.Replace(kind, "_", "/", 1)] = script
		}
	}
	return checks
}

// GetResourceHealth runs a check as Argo CD does, with the libraries package, base and table.
// (Argo CD has a part of os, too.)
func (checks HealthChecks) GetResourceHealth(object *unstructured.Unstructured) (*health.HealthStatus, error) {
	kind := object.GroupVersionKind()
	script, ok := checks[kind.Group+"/"+kind.Kind]
	if !ok {
		return nil, nil
	}
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{{lua.LoadLibName, lua.OpenPackage}, {lua.BaseLibName, lua.OpenBase}, {lua.TabLibName, lua.OpenTable}} {
		open := lua.P{Fn: state.NewFunction(library.open), Protect: true}
		if err := state.CallByParam(open, lua.LString(library.name)); err != nil {
			return nil, err
		}
	}
	// Argo CD's limit is one second of an idle machine; a loaded one shall not fail a test.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	state.SetContext(ctx)
	state.SetGlobal("obj", luajson.DecodeValue(state, floats(object.Object)))
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	table, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return nil, errors.New("the health check returns no table")
	}
	text, err := luajson.Encode(table)
	if err != nil {
		return nil, err
	}
	result := &health.HealthStatus{}
	return result, json.Unmarshal(text, result)
}

// floats is the object with the only numbers that Lua has.
func floats(value any) any {
	switch value := value.(type) {
	case int64:
		return float64(value)
	case []any:
		list := make([]any, len(value))
		for i, item := range value {
			list[i] = floats(item)
		}
		return list
	case map[string]any:
		table := make(map[string]any, len(value))
		for key, item := range value {
			table[key] = floats(item)
		}
		return table
	}
	return value
}
