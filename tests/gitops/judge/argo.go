package main

import (
	"strings"

	appv1 "github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/lua"
	corev1 "k8s.io/api/core/v1"
)

// healthChecks finds Argo CD's checks in Lua in its ConfigMap, under the keys that its manual "Resource Health"
// documents.
func healthChecks(file string) lua.ResourceHealthOverrides {
	configMap := &corev1.ConfigMap{}
	read(file, configMap)
	checks := lua.ResourceHealthOverrides{}
	for key, script := range configMap.Data {
		if kind, ok := strings.CutPrefix(key, "resource.customizations.health."); ok {
			checks[strings.Replace(kind, "_", "/", 1)] = appv1.ResourceOverride{HealthLua: script}
		}
	}
	return checks
}
