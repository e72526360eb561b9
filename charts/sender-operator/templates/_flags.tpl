{{- /* Every flag of `sender-operator run` that has a value in this chart, with what it is set to. */}}
{{- define "sender-operator.flags" -}}
watch-namespace: {{ toJson .Values.watchNamespaces }}
allowed-host: {{ toJson .Values.allowedHosts }}
concurrency: {{ .Values.concurrency }}
observe-interval: {{ .Values.observeInterval }}
max-backoff: {{ .Values.maxBackoff }}
outcome-window: {{ .Values.outcomeWindow }}
secret-hold: {{ .Values.secretHold }}
ignore-finalizer: {{ toJson .Values.ignoreFinalizers }}
require-confirmation: {{ toJson .Values.requireConfirmation }}
deletion-budget: {{ .Values.deletionBudget }}
listen: {{ printf "%s:%v" .Values.listen.address .Values.listen.port | quote }}
leader-election: {{ .Values.leaderElection.enabled }}
{{- if .Values.leaderElection.enabled }}
lease-namespace: {{ include "sender-operator.namespace" . }}
lease-name: {{ include "sender-operator.fullname" . }}
{{- end }}
log-format: {{ .Values.logging.format }}
log-level: {{ .Values.logging.level | quote }}
{{- end }}

{{- /* The same as arguments; an empty list is the flag left out. */}}
{{- define "sender-operator.args" -}}
- run
{{- range $flag, $value := include "sender-operator.flags" . | fromYaml }}
{{- if kindIs "slice" $value }}
{{- with $value }}
- --{{ $flag }}={{ join "," . }}
{{- end }}
{{- else }}
- --{{ $flag }}={{ $value }}
{{- end }}
{{- end }}
{{- with .Values.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end }}
