{{- define "sender-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 55 | trimSuffix "-" }}
{{- end }}

{{- /* The name of the release's objects. A Service's name has at most 63 characters, its suffix included. */}}
{{- define "sender-operator.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- default $full .Values.fullnameOverride | trunc 55 | trimSuffix "-" }}
{{- end }}

{{- /* The name of objects without a namespace: operators that watch namespaces of their own may stand side by side. */}}
{{- define "sender-operator.clusterName" -}}
{{- if .Values.watchNamespaces }}
{{- printf "%s-%s" (include "sender-operator.fullname" .) (include "sender-operator.namespace" .) }}
{{- else }}
{{- include "sender-operator.fullname" . }}
{{- end }}
{{- end }}

{{- /* "true" where the rights hold in the whole cluster, not only where it watches. */}}
{{- define "sender-operator.clusterWide" -}}
{{- if or (not .Values.watchNamespaces) .Values.rbac.clusterWide }}true{{ end }}
{{- end }}

{{- define "sender-operator.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- define "sender-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sender-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* What the chart says of an object wins over commonLabels: selectors rest on it. */}}
{{- define "sender-operator.labels" -}}
{{- $own := include "sender-operator.selectorLabels" . | fromYaml }}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") }}
{{- $_ = set $own "app.kubernetes.io/version" .Chart.AppVersion }}
{{- $_ = set $own "app.kubernetes.io/managed-by" .Release.Service }}
{{- merge $own .Values.commonLabels | toYaml }}
{{- end }}

{{- define "sender-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "sender-operator.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "sender-operator.image" -}}
{{- $name := .Values.image.repository }}
{{- with .Values.image.registry }}{{ $name = printf "%s/%s" . $name }}{{ end }}
{{- with .Values.image.digest }}
{{- printf "%s@%s" $name . }}
{{- else }}
{{- printf "%s:%s" $name (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}
