// The session server of the GitLab Runner itself, and a client that does what
// GitLab Workhorse does when a person opens a job's terminal.
module runner-terminal.dev/tests/hosts/session-server

go 1.26.5

require (
	github.com/BurntSushi/toml v1.6.0
	github.com/gorilla/websocket v1.5.4-0.20250319132907-e064f32e3674
	gitlab.com/gitlab-org/gitlab-runner v1.11.1-0.20260903214710-fc1f1862bd91
	gitlab.com/gitlab-org/gitlab-terminal v0.0.0-20230425165333-62e9b619707c
)

require (
	github.com/sirupsen/logrus v1.10.0 // indirect
	github.com/stretchr/objx v0.5.3 // indirect
	github.com/stretchr/testify v1.12.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/net v0.57.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
	golang.org/x/text v0.41.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)
