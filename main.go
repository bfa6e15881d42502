// The runtime's watch over a container's CPU limit would cost every command an
// eighth of its start: a goroutine, and mostly a thread.
//
//go:debug updatemaxprocs=0

// Command ipvsadm administers the Linux virtual server, and runs failover of
// virtual addresses.
package main

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"golang.org/x/term"

	"ipvsadm/ipvs"
	"ipvsadm/rules"
	"ipvsadm/rules/keepalived"
	"ipvsadm/rules/schedule"
	"ipvsadm/vrrp"
	"ipvsadm/vrrp/daemon"
)

func main() {
	switch args := os.Args; {
	case len(args) > 0 && filepath.Base(args[0]) == "keepalived":
		os.Exit(daemon.Keepalived(vrrpEnv(), args[1:]))
	case len(args) > 1 && args[1] == "vrrp":
		os.Exit(daemon.Main(vrrpEnv(), args[2:]))
	case len(args) > 1 && args[1] == "sched":
		os.Exit(schedule.Main(scheduleEnv(), args[2:]))
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
		Interrupts:  interrupts,
	}, os.Args))
}

// interrupts delivers the signals by which a user or a machine ends a program.
// The end of a pipe is none: who no longer looks still wants it done.
func interrupts() (<-chan os.Signal, func()) {
	signal.Ignore(syscall.SIGPIPE)
	c := make(chan os.Signal, 1)
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(sig) { // nohup means it
			signal.Notify(c, sig)
		}
	}
	return c, func() { signal.Stop(c) }
}

// scheduleEnv is what the explanations and predictions of schedulers need.
func scheduleEnv() schedule.Env {
	return schedule.Env{
		Stdin:       os.Stdin,
		Stdout:      os.Stdout,
		Stderr:      os.Stderr,
		Interactive: term.IsTerminal(int(os.Stdout.Fd())),
		Open:        func() (rules.Kernel, error) { return ipvs.Open(ipvs.Options{NoModprobe: true}) },
		Names:       rules.NewSystemNames(),
		Connections: func() (io.ReadCloser, error) { return os.Open("/proc/net/ip_vs_conn") },
		Root:        os.DirFS("/"),
		ReadFile:    os.ReadFile,
	}
}

// vrrpEnv is what the failover daemon needs of the world.
func vrrpEnv() daemon.Env {
	return daemon.Env{
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
		Args:    os.Args,
		Environ: os.Environ(),
		Load:    keepalived.LoadSetup,
		Sync:    syncConnections,
	}
}

// syncConnections has the kernel's synchronisation of connections play a role.
func syncConnections(c vrrp.SyncConfig, role vrrp.SyncRole) error {
	client, err := ipvs.Open(ipvs.Options{})
	if err != nil {
		return err
	}
	defer client.Close()
	// What does not run cannot be stopped, which is fine.
	client.Do(ipvs.StopDaemon{State: ipvs.Master}, ipvs.StopDaemon{State: ipvs.Backup})
	return errors.Join(client.Do(syncStarts(c, role)...)...)
}

// syncStarts are the daemons that a role needs.
func syncStarts(c vrrp.SyncConfig, role vrrp.SyncRole) (ops []ipvs.Op) {
	daemon := ipvs.Daemon{Interface: c.Device, SyncID: uint32(c.ID), MaxLen: c.MaxLen, Group: c.Group, Port: c.Port, TTL: c.TTL}
	for _, state := range []ipvs.DaemonState{ipvs.Master, ipvs.Backup} {
		if role == vrrp.SyncBoth || role == vrrp.SyncActive && state == ipvs.Master || role == vrrp.SyncBackup && state == ipvs.Backup {
			daemon.State = state
			ops = append(ops, ipvs.StartDaemon{Daemon: daemon})
		}
	}
	return ops
}
