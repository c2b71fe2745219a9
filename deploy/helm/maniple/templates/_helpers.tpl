{{- define "maniple.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "maniple.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "maniple.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "maniple.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "maniple.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "maniple.selector" . }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "maniple.selector" -}}
app.kubernetes.io/name: {{ include "maniple.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: daemon
{{- end }}

{{/* The pods of workers, which Spark makes. */}}
{{- define "maniple.workerSelector" -}}
app.kubernetes.io/name: {{ include "maniple.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: worker
{{- end }}

{{- define "maniple.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{- define "maniple.tlsSecret" -}}
{{- if and (not .Values.tls.existingSecret) (not .Values.tls.certManager.issuerRef) (not (and .Values.tls.certificate .Values.tls.key)) }}
{{- fail "the daemon needs a certificate: set tls.existingSecret, or tls.certManager.issuerRef, or tls.certificate and tls.key (--set-file; 'maniple server init DIR --host NAME' makes them to try it out)" }}
{{- end }}
{{- .Values.tls.existingSecret | default (printf "%s-tls" (include "maniple.fullname" .)) }}
{{- end }}

{{- define "maniple.usersSecret" -}}
{{- if and (not .Values.users.existingSecret) (not .Values.users.content) }}
{{- fail "the daemon needs users: set users.existingSecret, or users.content (--set-file; 'maniple server new-user FILE NAME' writes it)" }}
{{- end }}
{{- .Values.users.existingSecret | default (printf "%s-users" (include "maniple.fullname" .)) }}
{{- end }}

{{- define "maniple.headless" -}}
{{ include "maniple.fullname" . }}-pods
{{- end }}

{{/* Under this name workers reach the daemon. */}}
{{- define "maniple.podHost" -}}
{{ include "maniple.fullname" . }}-0.{{ include "maniple.headless" . }}.{{ .Release.Namespace }}.svc
{{- end }}

{{- define "maniple.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "maniple.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* A value of maniple.toml. */}}
{{- define "maniple.toml" -}}
{{- if or (kindIs "bool" .) (kindIs "int" .) (kindIs "int64" .) -}}
{{ . }}
{{- else if kindIs "float64" . -}}
{{ if eq (floor .) . }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- else -}}
{{ . | toString | quote }}
{{- end }}
{{- end }}

{{/* The secret whose ca.crt clients of this chart's own trust. */}}
{{- define "maniple.authoritySecret" -}}
{{- if and (not .Values.tls.existingSecret) (not .Values.tls.certManager.issuerRef) (not .Values.tls.authority) }}
{{- fail "tls.authority: 'helm test' and the ServiceMonitor need the certificates of the authority (--set-file)" }}
{{- end }}
{{- include "maniple.tlsSecret" . }}
{{- end }}

{{/* Kubernetes writes Gi for what the daemon calls g. */}}
{{- define "maniple.spillVolume" -}}
{{- $size := printf "%si" (upper .Values.spill.size) -}}
- name: spill
{{- if .Values.spill.storageClassName }}
  ephemeral:
    volumeClaimTemplate:
      spec:
        accessModes: [ReadWriteOnce]
        storageClassName: {{ .Values.spill.storageClassName }}
        resources:
          requests:
            storage: {{ $size }}
{{- else }}
  emptyDir:
    sizeLimit: {{ $size }}
{{- end }}
{{- end }}
