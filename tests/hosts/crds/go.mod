// The published custom resource definitions that the tests apply.
module github.com/runner-terminal/runner-terminal/tests/hosts/crds

go 1.26

require (
	github.com/openshift/api v0.0.0-20250124212313-a770960d61e0
	github.com/projectcontour/contour v1.33.8
	github.com/traefik/traefik/v3 v3.7.13
	sigs.k8s.io/gateway-api v1.5.1
)
