// Package check decides from health checks of real servers what the kernel's
// table should be, and sees to it that it is.
//
// Config is what a configuration says, plain values. A Pool is the state of one
// of its virtual servers: which real servers are up and with what weight,
// whether there is a quorum. It changes by results of checks (Report) and by a
// new configuration (Reload), and says each time what changed and why. From
// configuration and state follows the wanted table (Wanted), from that and the
// kernel's the operations (ipvs.Plan).
//
// All of this is a function of values: no time, sockets, files or goroutines. So
// the state of a real server depends only on the sequence of its results, and
// that of a quorum only on the sequence of weights.
//
// A Manager makes it happen. It has the checks done, each by a Checker, when they
// are due; gives the results to the pools; and carries what follows to the
// kernel, whose table it reads back now and then and mends. What it needs of the
// world it is given: the kernel (Table), somebody who makes checkers (package
// probe), somebody who tells others (Notice), the addresses of this machine.
//
// The rules are keepalived's. Where its outcome depends on what was in its
// memory, ours depends on configuration and state alone:
//
//   - A server that is kept with weight 0 when it is down (inhibit_on_failure,
//     sorry_server_inhibit) is in the table from the start.
//   - Of several checkers that set a weight the lowest counts, not the last to
//     report.
//   - A virtual server without quorum at the start has not lost it: the change is
//     reported with CauseStart.
//   - A changed checker takes over whether its server was up.
//
// The package imports only ipvs. It knows nothing of VRRP: what depends on both
// is connected by main.
//
//	pool, _ := check.NewPool(&config.Servers[0], nil)
//	next, changes := pool.Report(0, 0, check.Result{Verdict: check.Fail, Reason: "connection refused"})
//	plan := ipvs.Plan(kernel, config.Wanted([]*check.Pool{pool}), config.Owner(nil))
//
// or all of it until a context ends:
//
//	m := check.NewManager(check.Options{Table: client, New: makeChecker, Log: log})
//	err := m.Run(ctx, config)
//
// # Privileges
//
// The kernel's table needs CAP_NET_ADMIN (see package ipvs), checks what their
// checkers need. Once needs no privileges for most kinds of checks.
package check
