{{- /* What any pod of this chart must reach: name servers and the API server. */}}
{{- define "sender-operator.egress" -}}
{{- with .Values.networkPolicy -}}
# DNS
- ports:
    - port: {{ .dns.port }}
      protocol: UDP
    - port: {{ .dns.port }}
      protocol: TCP
  {{- with .dns.to }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
# API server
- ports:
    {{- range .apiServer.ports }}
    - port: {{ . }}
      protocol: TCP
    {{- end }}
  {{- with .apiServer.cidrs }}
  to:
    {{- range . }}
    - ipBlock:
        cidr: {{ . | quote }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
