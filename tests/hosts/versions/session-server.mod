// The session server of GitLab Runner 12.5, which has no go.mod of its own.
module runner-terminal.dev/tests/hosts/session-server

go 1.26.5

require (
	github.com/BurntSushi/toml v1.6.0
	github.com/gorilla/websocket v1.5.4-0.20250319132907-e064f32e3674
	gitlab.com/gitlab-org/gitlab-runner v12.5.0+incompatible
	gitlab.com/gitlab-org/gitlab-terminal v0.0.0-20230425165333-62e9b619707c
)

require (
	github.com/davecgh/go-spew v1.1.1 // indirect
	github.com/docker/docker v28.5.2+incompatible // indirect
	github.com/gorilla/mux v1.8.1 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	github.com/pmezard/go-difflib v1.0.0 // indirect
	github.com/sirupsen/logrus v1.9.0 // indirect
	github.com/stretchr/objx v0.5.0 // indirect
	github.com/stretchr/testify v1.8.2 // indirect
	golang.org/x/net v0.26.0 // indirect
	golang.org/x/sys v0.21.0 // indirect
	golang.org/x/text v0.16.0 // indirect
	gopkg.in/yaml.v2 v2.4.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)
