{{- /* What the operator may do where it watches: no more than it does, and nothing that lists Secrets. */}}
{{- define "sender-operator.rules" -}}
# Watches the objects, puts its finalizer on, and takes it off with a proof
- apiGroups: [sender-operator.dev]
  resources: [senderaccounts]
  verbs: [get, list, watch, patch]
# Writes down what is known and what was tried
- apiGroups: [sender-operator.dev]
  resources: [senderaccounts/status]
  verbs: [patch]
# Reads the keys that objects name, and keeps such a Secret until the accounts that need it are gone
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, patch]
# Tells a Secret that is missing from one that can never come back, as its namespace is going
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get]
# Says what it does; it works without
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{- /* What no Role can give: to see that the CRD is going, which is nobody's wish to delete accounts. */}}
{{- define "sender-operator.crdRule" -}}
- apiGroups: [apiextensions.k8s.io]
  resources: [customresourcedefinitions]
  resourceNames: [senderaccounts.sender-operator.dev]
  verbs: [get]
{{- end }}

{{- define "sender-operator.subjects" -}}
- kind: ServiceAccount
  name: {{ include "sender-operator.serviceAccountName" . }}
  namespace: {{ include "sender-operator.namespace" . }}
{{- end }}
