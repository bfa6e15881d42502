// The runtime's watch over a container's CPU limit would cost every command an
// eighth of its start: a goroutine, and mostly a thread.
//
//go:debug updatemaxprocs=0

// Command ipvsadm administers the Linux virtual server.
package main

import (
	"io"
	"os"

	"golang.org/x/term"

	"ipvsadm/ipvs"
	"ipvsadm/rules"
)

func main() {
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
