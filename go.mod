module ipvsadm

go 1.26.0

require (
	github.com/coreos/go-systemd/v22 v22.7.0
	github.com/dlclark/regexp2 v1.12.0
	github.com/moby/ipvs v1.1.0
	github.com/olekukonko/tablewriter v0.0.5
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3
	github.com/spf13/pflag v1.1.0
	github.com/vishvananda/netlink v1.3.1
	github.com/vishvananda/netns v0.0.5
	golang.org/x/net v0.62.0
	golang.org/x/sys v0.49.0
	golang.org/x/term v0.47.0
	pgregory.net/rapid v1.3.0
)

require (
	github.com/mattn/go-runewidth v0.0.9 // indirect
	github.com/sirupsen/logrus v1.9.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

// Keeps what only the lab imports, which go mod tidy does not look at.
tool ipvsadm/testdata/lab/cmd/bench
