// Package daemon is the command "ipvsadm vrrp", which is also what the program
// does when it is called keepalived: words of the command line, the test of a
// configuration, exit statuses, signals, the control socket.
//
// Beside failover, or alone as "ipvsadm check", runs a Companion: the virtual
// servers of the configuration. This package knows nothing of them but that they
// have a quorum or not; main makes the two known to each other. The companion has
// goroutines of its own, begins anew if it panics, and cannot hold up failover.
//
//	os.Exit(daemon.Main(daemon.Env{
//		Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(),
//		Load: load,
//	}, os.Args[2:]))
//
// How a configuration is written is none of its business: main hands it a
// function that reads one.
//
// # Privileges
//
// The test of a configuration needs none: it reads the files, and looks at the
// programs that they name as root would find them.
package daemon
