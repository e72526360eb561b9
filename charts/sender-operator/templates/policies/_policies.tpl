{{/*
What the admission policies share. Each policy stands in a file of its own, with the reason for its failurePolicy.
*/}}

{{/* Whether a policy is to be rendered: (list . VALUE KIND), with VALUE the policy's own switch. */}}
{{- define "sender-operator.policy.wanted" -}}
{{- $root := index . 0 -}}
{{- $served := $root.Capabilities.APIVersions.Has (printf "admissionregistration.k8s.io/v1/%s" (index . 2)) -}}
{{- if and $root.Values.admissionPolicies.enabled (index . 1) $served }}true{{ end -}}
{{- end }}

{{/* Kind and metadata of a policy: (list . KIND NAME). */}}
{{- define "sender-operator.policy.head" -}}
{{- $root := index . 0 -}}
apiVersion: admissionregistration.k8s.io/v1
kind: {{ index . 1 }}
metadata:
  name: {{ include "sender-operator.clusterName" $root }}-{{ index . 2 }}
  labels:
    {{- include "sender-operator.labels" $root | nindent 4 }}
{{- end }}

{{/* The binding that puts a policy in force: (list . KIND NAME ACTION); a policy that mutates has no action. */}}
{{- define "sender-operator.policy.binding" -}}
{{- $root := index . 0 -}}
{{ include "sender-operator.policy.head" (list $root (printf "%sBinding" (index . 1)) (index . 2)) }}
spec:
  policyName: {{ include "sender-operator.clusterName" $root }}-{{ index . 2 }}
  {{- with index . 3 }}
  validationActions: [{{ . }}]
  {{- end }}
{{- end }}

{{/* Requests for SenderAccounts of the namespaces that this release watches: (list . OPERATION…). */}}
{{- define "sender-operator.policy.accounts" -}}
{{- include "sender-operator.policy.requests" (list (first .).Values.watchNamespaces "sender-operator.dev" "senderaccounts" (rest .)) -}}
{{- end }}

{{/* Requests for a resource in these namespaces, or in all: (list NAMESPACES GROUP RESOURCE OPERATIONS). */}}
{{- define "sender-operator.policy.requests" -}}
matchConstraints:
  {{- with index . 0 }}
  namespaceSelector:
    matchExpressions:
      - key: kubernetes.io/metadata.name
        operator: In
        values: {{ toJson . }}
  {{- end }}
  resourceRules:
    - apiGroups: [{{ quote (index . 1) }}]
      apiVersions: ["*"]
      operations: {{ toJson (index . 3) }}
      resources: [{{ index . 2 }}]
{{- end }}

{{/* The user name of the operator's own ServiceAccount. */}}
{{- define "sender-operator.policy.operator" -}}
system:serviceaccount:{{ include "sender-operator.namespace" . }}:{{ include "sender-operator.serviceAccountName" . }}
{{- end }}

{{/* CEL: what becomes of the account of oldObject, in the words of --require-confirmation. */}}
{{- define "sender-operator.policy.target" -}}
oldObject.spec.provider.?postpress.hasValue() ? "PostPress"
: oldObject.spec.provider.?puffle.?channel.orValue("") == "Email" ? "Email"
: oldObject.spec.provider.?puffle.?teardown.orValue("Disconnect")
{{- end }}

{{/* CEL: the account's id in oldObject. */}}
{{- define "sender-operator.policy.accountId" -}}
oldObject.spec.provider.?postpress.?accountId.or(oldObject.spec.provider.?puffle.?accountId).orValue("")
{{- end }}

{{/* CEL: how kubectl names oldObject. */}}
{{- define "sender-operator.policy.object" -}}
"sacc " + oldObject.metadata.name + " -n " + oldObject.metadata.namespace
{{- end }}
