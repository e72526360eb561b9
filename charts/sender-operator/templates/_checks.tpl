{{- /* Values that contradict each other or are not safe, a sentence each: what is wrong, and what to write. */}}
{{- define "sender-operator.faults" -}}
{{- $values := .Values }}
{{- if and (gt (int $values.replicaCount) 1) (not $values.leaderElection.enabled) }}
- replicaCount is {{ $values.replicaCount }} and leaderElection.enabled is false, so that several operators would act at once; set leaderElection.enabled to true, or replicaCount to 1
{{- end }}
{{- if le (int $values.terminationGracePeriodSeconds) 70 }}
- terminationGracePeriodSeconds is {{ $values.terminationGracePeriodSeconds }}, so that a DELETE in flight could be killed before its answer is written down; write 71 or more
{{- end }}
{{- if and $values.image.tag $values.image.digest }}
- image.tag and image.digest are both set, and only one can say which image is meant; leave image.tag out
{{- end }}
{{- if and (not $values.serviceAccount.create) (not $values.serviceAccount.name) $values.rbac.create }}
- serviceAccount.create is false and serviceAccount.name is empty, so that every pod without an account of its own would get the operator's rights; set serviceAccount.name, or rbac.create to false
{{- end }}
{{- if and $values.rbac.clusterWide (not $values.rbac.create) }}
- rbac.clusterWide is true and rbac.create is false, so that no right is granted anywhere; set rbac.create to true, or rbac.clusterWide to false
{{- end }}
{{- if and $values.serviceMonitor.enabled (not $values.service.enabled) }}
- serviceMonitor.enabled is true and service.enabled is false, so that there is nothing to scrape; set service.enabled to true
{{- end }}
{{- if and $values.networkPolicy.enabled (not (and $values.networkPolicy.provider.cidrs $values.networkPolicy.provider.ports)) }}
- networkPolicy.enabled is true and networkPolicy.provider.cidrs or ports is empty, so that no deletion could reach its provider; write the providers' addresses and ports, or leave both at their defaults
{{- end }}
{{- if and $values.networkPolicy.enabled (not $values.networkPolicy.apiServer.ports) }}
- networkPolicy.enabled is true and networkPolicy.apiServer.ports is empty, so that the operator could not reach the API server; write its ports
{{- end }}
{{- $flags := include "sender-operator.flags" . | fromYaml }}
{{- range $values.extraArgs }}
{{- $flag := trimPrefix "--" . | splitList "=" | first }}
{{- if hasKey $flags $flag }}
- extraArgs has --{{ $flag }}, which has a value of its own in this chart; set that instead
{{- end }}
{{- end }}
{{- range $values.extraEnv }}
{{- if and (hasPrefix "SENDER_OPERATOR_" .name) (hasKey $flags (trimPrefix "SENDER_OPERATOR_" .name | lower | replace "_" "-")) }}
- extraEnv has {{ .name }}, which has a value of its own in this chart; set that instead
{{- end }}
{{- end }}
{{- end }}

{{- define "sender-operator.check" -}}
{{- with include "sender-operator.faults" . | trim }}
{{- fail (printf "these values cannot be installed:\n%s" .) }}
{{- end }}
{{- end }}
