{{- /* What makes an object part of the hook: (weight). Lower weights are there first. */}}
{{- define "sender-operator.hook" -}}
helm.sh/hook: pre-delete
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{- /* As the release's own, but no Service or policy of the operator must take the hook's pod for the operator. */}}
{{- define "sender-operator.hookLabels" -}}
{{- $labels := include "sender-operator.labels" . | fromYaml }}
{{- $name := printf "%s-uninstall" (include "sender-operator.name" . | trunc 53 | trimSuffix "-") }}
{{- toYaml (merge (dict "app.kubernetes.io/name" $name) $labels) }}
{{- end }}

{{- /* What the hook may do where the operator watches: what its mode does, and nothing else. */}}
{{- define "sender-operator.uninstallRules" -}}
{{- $verbs := dict "Refuse" (list "list") "Drain" (list "list" "delete") "Orphan" (list "get" "list" "delete" "patch") }}
- apiGroups: [sender-operator.dev]
  resources: [senderaccounts]
  verbs: {{ get $verbs .Values.uninstall.mode | toJson }}
{{- if ne .Values.uninstall.mode "Refuse" }}
# Sees that no Secret is held any more
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, patch]
{{- end }}
{{- if eq .Values.uninstall.mode "Orphan" }}
# Lets accounts go where no operator runs
- apiGroups: [sender-operator.dev]
  resources: [senderaccounts/release]
  verbs: [update]
{{- end }}
{{- end }}

{{- /*
The other release of this chart that would work on the same objects, as a sentence. Two operators do not see each other:
what one has just disconnected the other would destroy.
*/}}
{{- define "sender-operator.otherRelease" -}}
{{- $own := .Values.watchNamespaces }}
{{- $found := list }}
{{- if or (include "sender-operator.clusterWide" .) .Values.rbac.readCrd }}
{{- range (lookup "apps/v1" "Deployment" "" "").items }}
{{- $theirs := list }}
{{- range .spec.template.spec.containers }}
{{- range .args }}
{{- if hasPrefix "--watch-namespace=" . }}
{{- $theirs = trimPrefix "--watch-namespace=" . | splitList "," }}
{{- end }}
{{- end }}
{{- end }}
{{- $found = append $found (dict "metadata" .metadata "watches" $theirs) }}
{{- end }}
{{- else }}
{{- /* Who installs without the cluster's rights sees what watches the same namespace: its Role is there. */}}
{{- range $namespace := $own }}
{{- range (lookup "rbac.authorization.k8s.io/v1" "Role" $namespace "").items }}
{{- $found = append $found (dict "metadata" .metadata "watches" (list $namespace)) }}
{{- end }}
{{- end }}
{{- end }}
{{- range $found }}
{{- $chart := dig "labels" "helm.sh/chart" "" .metadata }}
{{- $name := dig "annotations" "meta.helm.sh/release-name" "" .metadata }}
{{- $namespace := dig "annotations" "meta.helm.sh/release-namespace" "" .metadata }}
{{- $other := ne (printf "%s/%s" $namespace $name) (printf "%s/%s" $.Release.Namespace $.Release.Name) }}
{{- $shared := .watches }}
{{- if and $own .watches }}
{{- $shared = list }}
{{- range .watches }}{{ if has . $own }}{{ $shared = append $shared . }}{{ end }}{{ end }}
{{- end }}
{{- if and (regexMatch (printf "^%s-[0-9]" $.Chart.Name) $chart) $other (or $shared (not .watches) (not $own)) }}
release {{ $name }} in namespace {{ $namespace }} watches {{ $shared | join ", " | default "all namespaces" }} already, and two operators must not work on the same objects; uninstall it first (helm uninstall {{ $name }} -n {{ $namespace }}), or give both releases watchNamespaces that do not overlap
{{ end }}
{{- end }}
{{- end }}
