// The runtime's watch over a container's CPU limit would cost every command an
// eighth of its start: a goroutine, and mostly a thread.
//
//go:debug updatemaxprocs=0

// Command ipvsadm administers the Linux virtual server, and tests configurations
// of failover.
package main

import (
	"io"
	"os"
	"path/filepath"

	"golang.org/x/term"

	"ipvsadm/ipvs"
	"ipvsadm/rules"
	"ipvsadm/rules/keepalived"
	"ipvsadm/vrrp/daemon"
)

func main() {
	switch args := os.Args; {
	case len(args) > 0 && filepath.Base(args[0]) == "keepalived":
		os.Exit(daemon.Keepalived(vrrpEnv(), args[1:]))
	case len(args) > 1 && args[1] == "vrrp":
		os.Exit(daemon.Main(vrrpEnv(), args[2:]))
	}
	os.Exit(rules.Main(rules.Env{
		Stdin:       os.Stdin,
		Stdout:      os.Stdout,
		Stderr:      os.Stderr,
		Interactive: term.IsTerminal(int(os.Stdout.Fd())),
		LookupEnv:   os.LookupEnv,
		Open:        func() (rules.Kernel, error) { return ipvs.Open(ipvs.Options{}) },
		Names:       rules.NewSystemNames(),
		Connections: func() (io.ReadCloser, error) { return os.Open("/proc/net/ip_vs_conn") },
	}, os.Args))
}

// vrrpEnv is what the failover daemon needs of the world.
func vrrpEnv() daemon.Env {
	return daemon.Env{Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(), Load: keepalived.LoadSetup}
}
